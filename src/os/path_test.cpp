#include "os/path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "os/read_file.h"

namespace pintle::os {
namespace {

class Path : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "pintle-path-XXXXXX";
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    ASSERT_TRUE(make_directories(root_ + "/volume/a", 0750));
    ASSERT_TRUE(make_directories(root_ + "/outside", 0750));
    ASSERT_EQ(::symlink("/outside", (root_ + "/volume/absolute").c_str()), 0);
    ASSERT_EQ(::symlink("../outside", (root_ + "/volume/relative").c_str()), 0);
    ASSERT_EQ(::symlink("a", (root_ + "/volume/inside").c_str()), 0);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_)); }
  // Where a path inside the volume leads, below the root; "" if nowhere.
  std::string leads_to(std::string_view path) {
    const auto fd = open_below(root_ + "/volume", path);
    if (!fd) return {};
    char target[4096];
    const ssize_t size = ::readlink(fd_path(fd->get()).c_str(), target, sizeof target);
    return std::string(target, static_cast<std::size_t>(size)).substr(root_.size());
  }
  // volume/a/d/d/...
  std::string deep(int levels) const {
    std::string out = root_ + "/volume/a";
    for (int i = 0; i < levels; ++i) out += "/d";
    return out;
  }
  std::string root_;
};

TEST_F(Path, NothingLeadsOut) {
  ASSERT_EQ(::symlink("../", (root_ + "/volume/up").c_str()), 0);
  EXPECT_EQ(leads_to(""), "/volume");
  EXPECT_EQ(leads_to("a"), "/volume/a");
  EXPECT_EQ(leads_to("inside"), "/volume/a");
  EXPECT_EQ(leads_to("../../.."), "");
  EXPECT_EQ(leads_to("a/.."), "/volume");
  EXPECT_EQ(leads_to("up"), "") << "not even to the root itself";
  EXPECT_EQ(open_below(root_ + "/volume", "up").error().reason, Reason::Forbidden);
  EXPECT_EQ(leads_to("absolute"), "");
  EXPECT_EQ(leads_to("relative"), "");
  EXPECT_EQ(leads_to("missing"), "");
}

TEST_F(Path, DirectoriesAreMadeInside) {
  EXPECT_TRUE(make_directories_below(root_ + "/volume", "x/y/z", 02770));
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/volume/x/y").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 02770u);
  EXPECT_TRUE(make_directories_below(root_ + "/volume", "inside/new", 0755));
  EXPECT_EQ(leads_to("a/new"), "/volume/a/new");
  EXPECT_FALSE(make_directories_below(root_ + "/volume", "../outside/new", 0755));
  // Through a link that would lead out, nothing is made outside.
  EXPECT_FALSE(make_directories_below(root_ + "/volume", "absolute/new", 0755));
  EXPECT_NE(::access((root_ + "/outside/new").c_str(), F_OK), 0);
}

TEST_F(Path, RemovalDoesNotFollowLinks) {
  ASSERT_TRUE(make_directory(root_ + "/outside/kept", 0755));
  EXPECT_TRUE(remove_tree(root_ + "/volume"));
  EXPECT_NE(::access((root_ + "/volume").c_str(), F_OK), 0);
  EXPECT_EQ(::access((root_ + "/outside/kept").c_str(), F_OK), 0);
  EXPECT_TRUE(remove_tree(root_ + "/volume")) << "nothing there: no error";
}

TEST_F(Path, VisitsParentsFirst) {
  std::vector<std::string> seen;
  ASSERT_TRUE(visit_tree(root_ + "/volume", [&](const TreeEntry& entry) -> Result<Unit> {
    seen.emplace_back(entry.name);
    return Unit{};
  }));
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0], root_ + "/volume");
}

// Makes `depth` directories inside one another, each with a file, and returns without a descriptor left open.
void make_deep(const std::string& top, int depth, const std::string& name) {
  UniqueFd at(::open(top.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < depth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
    const UniqueFd file(::openat(at.get(), "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(file);
    at.reset(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(at);
  }
}

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

TEST_F(Path, NoDepthIsTooDeep) {
  constexpr int depth = 1200;
  const std::string top = root_ + "/volume/a";
  make_deep(top, depth, "d");
  const int before = open_descriptors();
  int most = 0;
  std::size_t seen = 0;
  ASSERT_TRUE(visit_tree(top, [&](const TreeEntry&) -> Result<Unit> {
    if (++seen % 500 == 0) most = std::max(most, open_descriptors() - before);
    return Unit{};
  }));
  EXPECT_EQ(seen, 2u * depth + 1);
  EXPECT_LE(most, static_cast<int>(tree_open_max) + 2);
  const auto usage = tree_usage(top);
  ASSERT_TRUE(usage);
  EXPECT_FALSE(usage->failed);
  EXPECT_EQ(usage->inodes, 2u * depth + 1);
  ASSERT_TRUE(remove_tree(top));
  EXPECT_NE(::access(top.c_str(), F_OK), 0);
}

TEST_F(Path, NoNameIsTooLong) {
  make_deep(root_ + "/volume/a", 200, std::string(255, 'x'));
  EXPECT_EQ(tree_usage(root_ + "/volume/a")->inodes, 401u);
  EXPECT_TRUE(remove_tree(root_ + "/volume"));
  EXPECT_NE(::access((root_ + "/volume").c_str(), F_OK), 0);
}

TEST_F(Path, NoDirectoryIsTooWide) {
  constexpr int files = 5000;
  const UniqueFd at(::open((root_ + "/volume/a").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < files; ++i) ASSERT_TRUE(UniqueFd(::openat(at.get(), ("f" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
  EXPECT_EQ(tree_usage(root_ + "/volume/a")->inodes, files + 1u);
  const auto partly = tree_usage(root_ + "/volume/a", [] { return true; });
  EXPECT_TRUE(partly->failed && partly->failed->reason == Reason::Timeout);
  EXPECT_EQ(partly->inodes, 1024u);
  make_deep(root_ + "/volume/a", 300, "d");
  // A removal that is ended again and again goes on where it stopped.
  int slices = 1;
  auto removed = remove_tree(root_ + "/volume/a", [] { return true; });
  for (; !removed && slices < 100; ++slices) removed = remove_tree(root_ + "/volume/a", [] { return true; });
  EXPECT_TRUE(removed);
  EXPECT_GE(slices, 5);
  EXPECT_NE(::access((root_ + "/volume/a").c_str(), F_OK), 0);
}

TEST_F(Path, WhatIsMovedAwayIsNotCountedAsNothing) {
  make_deep(root_ + "/volume/a", 200, "d");
  int levels = 0;
  auto walked = visit_tree(root_ + "/volume/a", [&](const TreeEntry& entry) -> Result<Unit> {
    levels += std::string_view(entry.name) == "d";
    // At the bottom, the directory 100 levels above goes elsewhere.
    if (levels != 200) return Unit{};
    EXPECT_EQ(::rename(deep(100).c_str(), (root_ + "/outside/moved").c_str()), 0);
    ++levels;
    return Unit{};
  });
  EXPECT_FALSE(walked);
  EXPECT_EQ(walked.error().reason, Reason::Conflict);
  EXPECT_EQ(tree_usage(root_ + "/gone").error().reason, Reason::NotFound);
}

TEST_F(Path, WhatCannotGoIsToldAndAllElseGoes) {
  ASSERT_TRUE(make_directories(root_ + "/volume/a/kept", 0755));
  make_deep(root_ + "/volume/a", 10, "d");
  const UniqueFd file(::open((root_ + "/volume/a/kept/file").c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  int flags = FS_IMMUTABLE_FL;
  if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0) GTEST_SKIP() << "the file system has no immutable files, or this user may not make any";
  const auto removed = remove_tree(root_ + "/volume");
  flags = 0;
  ASSERT_EQ(::ioctl(file.get(), FS_IOC_SETFLAGS, &flags), 0);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().message, root_ + "/volume/a/kept/file: operation not permitted");
  EXPECT_NE(::access((root_ + "/volume/a/d").c_str(), F_OK), 0);
  EXPECT_EQ(::access((root_ + "/volume/a/kept/file").c_str(), F_OK), 0);
  EXPECT_TRUE(remove_tree(root_ + "/volume"));
}

TEST_F(Path, OnlyRegularFilesAreOpened) {
  const std::string volume = root_ + "/volume";
  ASSERT_EQ(::mkfifo((volume + "/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("a", (volume + "/link").c_str()), 0);
  ASSERT_TRUE(UniqueFd(::open((volume + "/a/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
  ASSERT_EQ(::symlink("a/file", (volume + "/link-to-file").c_str()), 0);
  EXPECT_TRUE(open_regular_below(volume, "a/file"));
  EXPECT_TRUE(open_regular_below(volume, "/a/./file"));
  EXPECT_TRUE(open_regular_below(volume, "a", true));
  EXPECT_TRUE(open_regular_below(volume, "", true));
  EXPECT_TRUE(open_regular(volume + "/a/file"));
  // A FIFO would wait for its writer.
  for (const char* path : {"fifo", "link-to-file", "link/file", "../outside", "a", "a/../../outside", "absolute"}) {
    const auto opened = open_regular_below(volume, path);
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().reason, Reason::Forbidden) << path;
  }
  for (const char* path : {"/fifo", "/link-to-file", "/a"}) EXPECT_FALSE(open_regular(volume + path)) << path;
  EXPECT_EQ(open_regular_below(volume, "missing").error().reason, Reason::NotFound);
}

TEST_F(Path, DirectoriesAndModes) {
  EXPECT_TRUE(make_directory(root_ + "/volume", 0755)) << "there already";
  const int fd = ::open((root_ + "/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_FALSE(make_directory(root_ + "/file", 0755));
  EXPECT_FALSE(make_directories(root_ + "/file/x", 0755));
  EXPECT_TRUE(set_mode(root_ + "/file", 0640));
  const auto usage = tree_usage(root_ + "/volume");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->inodes, 5u);
}

}  // namespace
}  // namespace pintle::os

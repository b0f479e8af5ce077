#include "os/path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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
    const auto fd = open_in_root(root_ + "/volume", path);
    if (!fd) return {};
    char target[4096];
    const ssize_t size = ::readlink(fd_path(fd->get()).c_str(), target, sizeof target);
    return std::string(target, static_cast<std::size_t>(size)).substr(root_.size());
  }
  std::string root_;
};

TEST_F(Path, NothingLeadsOut) {
  EXPECT_EQ(leads_to(""), "/volume");
  EXPECT_EQ(leads_to("a"), "/volume/a");
  EXPECT_EQ(leads_to("inside"), "/volume/a");
  EXPECT_EQ(leads_to("../../.."), "/volume");
  EXPECT_EQ(leads_to("absolute"), "");
  EXPECT_EQ(leads_to("relative"), "");
  EXPECT_EQ(leads_to("missing"), "");
}

TEST_F(Path, DirectoriesAreMadeInside) {
  EXPECT_TRUE(make_directories_in_root(root_ + "/volume", "x/y/z", 02770));
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/volume/x/y").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 02770u);
  EXPECT_TRUE(make_directories_in_root(root_ + "/volume", "inside/new", 0755));
  EXPECT_EQ(leads_to("a/new"), "/volume/a/new");
  EXPECT_FALSE(make_directories_in_root(root_ + "/volume", "../outside/new", 0755));
  // Through a link that would lead out, nothing is made outside.
  EXPECT_FALSE(make_directories_in_root(root_ + "/volume", "absolute/new", 0755));
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

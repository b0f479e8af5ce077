#include "os/socket_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "os/path.h"

namespace pintle::os {
namespace {

class SocketFiles : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  UniqueFd listen(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (root_ + "/" + path).c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << path;
    EXPECT_EQ(::listen(fd.get(), 1), 0);
    return fd;
  }
  std::string found(const SocketSearch& search = {}) {
    const auto all = find_sockets(root_, search);
    if (!all) return "error";
    std::string out;
    for (const auto& socket : all->sockets) out += socket.path + " ";
    return out + (all->cut ? "cut" : "");
  }

  std::string root_ = "/tmp/pintle-sockets-XXXXXX";
};

TEST_F(SocketFiles, FindsThemInDirectories) {
  std::filesystem::create_directories(root_ + "/a/b");
  std::filesystem::create_directories(root_ + "/.hidden");
  const auto x = listen("x.sock"), y = listen("a/b/y.sock"), dotted = listen(".z.sock"), hidden = listen(".hidden/h.sock");
  std::ofstream(root_ + "/file") << "no socket";
  std::filesystem::create_symlink("x.sock", root_ + "/link.sock");
  std::filesystem::create_directory_symlink("a", root_ + "/folder-link");
  EXPECT_EQ(found(), "a/b/y.sock x.sock ");
  EXPECT_EQ(find_sockets(root_)->directories, (std::vector<std::string>{"a", "a/b"}));
  EXPECT_FALSE(find_sockets(root_ + "/absent"));
}

TEST_F(SocketFiles, IsBounded) {
  std::vector<UniqueFd> open;
  for (int i = 0; i < 5; ++i) {
    std::filesystem::create_directories(root_ + "/d" + std::to_string(i));
    open.push_back(listen("d" + std::to_string(i) + "/s"));
  }
  SocketSearch search;
  search.sockets_max = 2;
  EXPECT_EQ(find_sockets(root_, search)->sockets.size(), 2u);
  EXPECT_TRUE(find_sockets(root_, search)->cut);
  search = {};
  search.directories_max = 3;
  EXPECT_EQ(find_sockets(root_, search)->sockets.size(), 3u);
  search = {};
  search.names_max = 4;
  EXPECT_TRUE(find_sockets(root_, search)->sockets.empty());
  EXPECT_TRUE(find_sockets(root_, search)->cut);
}

TEST_F(SocketFiles, OneMadeAgainIsAnother) {
  auto first = listen("s");
  const auto then = find_sockets(root_)->sockets.at(0).identity;
  EXPECT_EQ(open_socket_below(root_, "s")->identity, then);
  ASSERT_EQ(::chmod((root_ + "/s").c_str(), 0600), 0);
  struct statx info {};
  ASSERT_EQ(::statx(AT_FDCWD, (root_ + "/s").c_str(), 0, STATX_BTIME, &info), 0);
  if ((info.stx_mask & STATX_BTIME) != 0) EXPECT_EQ(find_sockets(root_)->sockets.at(0).identity, then);
  std::filesystem::remove(root_ + "/s");
  const auto second = listen("s");
  EXPECT_NE(find_sockets(root_)->sockets.at(0).identity, then);
}

TEST_F(SocketFiles, OpensNoLinkAndNoFile) {
  std::filesystem::create_directories(root_ + "/a");
  const auto s = listen("a/s");
  std::ofstream(root_ + "/file") << "no socket";
  std::filesystem::create_symlink("a/s", root_ + "/link");
  std::filesystem::create_directory_symlink("a", root_ + "/b");
  const auto opened = open_socket_below(root_, "a/s");
  ASSERT_TRUE(opened);
  const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, fd_path(opened->fd.get()).c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << errno;
  for (const auto* path : {"link", "b/s", "file", "a", "../etc", "/etc/passwd"}) {
    const auto refused = open_socket_below(root_, path);
    ASSERT_FALSE(refused) << path;
    EXPECT_NE(refused.error().reason, Reason::NotFound) << path;
  }
  EXPECT_EQ(open_socket_below(root_, "absent").error().reason, Reason::NotFound);
}

}  // namespace
}  // namespace pintle::os

#include "kubelet/server/node_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kubelet/logs/log_file.h"
#include "os/path.h"
#include "os/replace_file.h"

namespace pintle::kubelet::server {
namespace {

class NodeLogs : public ::testing::Test {
 protected:
  void SetUp() override {
    top_ = ::testing::TempDir() + "pintle-logs-XXXXXX";
    ASSERT_NE(::mkdtemp(top_.data()), nullptr);
    root_ = top_ + "/log";
    ASSERT_TRUE(os::make_directories(root_ + "/pods/ns_p_u/c", 0755));
    ASSERT_TRUE(os::make_directories(root_ + "/containers", 0755));
    ASSERT_TRUE(os::create_file(top_ + "/secret", "top secret", 0600));
    ASSERT_TRUE(os::create_file(root_ + "/syslog", "a line\n", 0644));
    ASSERT_TRUE(os::create_file(log(), "2026-01-02T03:04:05Z stdout F one\n", 0644));
    ASSERT_EQ(::symlink(log().c_str(), (root_ + "/containers/c.log").c_str()), 0);
    ASSERT_EQ(::symlink("../syslog", (root_ + "/containers/relative").c_str()), 0);
    // What a pod with this folder could put there.
    ASSERT_EQ(::symlink((top_ + "/secret").c_str(), (root_ + "/stolen").c_str()), 0);
    ASSERT_EQ(::symlink("../secret", (root_ + "/stolen-too").c_str()), 0);
    ASSERT_EQ(::symlink("/", (root_ + "/everything").c_str()), 0);
    ASSERT_EQ(::symlink("loop", (root_ + "/loop").c_str()), 0);
    ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0644), 0);
    device_ = ::mknod((root_ + "/device").c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0;  // /dev/zero: without end
  }
  void TearDown() override { EXPECT_TRUE(os::remove_tree(top_)); }

  std::string log() const { return root_ + "/pods/ns_p_u/c/0.log"; }
  std::string text(const std::string& path) {
    const auto opened = open_node_log(root_, path);
    if (!opened) return "(" + std::string(reason_name(opened.error().reason)) + ")";
    if (opened->directory) return "directory";
    std::string out(opened->bytes, '\0');
    EXPECT_EQ(::pread(opened->fd.get(), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
    return out;
  }
  std::string top_;
  std::string root_;
  bool device_ = false;
};

TEST_F(NodeLogs, NothingOutsideIsRead) {
  EXPECT_EQ(text("syslog"), "a line\n");
  EXPECT_EQ(text("containers/c.log"), "2026-01-02T03:04:05Z stdout F one\n");
  EXPECT_EQ(text("containers/relative"), "a line\n");
  EXPECT_EQ(text(""), "directory");
  EXPECT_EQ(text("pods/ns_p_u"), "directory");
  EXPECT_EQ(text("missing"), "(NotFound)");
  for (const char* path : {"stolen", "stolen-too", "everything", "everything/etc/passwd", "loop", "fifo", "../secret", "pods/../../secret"})
    EXPECT_EQ(text(path), "(Forbidden)") << path;
  if (device_) {
    EXPECT_EQ(text("device"), "(Forbidden)");
  }
}

TEST_F(NodeLogs, NamesAreText) {
  ASSERT_TRUE(os::create_file(root_ + "/<script>alert('x&y')<\\script>\"", "", 0644));
  const auto page = list_node_logs(*open_node_log(root_, ""));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->find("<script"), std::string::npos) << *page;
  EXPECT_NE(page->find("&lt;script&gt;alert(&#39;x&amp;y&#39;)&lt;\\script&gt;&#34;</a>"), std::string::npos) << *page;
  EXPECT_NE(page->find("<a href=\"pods/\">pods/</a>"), std::string::npos) << *page;
}

TEST_F(NodeLogs, AContainersLogIsAFile) {
  EXPECT_TRUE(logs::open_container_log(log()));
  EXPECT_EQ(*logs::container_log_bytes(log()), 34u);
  const std::string folder = root_ + "/pods/ns_p_u";
  ASSERT_EQ(::symlink((top_ + "/secret").c_str(), (folder + "/c/1.log").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder + "/c/2.log").c_str(), 0644), 0);
  ASSERT_EQ(::symlink("c", (folder + "/d").c_str()), 0);
  ASSERT_EQ(::symlink("ns_p_u", (root_ + "/pods/other").c_str()), 0);
  for (const std::string& path : {folder + "/c/1.log", folder + "/c/2.log", folder + "/d/0.log", root_ + "/pods/other/c/0.log", folder + "/c"})
    EXPECT_EQ(logs::open_container_log(path).error().reason, Reason::Forbidden) << path;
  EXPECT_EQ(logs::open_container_log(folder + "/c/3.log").error().reason, Reason::NotFound);
  EXPECT_FALSE(logs::open_container_log("0.log"));
}

}  // namespace
}  // namespace pintle::kubelet::server

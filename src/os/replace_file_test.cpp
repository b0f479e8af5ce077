#include "os/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/path.h"
#include "os/read_file.h"

namespace pintle::os {
namespace {

class ReplaceFile : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "pintle-replace-XXXXXX";
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_)); }
  std::string root_;
};

TEST_F(ReplaceFile, ReplacesWithTheMode) {
  for (const Durability durability : {Durability::Whole, Durability::Synced}) {
    ASSERT_TRUE(replace_file(root_ + "/file", "old", 0600, durability));
    ASSERT_TRUE(replace_file(root_ + "/file", "new", 0666, durability));
    EXPECT_EQ(read_file(root_ + "/file").value(), "new");
    struct stat info {};
    ASSERT_EQ(::stat((root_ + "/file").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0666u);
  }
  EXPECT_EQ(tree_usage(root_)->inodes, 2u) << "nothing is left beside it";
  EXPECT_FALSE(replace_file(root_ + "/missing/file", "x", 0600, Durability::Whole));
}

TEST_F(ReplaceFile, NothingIsWrittenThrough) {
  ASSERT_TRUE(create_file(root_ + "/victim", "whole", 0600));
  EXPECT_EQ(create_file(root_ + "/victim", "x", 0600).error().reason, Reason::AlreadyExists);
  // Links where the file is to be, and where its predecessor's name would have been guessed.
  ASSERT_EQ(::symlink("victim", (root_ + "/file").c_str()), 0);
  ASSERT_EQ(::symlink("victim", (root_ + "/file.tmp").c_str()), 0);
  EXPECT_FALSE(create_file(root_ + "/file", "x", 0600));
  ASSERT_TRUE(replace_file(root_ + "/file", "new", 0644, Durability::Whole));
  EXPECT_EQ(read_file(root_ + "/victim").value(), "whole");
  EXPECT_EQ(read_file(root_ + "/file").value(), "new");
  ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0600), 0);
  ASSERT_TRUE(replace_file(root_ + "/fifo", "new", 0644, Durability::Whole)) << "and nobody waits";
}

TEST_F(ReplaceFile, ReadingWaitsForNobody) {
  ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(root_ + "/fifo").value_or(""), "");
}

}  // namespace
}  // namespace pintle::os

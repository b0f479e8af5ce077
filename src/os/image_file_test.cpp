#include "os/image_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "os/path.h"

namespace pintle::os {
namespace {

class Images : public ::testing::Test {
 protected:
  Images() {
    char name[] = "/tmp/pintle-image-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~Images() override { EXPECT_TRUE(remove_tree(root_)); }
  std::string at(const char* name) const { return root_ + "/" + name; }
  static void put(const std::string& path, std::streamoff where, std::string_view text) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(where).write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static uint64_t taken(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return static_cast<uint64_t>(info.st_blocks) * 512;
  }
  std::string root_;
};

TEST_F(Images, MadeOnceAndOnlyGrown) {
  ASSERT_TRUE(make_image(at("a"), 1 << 20));
  EXPECT_EQ(make_image(at("a"), 1 << 20).error().reason, Reason::AlreadyExists);
  EXPECT_EQ(content(at("a")).size(), 1U << 20);
  EXPECT_LT(taken(at("a")), 1U << 16);
  ASSERT_TRUE(grow_image(at("a"), 2 << 20));
  ASSERT_TRUE(grow_image(at("a"), 1 << 20)) << "never smaller";
  EXPECT_EQ(content(at("a")).size(), 2U << 20);
  EXPECT_EQ(grow_image(at("b"), 1).error().reason, Reason::NotFound);
}

TEST_F(Images, ClonesKeepDataAndHoles) {
  ASSERT_TRUE(make_image(at("a"), 8 << 20));
  put(at("a"), 0, "first");
  put(at("a"), (5 << 20) + 3, std::string(3 << 10, 'x'));
  ASSERT_TRUE(clone_image(at("a"), at("b"), {}));
  EXPECT_EQ(content(at("a")), content(at("b")));
  EXPECT_LT(taken(at("b")), 1U << 20);
  EXPECT_EQ(clone_image(at("a"), at("b"), {}).error().reason, Reason::AlreadyExists);
  EXPECT_EQ(clone_image(at("none"), at("c"), {}).error().reason, Reason::NotFound);
}

TEST_F(Images, ACopyThatIsStoppedLeavesNothing) {
  if (can_share_blocks(root_)) GTEST_SKIP() << "nothing is copied here";
  ASSERT_TRUE(make_image(at("a"), 1 << 20));
  put(at("a"), 0, "data");
  EXPECT_EQ(clone_image(at("a"), at("b"), [] { return true; }).error().reason, Reason::Timeout);
  EXPECT_FALSE(std::ifstream(at("b")).good());
}

}  // namespace
}  // namespace pintle::os

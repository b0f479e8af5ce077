#include "cli/preloaded_images.h"

#include <gtest/gtest.h>

namespace pintle::cli {
namespace {

TEST(PreloadedImages, WhichFiles) {
  for (const char* name : {"a.tar", "a.tar.gz", "a.tgz", "a.tar.zst"}) EXPECT_TRUE(is_image_archive(name)) << name;
  for (const char* name : {"a.txt", "tar", ".a.tar", "a.tar.part", ""}) EXPECT_FALSE(is_image_archive(name)) << name;
}

// As ctr of containerd 1.6 says it, and of 2.
TEST(PreloadedImages, WhichImages) {
  const std::vector<std::string> there = {"docker.io/library/a:1", "docker.io/library/a:1.2", "quay.io/b:2", "quay.io/c:3"};
  using Names = std::vector<std::string>;
  EXPECT_EQ(images_in_output("unpacking docker.io/library/a:1.2 (sha256:0f)...done\nunpacking quay.io/b:2 (sha256:0e)...done\n", there),
            (Names{"docker.io/library/a:1.2", "quay.io/b:2"}));
  EXPECT_EQ(images_in_output("docker.io/library/a:1               \tsaved\t\napplication/vnd.oci.image.manifest.v1+json sha256:00\n", there),
            (Names{"docker.io/library/a:1"}));
  EXPECT_EQ(images_in_output("docker.io/library/a:1.2 saved docker.io/library/a:1", there),
            (Names{"docker.io/library/a:1", "docker.io/library/a:1.2"}));
  EXPECT_EQ(images_in_output("", there), Names());
  EXPECT_EQ(images_in_output("x-quay.io/c:3 quay.io/c:33", there), Names());
}

TEST(PreloadedImages, TheRecord) {
  LoadedArchives archives;
  archives["a.tar"] = {7, 1767225600000000001, {"quay.io/a:1", "quay.io/b:2"}};
  archives["b.tar"] = {1, 2, {}};
  EXPECT_EQ(parse_loaded_archives(write_loaded_archives(archives)).value(), archives);
  EXPECT_EQ(parse_loaded_archives(write_loaded_archives({})).value(), LoadedArchives());
  for (const char* text : {"", "{", "[]", "{}", R"({"archives": []})", R"({"archives": {"a": {}}})", R"({"archives": {"a": 1}})",
                           R"({"archives": {"a": {"bytes": 1, "modified": 1, "images": [1]}}})"})
    EXPECT_FALSE(parse_loaded_archives(text)) << text;
}

TEST(PreloadedImages, WhatIsLoadedAgain) {
  LoadedArchives archives;
  archives["a.tar"] = {7, 5, {"quay.io/a:1"}};
  const std::set<std::string> present = {"quay.io/a:1", "quay.io/other:1"};
  EXPECT_TRUE(is_loaded(archives, "a.tar", {7, 5, {}}, present));
  EXPECT_FALSE(is_loaded(archives, "b.tar", {7, 5, {}}, present));
  EXPECT_FALSE(is_loaded(archives, "a.tar", {8, 5, {}}, present)) << "it has another size";
  EXPECT_FALSE(is_loaded(archives, "a.tar", {7, 6, {}}, present)) << "it has changed";
  EXPECT_FALSE(is_loaded(archives, "a.tar", {7, 5, {}}, {})) << "its image was removed";
}

}  // namespace
}  // namespace pintle::cli

#include "kubelet/images/image_plan.h"

#include <gtest/gtest.h>

#include "kubelet/images/image_name.h"

namespace pintle::kubelet::images {
namespace {

using namespace std::chrono_literals;

constexpr rt::TimePoint start{};

api::cri_v1::Image image(std::string id, uint64_t size = 10, bool pinned = false) {
  api::cri_v1::Image out;
  out.repo_tags = {"docker.io/library/" + id + ":1"};
  out.repo_digests = {"docker.io/library/" + id + "@sha256:1"};
  out.id = std::move(id);
  out.size = size;
  out.pinned = pinned;
  return out;
}
std::string show(const std::vector<ImageRecord>& images) {
  std::string out;
  for (const auto& one : images) out += one.id + " ";
  return out;
}

TEST(Images, TheLeastRecentlyUsedGoFirst) {
  ImageRecords records;
  records.look({image("a"), image("b"), image("c"), image("pinned", 10, true)}, {"a", "docker.io/library/b:1", "docker.io/library/c@sha256:1"},
               start + 1min);
  EXPECT_EQ(show(records.unused()), "");
  records.look({image("a"), image("b"), image("c"), image("new"), image("pinned", 10, true)}, {"b"}, start + 2min);
  EXPECT_EQ(show(records.unused()), "new a c ");  // never used at all; then those of one moment by age
  records.look({image("a"), image("b"), image("c"), image("new")}, {"a"}, start + 3min);
  EXPECT_EQ(show(records.unused()), "new c b ");
  records.look({image("b")}, {}, start + 4min);
  EXPECT_EQ(show(records.unused()), "b ");
  records.removed("b");
  EXPECT_EQ(show(records.unused()), "");
}

TEST(Images, WhatIsPinnedByNameStays) {
  std::vector<api::cri_v1::Image> images = {image("a"), image("b"), image("ab")};
  pin(images, {"docker.io/library/b:1", "quay.io/absent:1"});
  ImageRecords records;
  records.look(images, {}, start);
  EXPECT_EQ(show(records.unused()), "a ab ");
}

TEST(Images, WhatWasJustPulledStays) {
  ImageRecords records;
  ImagePolicy policy;
  records.look({image("old")}, {}, start);
  records.look({image("old"), image("young")}, {}, start + 1min);
  EXPECT_EQ(records.next_of_age(policy, start + 1min), start + 2min);
  EXPECT_EQ(records.next_of_age(policy, start + 2min), start + 3min);
  EXPECT_EQ(records.next_of_age(policy, start + 3min), std::nullopt);
  EXPECT_TRUE(is_old_enough(records.unused()[0], policy, start + 2min));
  EXPECT_FALSE(is_old_enough(records.unused()[1], policy, start + 2min));
}

TEST(Images, UnusedForTooLong) {
  ImageRecords records;
  records.look({image("used"), image("never")}, {"used"}, start);
  records.look({image("used"), image("never")}, {"used"}, start + 30min);
  records.look({image("used"), image("never")}, {}, start + 40min);
  ImagePolicy policy;
  const auto aged = [&](rt::Duration at) { return show(aged_images(records.unused(), policy, start, start + at)); };
  EXPECT_EQ(aged(100h), "");
  policy.max_age = 1h;
  EXPECT_EQ(aged(1h), "");  // the kubelet has not run for that long
  EXPECT_EQ(aged(61min), "never ");
  EXPECT_EQ(aged(91min), "never used ");
}

TEST(Images, HowMuchHasToGo) {
  const ImagePolicy policy;
  EXPECT_EQ(used_percent({160, 1000}), 84);
  EXPECT_EQ(bytes_to_free({160, 1000}, policy), 0u);
  EXPECT_EQ(used_percent({150, 1000}), 85);
  EXPECT_EQ(bytes_to_free({150, 1000}, policy), 50u);
  EXPECT_EQ(bytes_to_free({0, 1000}, policy), 200u);
  EXPECT_EQ(bytes_to_free({5, 0}, policy), 0u);
  EXPECT_EQ(used_percent({2000, 1000}), 0);
  EXPECT_EQ(too_little_freed({150ll << 30, 1000ll << 30}, 7),
            "Insufficient free disk space on the node's image filesystem (85% of 1000.0 GiB used). Failed to free sufficient space by deleting "
            "unused images (freed 7 bytes). "
            "Investigate disk usage, as it could be used by active images, logs, volumes, or other data.");
  EXPECT_NE(too_little_freed({1, 1000}, 0).find(" of 1000 B used"), std::string::npos);
  EXPECT_NE(too_little_freed({1, 1536}, 0).find(" of 1.5 KiB used"), std::string::npos);
}

TEST(Images, ThePolicyOfAConfiguration) {
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  const auto said = [&] {
    const auto policy = image_policy(config);
    return policy ? std::to_string(policy->high_percent) + " " + std::to_string(policy->low_percent) + (policy->collects() ? "" : " never")
                  : policy.error().message;
  };
  EXPECT_EQ(said(), "85 80");
  config.image_gc_high_threshold_percent = 100;
  EXPECT_EQ(said(), "100 80 never");
  config.image_gc_low_threshold_percent = 100;
  EXPECT_EQ(said(),
            "invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) 100 must be less than imageGCHighThresholdPercent "
            "(--image-gc-high-threshold) 100");
  config.image_gc_high_threshold_percent = 101;
  EXPECT_EQ(said(), "invalid configuration: imageGCHighThresholdPercent (--image-gc-high-threshold) 101 must be between 0 and 100, inclusive");
}

TEST(Images, TheSandboxImageOfARuntime) {
  EXPECT_EQ(sandbox_image({{"config", R"({"containerd": {}, "sandboxImage": "registry.k8s.io/pause:3.10"})"}}), "registry.k8s.io/pause:3.10");
  EXPECT_EQ(sandbox_image({{"config", "{}"}}), "");
  EXPECT_EQ(sandbox_image({{"config", "nonsense"}}), "");
  EXPECT_EQ(sandbox_image({}), "");
  EXPECT_EQ(listed_image_name("busybox"), "docker.io/library/busybox:latest");
  EXPECT_EQ(listed_image_name("registry.k8s.io/pause:3.10"), "registry.k8s.io/pause:3.10");
  EXPECT_EQ(listed_image_name(""), "");
}

}  // namespace
}  // namespace pintle::kubelet::images

#include "rules/pod_claims.h"

#include <gtest/gtest.h>

namespace pintle::rules {
namespace {

namespace core = api::core_v1;

TEST(PodClaims, NamesOfVolumes) {
  core::Pod pod;
  pod.metadata.name = "web";
  core::Volume volume;
  volume.name = "scratch";
  EXPECT_EQ(claim_name(pod, volume), "");
  volume.ephemeral.ensure();
  EXPECT_EQ(claim_name(pod, volume), "web-scratch");
  volume.ephemeral.reset();
  volume.persistent_volume_claim.ensure().claim_name = "data";
  EXPECT_EQ(claim_name(pod, volume), "data");
}

// A claim of that name was mounted whoever made it.
TEST(PodClaims, AnEphemeralVolumesClaimIsThePods) {
  core::Pod pod;
  pod.metadata.namespace_ = "default";
  pod.metadata.uid = "u1";
  core::PersistentVolumeClaim claim;
  claim.metadata.namespace_ = "default";
  EXPECT_FALSE(is_claim_of(claim, pod));
  auto& owner = claim.metadata.owner_references.emplace_back();
  owner.uid = "u1";
  EXPECT_FALSE(is_claim_of(claim, pod)) << "it does not control it";
  owner.controller = true;
  EXPECT_TRUE(is_claim_of(claim, pod));
  claim.metadata.namespace_ = "other";
  EXPECT_FALSE(is_claim_of(claim, pod));
  claim.metadata.namespace_ = "default";
  owner.uid = "u2";
  EXPECT_FALSE(is_claim_of(claim, pod));
}

}  // namespace
}  // namespace pintle::rules

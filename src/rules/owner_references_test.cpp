#include "rules/owner_references.h"

#include <gtest/gtest.h>

namespace pintle::rules {
namespace {

TEST(OwnerReferencesTest, TheGroupStandsBeforeTheSlash) {
  EXPECT_EQ(group_of("apps/v1"), "apps");
  EXPECT_EQ(group_of("gateway.example.com/v1beta1"), "gateway.example.com");
  EXPECT_EQ(group_of("v1"), "");
  EXPECT_EQ(group_of(""), "");
}

TEST(OwnerReferencesTest, OneOwnerControlsAndUidsTellOwnersApart) {
  api::meta_v1::ObjectMeta owner, other;
  owner.name = other.name = "web";
  owner.uid = "1";
  other.uid = "2";
  api::meta_v1::ObjectMeta meta;
  EXPECT_EQ(controller_of(meta), nullptr);
  meta.owner_references = {{}, controller_reference("apps/v1", "ReplicaSet", owner)};
  ASSERT_EQ(controller_of(meta), &meta.owner_references[1]);
  EXPECT_EQ(controller_of(meta)->kind, "ReplicaSet");
  EXPECT_TRUE(is_controlled_by(meta, owner));
  EXPECT_FALSE(is_controlled_by(meta, other));
}

}  // namespace
}  // namespace pintle::rules

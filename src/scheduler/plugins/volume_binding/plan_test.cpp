#include "scheduler/plugins/volume_binding/plan.h"

#include <gtest/gtest.h>

namespace pintle::scheduler::plugins {
namespace {

VolumePtr volume(const std::string& name, const std::string& size, const std::string& zone = "", const std::string& phase = "Available") {
  auto out = std::make_shared<PersistentVolume>();
  out->metadata.name = name;
  out->spec.capacity["storage"] = *api::Quantity::parse(size);
  out->spec.access_modes = {"ReadWriteOnce"};
  out->spec.storage_class_name = "local";
  out->status.phase = phase;
  if (!zone.empty()) {
    auto& terms = out->spec.node_affinity.emplace().required.emplace().node_selector_terms;
    terms.emplace_back().match_expressions.push_back({"zone", "In", {zone}});
  }
  return out;
}
PersistentVolumeClaim claim(const std::string& size) {
  PersistentVolumeClaim out;
  out.metadata.name = "data";
  out.metadata.namespace_ = "default";
  out.metadata.uid = "u1";
  out.spec.access_modes = {"ReadWriteOnce"};
  out.spec.storage_class_name = "local";
  out.spec.resources.requests["storage"] = *api::Quantity::parse(size);
  return out;
}
Node node_in(const std::string& zone) {
  Node out;
  out.metadata.name = "n";
  out.metadata.labels["zone"] = zone;
  return out;
}

std::string found(const PersistentVolumeClaim& wanted, const std::vector<VolumePtr>& volumes, const Assumed& assumed = {}) {
  const VolumePtr out = find_volume(wanted, node_in("a"), volumes, assumed);
  return out ? out->metadata.name : "";
}

TEST(VolumePlan, TheSmallestThatFitsAndIsReached) {
  const std::vector<VolumePtr> volumes = {volume("large", "10Gi", "a"), volume("small", "1Gi", "a"), volume("far", "2Gi", "b"),
                                          volume("taken", "2Gi", "a", "Bound"), volume("fitting", "3Gi", "a")};
  EXPECT_EQ(found(claim("2Gi"), volumes), "fitting");
  EXPECT_EQ(found(claim("2Gi"), volumes, {{"fitting", "another"}}), "large");
  EXPECT_EQ(found(claim("2Gi"), volumes, {{"fitting", "u1"}}), "fitting");
  EXPECT_EQ(found(claim("20Gi"), volumes), "");
}

TEST(VolumePlan, WhatIsReservedComesFirst) {
  auto reserved = std::make_shared<PersistentVolume>(*volume("mine", "100Gi"));
  auto& ref = reserved->spec.claim_ref.emplace();
  ref.name = "data";
  ref.namespace_ = "default";
  auto others = std::make_shared<PersistentVolume>(*reserved);
  others->metadata.name = "others";
  others->spec.claim_ref->name = "else";
  EXPECT_EQ(found(claim("2Gi"), {volume("fitting", "3Gi"), reserved, others}), "mine");
}

TEST(VolumePlan, ModesClassesAndSelectors) {
  PersistentVolumeClaim wanted = claim("1Gi");
  const std::vector<VolumePtr> volumes = {volume("v", "1Gi")};
  EXPECT_EQ(found(wanted, volumes), "v");
  wanted.spec.access_modes = {"ReadWriteMany"};
  EXPECT_EQ(found(wanted, volumes), "");
  wanted = claim("1Gi");
  wanted.spec.volume_mode = "Block";
  EXPECT_EQ(found(wanted, volumes), "");
  wanted = claim("1Gi");
  wanted.spec.storage_class_name = "other";
  EXPECT_EQ(found(wanted, volumes), "");
  wanted = claim("1Gi");
  wanted.spec.selector.emplace().match_labels["fast"] = "yes";
  EXPECT_EQ(found(wanted, volumes), "");
}

TEST(VolumePlan, TopologiesOfClasses) {
  StorageClass any;
  EXPECT_TRUE(allows(any, node_in("a")));
  any.allowed_topologies.emplace_back().match_label_expressions.push_back({"zone", {"b", "c"}});
  EXPECT_FALSE(allows(any, node_in("a")));
  EXPECT_TRUE(allows(any, node_in("b")));
}

}  // namespace
}  // namespace pintle::scheduler::plugins

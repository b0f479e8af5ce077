#include "scheduler/devices/ledger.h"

#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::devices {
namespace {

using namespace scheduler::testing;

v1::ResourceClaim claim_c(const std::string& revision, bool allocated) {
  auto out = from_yaml<v1::ResourceClaim>("{metadata: {namespace: default, name: c, uid: u}}");
  out.metadata.resource_version = revision;
  if (allocated) out.status.allocation = from_yaml<v1::AllocationResult>("{devices: {results: [{driver: d, pool: p, device: a}]}}");
  return out;
}

uint32_t owners(const DeviceLedger& ledger) {
  const DeviceUse* use = ledger.allocated().find("d/p/a");
  return use == nullptr ? 0 : use->owners;
}

// What was written counts until the informer has it, or it is gone.
TEST(DeviceLedger, WhatWasWrittenCounts) {
  Scene()
      .object<v1::ResourceClaim>("{metadata: {namespace: default, name: c, uid: u}}")
      .run(
          "DynamicResources", "",
          [](Scene::World& world) {
            DeviceLedger& ledger = world.devices;
            EXPECT_EQ(owners(ledger), 0u);
            ledger.assume(claim_c("0", true));
            EXPECT_EQ(owners(ledger), 0u) << "older than what the informer has";
            ledger.assume(claim_c("1000", true));
            EXPECT_EQ(owners(ledger), 1u);
            EXPECT_TRUE(ledger.find_claim("default", "c")->status.allocation);
            ledger.assume(claim_c("1001", false));
            EXPECT_EQ(owners(ledger), 0u);
            ledger.assume(claim_c("1002", true));
            world.server.remove(claim_c("", false));
          },
          [](Scene::World& world) {
            EXPECT_EQ(world.devices.find_claim("default", "c"), nullptr);
            EXPECT_EQ(owners(world.devices), 0u);
          });
}

TEST(DeviceLedger, FlightsThatLandAndThatDoNot) {
  Scene().run("DynamicResources", "", [](Scene::World& world) {
    DeviceLedger& ledger = world.devices;
    int told = 0;
    const auto tell = [&] { ++told; };
    ledger.if_given_up("nobody", tell);  // nothing is in flight
    const auto allocation = *claim_c("", true).status.allocation;
    ledger.begin("u", allocation);
    ledger.begin("u", allocation);
    EXPECT_EQ(owners(ledger), 1u);
    ledger.if_given_up("p", tell);
    ledger.if_given_up("p", tell);
    ledger.end("other", false);
    EXPECT_TRUE(ledger.in_flight("u"));
    ledger.end("u", true);
    EXPECT_EQ(owners(ledger), 0u);
    EXPECT_EQ(told, 0);
    ledger.begin("u", allocation);
    ledger.if_given_up("p", tell);
    ledger.end("u", false);
    EXPECT_EQ(told, 1) << "once, and not those of the flight that landed";
  });
}

}  // namespace
}  // namespace pintle::scheduler::devices

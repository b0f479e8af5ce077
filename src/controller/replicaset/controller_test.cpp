#include "controller/replicaset/controller.h"

#include <gtest/gtest.h>

#include "controller/testing.h"

namespace pintle::controller::replicaset {
namespace {

using api::apps_v1::ReplicaSet;
using testing::pass;
using testing::World;

ReplicaSet set_of(int64_t generation) {
  ReplicaSet set;
  set.metadata.name = set.metadata.uid = "r";
  set.metadata.namespace_ = "default";
  set.metadata.generation = generation;
  set.spec.replicas = 0;
  set.spec.selector.ensure().match_labels["a"] = "b";
  return set;
}

// The spec changes while the status of its generation 1 is written: that status says nothing about generation 2.
TEST(ReplicaSetController, AConflictDoesNotClaimTheNewerSpec) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.server.put(set_of(1));
    bool changed = false;
    world.server.on_write = [&](const client::testing::FakeServer::Write& write) {
      if (changed || !write.path.ends_with("/status")) return 200;
      changed = true;
      world.server.put(set_of(2));
      return 409;
    };
    co_await world.start(make_replicaset_controller);
    co_await pass(std::chrono::seconds(5));
    world.server.on_write = nullptr;
    std::vector<int64_t> observed;
    for (const auto& write : world.server.written("PUT", "/replicasets/r/status"))
      observed.push_back(write.as<ReplicaSet>().status.observed_generation);
    EXPECT_EQ(observed, (std::vector<int64_t>{1, 1, 2}));
  });
}

}  // namespace
}  // namespace pintle::controller::replicaset

#include "controller/deployment/controller.h"

#include <gtest/gtest.h>

#include "controller/deployment/plan.h"
#include "controller/testing.h"
#include "rules/owner_references.h"

namespace pintle::controller::deployment {
namespace {

using testing::World;

constexpr int history = 1000;

Deployment deployment_of(const std::string& name) {
  Deployment out;
  out.metadata.name = out.metadata.uid = name;
  out.metadata.namespace_ = "default";
  out.metadata.generation = 1;
  out.spec.replicas = 0;
  out.spec.revision_history_limit = 10;
  out.spec.selector.ensure().match_labels["app"] = name;
  out.spec.template_.metadata.labels["app"] = name;
  out.spec.strategy.type = "RollingUpdate";
  return out;
}

// A history that somebody let grow goes in one round, once, and holds nobody else up.
TEST(DeploymentController, AThousandOldSets) {
  testing::in_world([](World& world) -> rt::Task<void> {
    const Deployment owner = deployment_of("web");
    std::map<std::string, ReplicaSet> sets;
    for (int i = 1; i <= history; ++i) {
      ReplicaSet set;
      set.metadata.name = set.metadata.uid = "web-" + std::to_string(i);
      set.metadata.namespace_ = "default";
      set.metadata.generation = set.status.observed_generation = 1;
      set.metadata.creation_timestamp.seconds = i;
      set.metadata.labels["app"] = "web";
      set.metadata.annotations["deployment.kubernetes.io/revision"] = std::to_string(i);
      set.metadata.owner_references.push_back(rules::controller_reference("apps/v1", "Deployment", owner.metadata));
      set.spec.replicas = 0;
      set.spec.selector.ensure().match_labels["app"] = "web";
      set.spec.template_ = owner.spec.template_;
      if (i < history) set.spec.template_.metadata.annotations["n"] = std::to_string(i);
      sets[set.metadata.name] = set;
      world.server.put(set);
    }
    world.server.put(owner);
    rt::TimePoint others_first_write{};
    world.server.on_write = [&](const client::testing::FakeServer::Write& write) {
      const std::string name = write.path.substr(write.path.rfind('/') + 1);
      if (write.method == "DELETE" && sets.contains(name)) {
        world.server.remove(sets.at(name));
        sets.erase(name);
      }
      if (write.method == "PUT" && write.path.contains("/deployments/")) world.server.put(write.as<Deployment>());
      if (write.method == "PUT" && write.path.contains("/replicasets/")) world.server.put(write.as<ReplicaSet>());
      if (write.method == "POST" && write.path.ends_with("/replicasets")) {
        ReplicaSet made = write.as<ReplicaSet>();
        made.metadata.uid = made.metadata.name;
        world.server.put(made);
        if (others_first_write == rt::TimePoint{}) others_first_write = rt::Executor::current().runtime().clock().now();
      }
      return 200;
    };
    co_await world.start(make_deployment_controller);
    const rt::TimePoint began = rt::Executor::current().runtime().clock().now();
    world.server.put(deployment_of("other"));
    co_await testing::pass(std::chrono::minutes(2));
    EXPECT_EQ(sets.size(), 11u);  // the current one, and the history that is allowed
    EXPECT_TRUE(sets.contains("web-1000") && sets.contains("web-999") && !sets.contains("web-989"));
    EXPECT_NE(others_first_write, rt::TimePoint{});
    EXPECT_LT(others_first_write - began, std::chrono::seconds(2));
    const std::size_t writes = world.server.writes.size();
    co_await testing::pass(std::chrono::minutes(30));
    EXPECT_EQ(world.server.writes.size(), writes);
  });
}

}  // namespace
}  // namespace pintle::controller::deployment

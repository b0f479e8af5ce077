// Nodes that flap: what is written follows each change once, and no pod is told to go for a moment's silence.
#include "controller/node_lifecycle/controller.h"

#include <gtest/gtest.h>

#include "apimachinery/clock_time.h"
#include "codec/json.h"
#include "controller/testing.h"

namespace pintle::controller::node_lifecycle {
namespace {

using api::core_v1::Node;
using testing::World;

Node node_of(const std::string& name, bool ready) {
  Node node;
  node.metadata.name = node.metadata.uid = name;
  auto& condition = node.status.conditions.emplace_back();
  condition.type = "Ready";
  condition.status = ready ? "True" : "False";
  condition.last_heartbeat_time = apimachinery::to_api_time(rt::Executor::current().runtime().clock().wall_now());
  return node;
}

// Taints that are written come back by the watch.
void keep_taints(World& world, std::map<std::string, Node>& nodes) {
  world.server.on_write = [&world, &nodes](const client::testing::FakeServer::Write& write) {
    if (write.method != "PATCH" || !write.path.starts_with("/api/v1/nodes/")) return 200;
    const auto patch = codec::parse_json(write.body.view());
    const codec::Value* spec = patch ? patch->find("spec") : nullptr;
    const codec::Value* taints = spec ? spec->find("taints") : nullptr;
    if (taints == nullptr) return 200;
    Node& node = nodes.at(write.path.substr(write.path.rfind('/') + 1));
    node.spec.taints.clear();
    for (const codec::Value& taint : taints->as_array()) {
      auto& one = node.spec.taints.emplace_back();
      one.key = taint.string_at("key");
      one.effect = taint.string_at("effect");
    }
    world.server.put(node);
    return 200;
  };
}

TEST(NodeLifecycleController, NodesThatFlap) {
  testing::in_world([](World& world) -> rt::Task<void> {
    std::map<std::string, Node> nodes;
    keep_taints(world, nodes);
    for (const char* name : {"flaps", "b", "c", "d"}) {
      nodes[name] = node_of(name, true);
      world.server.put(nodes[name]);
    }
    co_await world.start(make_node_lifecycle_controller);
    constexpr int flips = 120;
    for (int i = 0; i < flips; ++i) {
      co_await testing::pass(std::chrono::seconds(5));
      for (auto& [name, node] : nodes) node.status.conditions = node_of(name, name != "flaps" || i % 2 == 1).status.conditions;
      for (auto& [name, node] : nodes) world.server.put(node);
    }
    co_await testing::pass(std::chrono::seconds(5));
    std::size_t evictions = 0, writes = 0;
    for (const auto& write : world.server.writes) {
      if (!write.path.starts_with("/api/v1/nodes/")) continue;
      ++writes;
      EXPECT_EQ(write.path, "/api/v1/nodes/flaps");
      evictions += write.body.view().contains("NoExecute");
    }
    EXPECT_LE(writes, 2u * flips);                    // its taints, by effect
    EXPECT_LE(evictions, flips / 2u);                 // one in ten seconds, as of all nodes of a zone
    EXPECT_TRUE(nodes["flaps"].spec.taints.empty());  // it ended ready
    const std::size_t before = world.server.writes.size();
    for (int i = 0; i < 30; ++i) {
      co_await testing::pass(std::chrono::seconds(10));
      for (auto& [name, node] : nodes) {
        node.status.conditions = node_of(name, true).status.conditions;
        world.server.put(node);
      }
    }
    EXPECT_EQ(world.server.writes.size(), before);
  });
}

}  // namespace
}  // namespace pintle::controller::node_lifecycle

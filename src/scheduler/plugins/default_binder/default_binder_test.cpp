#include <gtest/gtest.h>

#include "client/testing.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;
using api::core_v1::Binding;

// What the API server is asked, and how the plugin takes its answer.
void check(int answer, bool bound) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    Scene::World world;
    world.server.on_write = [&](const client::testing::FakeServer::Write&) { return answer; };
    auto made = plugin_table()[static_cast<std::size_t>(plugin_index("DefaultBinder"))].make(world.deps(), "");
    CHECK(made.has_value(), "it takes no arguments");
    CycleState state;
    PodInfoPtr pod = make_pod_info(shared_pod("p"));
    const PluginStatus status = co_await dynamic_cast<BindPlugin&>(**made).bind(rt::Context::background(), state, pod, "n1");
    EXPECT_EQ(status.ok(), bound) << status.message();
    const auto writes = world.server.written("POST", "/api/v1/namespaces/default/pods/p/binding");
    EXPECT_EQ(writes.size(), 1u);
    for (const auto& write : writes) {
      const auto binding = write.as<Binding>();
      EXPECT_EQ(binding.target.kind + "/" + binding.target.name + " " + binding.metadata.uid, "Node/n1 p");
    }
    co_await world.tasks.close();
    co_await world.events.stop();
    co_await world.client->close();
  });
}

TEST(DefaultBinder, PostsABinding) {
  check(200, true);
  check(409, false);
}

}  // namespace
}  // namespace pintle::scheduler::plugins

#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

void check(const std::string& spec, const std::string& want) {
  Scene().run("SchedulingGates", "", [&](Scene::World& world) {
    const PluginStatus status = dynamic_cast<PreEnqueuePlugin&>(*world.plugin).pre_enqueue(*make_pod_info(shared_pod("p", spec)));
    EXPECT_EQ(status.message(), want);
    EXPECT_EQ(status.code, want.empty() ? Code::Success : Code::UnschedulableAndUnresolvable);
  });
}

TEST(SchedulingGates, PodsWaitForTheirGates) {
  check("", "");
  check("{schedulingGates: [{name: a.example/one}]}", "waiting for scheduling gates: [a.example/one]");
  check("{schedulingGates: [{name: a}, {name: b}]}", "waiting for scheduling gates: [a b]");
}

TEST(SchedulingGates, TheLastOneOpensTheWay) {
  const Pod pod = pod_of("p", "{schedulingGates: [{name: a}]}");
  const auto opened = [&](const PodPtr& after) {
    return Scene().queues<Pod>("SchedulingGates", pod, EventResource::Pod, action::update_pod_scheduling_gates_eliminated,
                               std::make_shared<const Pod>(pod), after);
  };
  EXPECT_TRUE(opened(shared_pod("p")));
  EXPECT_FALSE(opened(shared_pod("q")));  // another's
}

}  // namespace
}  // namespace pintle::scheduler::plugins

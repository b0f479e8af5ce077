#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

PluginStatus asked(const std::string& spec) {
  PluginStatus out;
  Scene().run("DynamicResources", "", [&](Scene::World& world) {
    CycleState state;
    NodeNames names;
    out = dynamic_cast<PreFilterPlugin&>(*world.plugin).pre_filter(state, *make_pod_info(shared_pod("p", spec)), names);
  });
  return out;
}

TEST(DynamicResources, PodsWithClaimsAreRefused) {
  EXPECT_EQ(asked("").code, Code::Skip);
  EXPECT_EQ(asked("{resourceClaims: [{name: r, resourceClaimName: r}]}").code, Code::UnschedulableAndUnresolvable);
}

TEST(DynamicResources, Arguments) {
  EXPECT_EQ(Scene().refusal("DynamicResources", R"({"filterTimeout": "10s"})"), "");
  EXPECT_NE(Scene().refusal("DynamicResources", R"({"bogus": 1})"), "");
}

}  // namespace
}  // namespace pintle::scheduler::plugins

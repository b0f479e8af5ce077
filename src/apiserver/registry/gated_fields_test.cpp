#include "apiserver/registry/gated_fields.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::registry {
namespace {

namespace core = api::core_v1;

// A pod whose container sets a gated field (restartPolicyRules, ContainerRestartRules).
api::Object pod(bool rules) {
  core::Pod out;
  auto& container = out.spec.containers.emplace_back();
  container.name = "a";
  if (rules) container.restart_policy_rules.emplace_back().action = "Restart";
  return api::Object::of(std::move(out));
}

void check_drop(const std::map<std::string, std::string>& gates, bool old_uses, bool has_old, bool kept) {
  const auto parsed = component::FeatureGates::parse(gates);
  ASSERT_TRUE(parsed);
  const GatedFields fields(*parsed);
  api::Object object = pod(true);
  const api::Object old = pod(old_uses);
  fields.drop(object, has_old ? &old : nullptr);
  EXPECT_EQ(!object.as<core::Pod>().spec.containers.front().restart_policy_rules.empty(), kept);
  EXPECT_EQ(object.as<core::Pod>().spec.containers.front().name, "a");
}

TEST(GatedFields, DropsWhatIsOffUnlessItWasUsed) {
  check_drop({}, false, false, true);
  check_drop({{"ContainerRestartRules", "false"}}, false, false, false);
  check_drop({{"ContainerRestartRules", "false"}}, false, true, false);
  check_drop({{"ContainerRestartRules", "false"}}, true, true, true);
}

TEST(GatedFields, SchemaNamesKnownFeatures) {
  for (const api::KindInfo& kind : api::all_kinds())
    for (const api::Field& field : kind.type->fields)
      EXPECT_TRUE(field.feature_gate.empty() || component::find_feature(field.feature_gate) != nullptr) << field.feature_gate;
}

}  // namespace
}  // namespace pintle::apiserver::registry

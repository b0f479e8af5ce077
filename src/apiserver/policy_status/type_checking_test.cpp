#include "apiserver/policy_status/type_checking.h"

#include <gtest/gtest.h>

#include "api/gen/apiextensions_v1.h"
#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"

namespace pintle::apiserver::policy_status {
namespace {

class Kinds final : public KnownKinds {
 public:
  std::vector<KnownKind> of_resource(std::string_view group, std::string_view version, std::string_view resource) const override {
    std::vector<KnownKind> out;
    for (const auto& [name, kind] : all_)
      if (name == resource && kind.group == group && kind.version == version) out.push_back(kind);
    return out;
  }
  std::vector<KnownKind> of_kind(std::string_view group, std::string_view version, std::string_view kind) const override {
    for (const auto& [name, one] : all_)
      if (one.kind == kind && one.group == group && one.version == version) return {one};
    return {};
  }

 private:
  std::vector<std::pair<std::string, KnownKind>> all_{
      {"deployments", {"apps", "v1", "Deployment", &api::type_of<api::apps_v1::Deployment>(), nullptr, nullptr}},
      {"controllerrevisions", {"apps", "v1", "ControllerRevision", &api::type_of<api::apps_v1::ControllerRevision>(), nullptr, nullptr}},
      {"pods", {"", "v1", "Pod", &api::type_of<api::core_v1::Pod>(), nullptr, nullptr}},
      {"secrets", {"", "v1", "Secret", &api::type_of<api::core_v1::Secret>(), nullptr, nullptr}},
      {"configmaps", {"", "v1", "ConfigMap", &api::type_of<api::core_v1::ConfigMap>(), nullptr, nullptr}},
      {"customresourcedefinitions",
       {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", &api::type_of<api::apiextensions_v1::CustomResourceDefinition>(), nullptr,
        nullptr}}};
};

v1::ValidatingAdmissionPolicy policy(std::string group, std::vector<std::string> resources, std::string expression) {
  v1::ValidatingAdmissionPolicy out;
  auto& rule = out.spec.match_constraints.emplace().resource_rules.emplace_back();
  rule.api_groups = {std::move(group)};
  rule.api_versions = {"v1"};
  rule.resources = std::move(resources);
  out.spec.validations.emplace_back().expression = std::move(expression);
  return out;
}

// The first line of each warning, without the expression that follows it.
std::string warned(const v1::ValidatingAdmissionPolicy& of) {
  std::string out;
  for (const v1::ExpressionWarning& warning : check_types(of, Kinds())) {
    out += out.empty() ? "" : "|";
    for (std::string_view text = warning.warning; !text.empty();) {
      const auto end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!line.starts_with(" | ")) out += line;
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
  }
  return out;
}
void check(std::string expression, std::string_view want, std::string group = "apps", std::vector<std::string> resources = {"deployments"}) {
  EXPECT_EQ(warned(policy(std::move(group), std::move(resources), expression)), want) << expression;
}

// What upstream's controller says of the same expressions, but for the numbers in its types' names.
TEST(TypeChecking, BuiltInKinds) {
  const std::string at = "apps/v1, Kind=Deployment: ERROR: <input>:1:";
  check("object.spec.replicas > 1", "");
  check("object.spec.nothing == 1", at + "12: undefined field 'nothing'");
  check("object.spec.replicas == 'a'", at + "22: found no matching overload for '_==_' applied to '(int, string)'");
  check("oldObject.spec.replicas > 'a'", at + "25: found no matching overload for '_>_' applied to '(int, string)'");
  check("object.spec.strategy.rollingUpdate.maxSurge == 1", "");
  check("object.metadata.creationTimestamp == 'x'", at + "35: found no matching overload for '_==_' applied to '(timestamp, string)'");
  check("object.metadata.labels.a == 1", at + "26: found no matching overload for '_==_' applied to '(string, int)'");
  check("object.metadata.labels.a.b == 1", at + "25: type 'string' does not support field selection");
  check("has(object.spec.template.spec.containers[0].resources.limits)", at + "4: undefined field 'limits'");
  check("object.spec > 1", at + "13: found no matching overload for '_>_' applied to '(Deployment.spec, int)'");
  check("object.spec.template.spec.containers[0].ports > 1",
        at + "47: found no matching overload for '_>_' applied to '(list(Deployment.spec.template.spec.containers.@idx.ports.@idx), int)'");
  check("object.metadata.namespace == object.metadata.__namespace__", "");
  check("object.data.foo == 1", "apps/v1, Kind=ControllerRevision: ERROR: <input>:1:12: undefined field 'foo'", "apps", {"controllerrevisions"});
  check("object.data.a == 'x'", "/v1, Kind=Secret: ERROR: <input>:1:15: found no matching overload for '_==_' applied to '(bytes, string)'", "",
        {"secrets"});
}

TEST(TypeChecking, TypesWithinThemselvesHaveNoFields) {
  check("object.spec.versions[0].schema.openAPIV3Schema.properties['a'].type == 1",
        "apiextensions.k8s.io/v1, Kind=CustomResourceDefinition: ERROR: <input>:1:63: undefined field 'type'", "apiextensions.k8s.io",
        {"customresourcedefinitions"});
}

TEST(TypeChecking, EveryKindThatIsNamed) {
  check("object.nope == 1",
        "/v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'nope'/v1, Kind=Pod: ERROR: <input>:1:7: undefined field 'nope'", "",
        {"pods", "configmaps", "pods/status", "nothings"});
  check("object.nope == 1", "", "*");
  check("object.nope == 1", "", "apps", {"*"});
}

TEST(TypeChecking, VariablesParamsAndMessages) {
  auto with = policy("apps", {"deployments"}, "variables.a == 'x' || variables.b == 1");
  with.spec.variables.resize(2);
  with.spec.variables[0].name = "a";
  with.spec.variables[0].expression = "object.spec.replicas";
  with.spec.variables[1].name = "b";
  with.spec.variables[1].expression = "object.spec.nope";
  EXPECT_EQ(warned(with), "apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(int, string)'");
  auto params = policy("", {"secrets"}, "params.data.x == 1");
  auto& kind = params.spec.param_kind.emplace();
  kind.api_version = "v1";
  kind.kind = "ConfigMap";
  params.spec.validations[0].message_expression = "string(params.nope)";
  EXPECT_EQ(warned(params),
            "/v1, Kind=Secret: ERROR: <input>:1:15: found no matching overload for '_==_' applied to '(string, int)'|/v1, Kind=Secret: ERROR: "
            "<input>:1:14: undefined field 'nope'");
  EXPECT_EQ(check_types(params, Kinds())[1].field_ref, "spec.validations[0].messageExpression");
}

}  // namespace
}  // namespace pintle::apiserver::policy_status

#include "apiserver/registry/forbidden_fields.h"

#include <gtest/gtest.h>

#include "api/gen/apps_v1.h"
#include "api/gen/batch_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/node_v1.h"

namespace pintle::apiserver::registry {
namespace {

namespace core = api::core_v1;

void make_privileged(core::PodSpec& spec) {
  spec.containers.emplace_back().security_context.ensure().privileged = true;
  spec.containers.emplace_back().security_context.ensure().privileged = false;
  spec.containers.emplace_back();
  spec.init_containers.emplace_back().security_context.ensure().privileged = true;
  spec.ephemeral_containers.emplace_back().security_context.ensure().privileged = true;
}

// The fields of the errors; each is "disallowed by cluster policy".
std::vector<std::string> fields(bool allow_privileged, const api::Object& object) {
  ApiServerOptions options;
  options.allow_privileged = allow_privileged;
  apimachinery::FieldErrors errors;
  ForbiddenFields(options).check(object, nullptr, errors);
  std::vector<std::string> out;
  for (const auto& cause : errors.causes()) {
    EXPECT_EQ(cause.type, "FieldValueForbidden");
    EXPECT_NE(cause.message.find("disallowed by cluster policy"), std::string::npos);
    out.push_back(cause.field);
  }
  return out;
}

void check_kind(const api::Object& object, const std::string& spec) {
  const std::vector<std::string> wanted = {spec + ".initContainers[0].securityContext.privileged", spec + ".containers[0].securityContext.privileged",
                                           spec + ".ephemeralContainers[0].securityContext.privileged"};
  EXPECT_EQ(fields(false, object), wanted);
  EXPECT_TRUE(fields(true, object).empty());
}

TEST(ForbiddenFields, PrivilegedContainersOfPodsAndTemplates) {
  core::Pod pod;
  make_privileged(pod.spec);
  check_kind(api::Object::of(std::move(pod)), "spec");
  core::PodTemplate pod_template;
  make_privileged(pod_template.template_.spec);
  check_kind(api::Object::of(std::move(pod_template)), "template.spec");
  api::apps_v1::DaemonSet set;
  make_privileged(set.spec.template_.spec);
  check_kind(api::Object::of(std::move(set)), "spec.template.spec");
  api::batch_v1::CronJob job;
  make_privileged(job.spec.job_template.spec.template_.spec);
  check_kind(api::Object::of(std::move(job)), "spec.jobTemplate.spec.template.spec");
}

void tolerate(std::vector<core::Toleration>& tolerations, const std::string& op) {
  core::Toleration toleration;
  toleration.key = "k";
  toleration.operator_ = op;
  toleration.value = "5";
  tolerations.push_back(std::move(toleration));
}
api::Object tolerating(const std::string& op) {
  core::Pod pod;
  tolerate(pod.spec.tolerations, "Equal");
  tolerate(pod.spec.tolerations, op);
  return api::Object::of(std::move(pod));
}
// The errors, "; " between them.
std::string comparisons(const std::string& gate, const api::Object& object, const api::Object* old) {
  ApiServerOptions options;
  options.allow_privileged = true;
  options.feature_gates = *component::FeatureGates::parse(std::map<std::string, std::string>{{"TaintTolerationComparisonOperators", gate}});
  apimachinery::FieldErrors errors;
  ForbiddenFields(options).check(object, old, errors);
  std::string out;
  for (const auto& cause : errors.causes()) out += (out.empty() ? "" : "; ") + cause.field + ": " + cause.message;
  return out;
}

TEST(ForbiddenFields, TolerationsThatCompareNeedTheirFeature) {
  const std::string refused = R"(: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt")";
  EXPECT_EQ(comparisons("false", tolerating("Gt"), nullptr), "spec.tolerations[1].operator" + refused);
  EXPECT_EQ(comparisons("true", tolerating("Gt"), nullptr), "");
  EXPECT_EQ(comparisons("false", tolerating("Exists"), nullptr), "");
  api::apps_v1::DaemonSet set;
  tolerate(set.spec.template_.spec.tolerations, "Gt");
  EXPECT_EQ(comparisons("false", api::Object::of(std::move(set)), nullptr), "spec.template.spec.tolerations[0].operator" + refused);
  // An object that uses it already may go on.
  const api::Object using_it = tolerating("Lt"), without = tolerating("Exists");
  EXPECT_EQ(comparisons("false", tolerating("Gt"), &using_it), "");
  EXPECT_EQ(comparisons("false", tolerating("Gt"), &without), "spec.tolerations[1].operator" + refused);
  // A RuntimeClass has none at all, which its own validation says.
  api::node_v1::RuntimeClass runtime;
  tolerate(runtime.scheduling.ensure().tolerations, "Gt");
  EXPECT_EQ(comparisons("false", api::Object::of(std::move(runtime)), nullptr), "");
}

TEST(ForbiddenFields, NothingElse) {
  core::Pod pod;
  pod.spec.containers.emplace_back();
  EXPECT_TRUE(fields(false, api::Object::of(std::move(pod))).empty());
  EXPECT_TRUE(fields(false, api::Object::of(core::ConfigMap())).empty());
}

}  // namespace
}  // namespace pintle::apiserver::registry

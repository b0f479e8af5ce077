#include <gtest/gtest.h>

#include <fmt/format.h>

#include <set>

#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"
#include "apiserver/admission/factories.h"
#include "apiserver/admission/policies/apply_configuration.h"
#include "apiserver/admission/policies/params.h"
#include "apiserver/admission/sequence.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "rt/testing.h"

namespace pintle::apiserver::admission::policies {
namespace {

namespace core = api::core_v1;

const GroupResource validating_resource{"admissionregistration.k8s.io", "validatingadmissionpolicies"};
const GroupResource validating_bindings{"admissionregistration.k8s.io", "validatingadmissionpolicybindings"};
const GroupResource mutating_resource{"admissionregistration.k8s.io", "mutatingadmissionpolicies"};
const GroupResource mutating_bindings{"admissionregistration.k8s.io", "mutatingadmissionpolicybindings"};

// ConfigMaps are the only kind that can be parameters here.
class Reader final : public testing::FakeReader {
 public:
  std::optional<KindServed> find_kind(const api::GroupVersionKind& kind) const override {
    if (kind == api::GroupVersionKind{"", "v1", "ConfigMap"}) return KindServed{{"", "configmaps"}, true};
    return std::nullopt;
  }
};

template <class T>
T read(std::string_view yaml) {
  T out;
  const auto document = codec::parse_yaml(yaml);
  EXPECT_TRUE(document) << document.error().message;
  const auto read = api::decode_value(*document, api::type_of<T>(), &out);
  EXPECT_TRUE(read) << read.error().message;
  return out;
}

class PoliciesTest : public ::testing::Test {
 protected:
  PoliciesTest() {
    user_.name = "jane";
    core::Namespace ns;
    ns.metadata.name = "ns";
    ns.metadata.labels["env"] = "prod";
    reader_.put({"", "namespaces"}, ns);
    std::vector<std::unique_ptr<AdmissionPlugin>> plugins;
    plugins.push_back(make_mutating_admission_policy({reader_}));
    plugins.push_back(make_validating_admission_policy({reader_}));
    plugins_ = AdmissionSequence(std::move(plugins));
  }
  // `spec` as YAML flow, without matchConstraints.
  void validating(const std::string& name, const std::string& spec, const std::string& binding = "validationActions: [Deny]") {
    reader_.put(validating_resource, read<v1::ValidatingAdmissionPolicy>(fmt::format(policy_yaml, name, spec)));
    reader_.put(validating_bindings, read<v1::ValidatingAdmissionPolicyBinding>(fmt::format(binding_yaml, name, name, binding)));
  }
  void mutating(const std::string& name, const std::string& spec, const std::string& binding = "") {
    reader_.put(mutating_resource, read<v1::MutatingAdmissionPolicy>(fmt::format(policy_yaml, name, spec)));
    reader_.put(mutating_bindings, read<v1::MutatingAdmissionPolicyBinding>(fmt::format(binding_yaml, name, name, binding)));
  }
  void config_map(const std::string& name, std::map<std::string, std::string> data, std::map<std::string, std::string> labels = {}) {
    core::ConfigMap made;
    made.metadata.name = name;
    made.metadata.namespace_ = "ns";
    for (auto& [key, value] : data) made.data[key] = value;
    for (auto& [key, value] : labels) made.metadata.labels[key] = value;
    reader_.put({"", "configmaps"}, made);
  }
  // Creates a ConfigMap; "": admitted; else the code, the reason and the message.
  std::string create(std::map<std::string, std::string> data) {
    core::ConfigMap made;
    made.metadata.name = "c";
    made.metadata.namespace_ = "ns";
    for (auto& [key, value] : data) made.data[key] = value;
    return run(api::Object::of(made), {"", "v1", "ConfigMap"}, {"", "configmaps"});
  }
  std::string run(api::Object object, api::GroupVersionKind kind, GroupResource resource) {
    object_ = std::move(object);
    AdmissionAttributes a;
    a.kind = kind;
    a.resource = std::move(resource);
    a.version = "v1";
    a.ns = "ns";
    a.name = "c";
    a.user = &user_;
    a.object = &object_;
    a.warnings = &warnings_;
    a.audit_annotations = &annotations_;
    const auto both = [&]() -> rt::Task<Result<Unit>> {
      CO_TRY(co_await plugins_.admit(rt::Context::background(), a));
      co_return co_await plugins_.validate(rt::Context::background(), a);
    };
    const auto answer = rt::testing::run_sim(both);
    if (answer) return {};
    EXPECT_FALSE(answer.error().details.causes.empty());
    return fmt::format("{} {} {}", answer.error().http(), reason_name(answer.error().reason), answer.error().message);
  }
  std::string data(const std::string& key) {
    const std::string* value = object_.as<core::ConfigMap>().data.get(key);
    return value ? *value : "";
  }

  static constexpr std::string_view policy_yaml =
      "{{metadata: {{name: {}}}, spec: {{failurePolicy: Fail, reinvocationPolicy: Never, matchConstraints: {{resourceRules: [{{apiGroups: ['*'], "
      "apiVersions: ['*'], "
      "operations: ['*'], resources: [configmaps, deployments]}}]}}, {}}}}}";
  static constexpr std::string_view binding_yaml = "{{metadata: {{name: {}-b}}, spec: {{policyName: {}, {}}}}}";
  static constexpr std::string_view denied =
      "422 Invalid configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: ";

  Reader reader_;
  UserInfo user_;
  AdmissionSequence plugins_;
  api::Object object_;
  std::vector<std::string> warnings_;
  AuditAnnotations annotations_;
};

TEST_F(PoliciesTest, DenyWithTheirReasonAndMessage) {
  EXPECT_EQ(create({}), "");
  validating(
      "p",
      R"(validations: [{expression: 'object.data.a == "1"', message: ' a is not 1 '}, {expression: 'object.data.a != "2"', reason: Forbidden}])");
  EXPECT_EQ(create({{"a", "1"}}), "");
  EXPECT_EQ(create({{"a", "3"}}), std::string(denied) + "a is not 1");
  EXPECT_EQ(create({}), std::string(denied) + "expression 'object.data.a == \"1\"' resulted in error: no such key: data");
  validating("p", R"(validations: [{expression: 'false', reason: Forbidden, messageExpression: '"no " + string(object.metadata.name)'}])");
  EXPECT_EQ(create({}), "403 Forbidden configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: no c");
}

TEST_F(PoliciesTest, FollowTheirObjects) {
  validating("p", "validations: [{expression: 'false'}]");
  EXPECT_EQ(create({}), std::string(denied) + "failed expression: false");
  reader_.remove(validating_bindings, "", "p-b");
  EXPECT_EQ(create({}), "");
  validating("p", "validations: [{expression: 'true'}]");
  EXPECT_EQ(create({}), "");
  validating("p", "validations: [{expression: '1 > 2'}]");
  EXPECT_EQ(create({}), std::string(denied) + "failed expression: 1 > 2");
  reader_.remove(validating_resource, "", "p");
  EXPECT_EQ(create({}), "");
}

TEST_F(PoliciesTest, WarnAndTellTheAuditLog) {
  validating(
      "p",
      R"(validations: [{expression: 'false', message: m}], auditAnnotations: [{key: k, valueExpression: '"v"'}, {key: none, valueExpression: '" "'}])",
      "validationActions: [Warn, Audit]");
  EXPECT_EQ(create({}), "");
  EXPECT_EQ(warnings_, std::vector<std::string>{"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': m"});
  const auto& told = annotations_.all();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told.at("p/k").value, "v");
  EXPECT_EQ(told.at("validation.policy.admission.k8s.io/validation_failure").value,
            R"([{"message":"m","policy":"p","binding":"p-b","expressionIndex":0,"validationActions":["Warn","Audit"]}])");
}

TEST_F(PoliciesTest, FailAsTheirFailurePolicySays) {
  validating("p", "validations: [{expression: 'object.data.a == \"1\"'}], matchConditions: [{name: m, expression: 'object.data.m == \"1\"'}]");
  EXPECT_EQ(create({{"m", "0"}}), "");
  EXPECT_EQ(create({{"x", ""}}), std::string(denied) + "expression 'object.data.m == \"1\"' resulted in error: no such key: m");
  EXPECT_EQ(create({{"m", "1"}}), std::string(denied) + "expression 'object.data.a == \"1\"' resulted in error: no such key: a");
  validating("p",
             "failurePolicy: Ignore, validations: [{expression: 'object.data.a == \"1\"'}], matchConditions: [{name: m, expression: 'object.data.m "
             "== \"1\"'}]");
  EXPECT_EQ(create({}), "");
  EXPECT_EQ(create({{"m", "1"}}), "");
  EXPECT_EQ(create({{"m", "1"}, {"a", "2"}}), std::string(denied) + "failed expression: object.data.a == \"1\"");
}

TEST_F(PoliciesTest, HaveParams) {
  const std::string spec =
      R"(paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'object.data.n < params.data.max', messageExpression: '"max " + params.data.max'}])";
  const std::string by_name = "validationActions: [Deny], paramRef: {name: limit, parameterNotFoundAction: Deny}";
  validating("p", spec, by_name);
  const std::string missing =
      std::string(denied) + "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
  EXPECT_EQ(create({{"n", "1"}}), missing);
  config_map("limit", {{"max", "5"}}, {{"is", "limit"}});
  EXPECT_EQ(create({{"n", "1"}}), "");
  EXPECT_EQ(create({{"n", "7"}}), std::string(denied) + "max 5");
  reader_.remove({"", "configmaps"}, "ns", "limit");  // it vanishes meanwhile
  EXPECT_EQ(create({{"n", "1"}}), missing);
  validating("p", spec, "validationActions: [Deny], paramRef: {selector: {matchLabels: {is: limit}}, parameterNotFoundAction: Allow}");
  EXPECT_EQ(create({{"n", "7"}}), "");
  config_map("l1", {{"max", "9"}}, {{"is", "limit"}});
  config_map("l2", {{"max", "3"}}, {{"is", "limit"}});
  config_map("l3", {{"max", "0"}}, {{"is", "other"}});
  EXPECT_EQ(create({{"n", "7"}}), std::string(denied) + "max 3");
  validating("p", "paramKind: {apiVersion: v1, kind: Nothing}, validations: [{expression: 'true'}]", by_name);
  EXPECT_EQ(
      create({}),
      "422 Invalid configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource "
      "referenced by paramKind: '/v1, Kind=Nothing'");
}

TEST_F(PoliciesTest, SelectParamsUpToALimit) {
  validating("p", "paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'true'}]",
             "validationActions: [Deny], paramRef: {selector: {}, parameterNotFoundAction: Allow}");
  for (std::size_t i = 0; i <= params_max; ++i) config_map(fmt::format("c{}", i), {});
  EXPECT_EQ(create({}), std::string(denied) + "failed to configure binding: the paramRef selects more than 10000 params");
}

TEST_F(PoliciesTest, KeepMessagesToALine) {
  const std::string wide(60, 'w');
  validating("p",
             fmt::format(R"(validations: [{{expression: 'false', message: instead, messageExpression: '"{}".split("").map(c, "{}{}").join("")'}}])",
                         wide, wide, wide));
  EXPECT_EQ(create({}), std::string(denied) + "instead");
  validating("p", R"(validations: [{expression: 'false', messageExpression: '"a\nb"'}])");
  EXPECT_EQ(create({}), std::string(denied) + "failed expression: false");
}

TEST_F(PoliciesTest, EndWithinTheirBudget) {
  std::map<std::string, std::string> many;
  for (int i = 0; i < 120; ++i) many[fmt::format("k{}", i)] = "v";
  const std::string dear = R"(object.data.all(k, object.data.all(l, object.data.all(m, k + l + m != "x"))))";
  validating("p", "validations: [{expression: '" + dear + "'}]");
  EXPECT_EQ(create(many), std::string(denied) + "expression '" + dear + "' resulted in error: operation cancelled: actual cost limit exceeded");
  std::string all;
  for (int i = 0; i < 12; ++i) all += "{expression: '" + dear + "'},";
  validating("p", "validations: [" + all + "]");
  EXPECT_EQ(create(many), std::string(denied) + "validation failed due to running out of cost budget, no further validation rules will be run");
}

TEST_F(PoliciesTest, NeverJudgeTheirOwnKinds) {
  validating("p",
             "validations: [{expression: 'false'}], matchConstraints: {resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], "
             "resources: ['*/*']}]}");
  EXPECT_NE(create({}), "");
  for (const auto& resource : {validating_resource, validating_bindings, mutating_resource, mutating_bindings})
    EXPECT_EQ(run(api::Object::of(v1::ValidatingAdmissionPolicy()), {"admissionregistration.k8s.io", "v1", "X"}, resource), "");
  EXPECT_EQ(run(api::Object::of(core::ConfigMap()), {"authorization.k8s.io", "v1", "X"}, {"authorization.k8s.io", "subjectaccessreviews"}), "");
  EXPECT_NE(run(api::Object::of(core::ConfigMap()), {"admissionregistration.k8s.io", "v1", "X"},
                {"admissionregistration.k8s.io", "validatingwebhookconfigurations"}),
            "");
}

TEST_F(PoliciesTest, AreThousands) {
  for (int i = 0; i < 3000; ++i) validating(fmt::format("p{}", i), "validations: [{expression: 'object.metadata.name == \"c\"'}]");
  EXPECT_EQ(create({}), "");
  validating("p2999", "validations: [{expression: 'false'}]");
  EXPECT_NE(create({}), "");
}

TEST_F(PoliciesTest, Mutate) {
  mutating("m", R"(mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{data: {"n": string(size(object.data))}}'}},
                               {patchType: JSONPatch, jsonPatch: {expression: '[JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("a~b"), value: string(object.data.n)}]'}}])");
  EXPECT_EQ(create({{"x", "1"}}), "");
  EXPECT_EQ(data("n"), "1");
  EXPECT_EQ(data("a~b"), "1");
  EXPECT_EQ(create({}),
            "403 Invalid policy 'm' with binding 'm-b' denied request: expression 'Object{data: {\"n\": string(size(object.data))}}' resulted in "
            "error: no such key: "
            "data");
  mutating(
      "m",
      R"(mutations: [{patchType: JSONPatch, jsonPatch: {expression: '[JSONPatch{op: "test", path: "/data/x", value: "2"}, JSONPatch{op: "remove", path: "/data"}]'}}])");
  EXPECT_EQ(create({{"x", "1"}}), "") << "a test that fails leaves the object alone";
  EXPECT_EQ(data("x"), "1");
  mutating("m", R"(mutations: [{patchType: JSONPatch, jsonPatch: {expression: '[JSONPatch{op: "add", path: "/nothing", value: 1}]'}}])");
  EXPECT_EQ(create({}), "500 InternalError Internal error occurred: strict decoding error: unknown field \"nothing\"");
}

TEST_F(PoliciesTest, AreInvokedAgainIfNeeded) {
  const std::string count =
      R"(mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{data: {"n": string(int(object.data.n) + 1)}}'}}])";
  mutating("m", count);
  EXPECT_EQ(create({{"n", "1"}}), "");
  EXPECT_EQ(data("n"), "2");
  mutating("m", "reinvocationPolicy: IfNeeded, " + count);
  EXPECT_EQ(create({{"n", "1"}}), "");
  EXPECT_EQ(data("n"), "3") << "once more in the second round, as upstream";
}

TEST_F(PoliciesTest, MutateWhatIsValidatedThen) {
  mutating("m", R"(mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{data: {"n": "1"}}'}}])");
  validating("p", "validations: [{expression: '!has(object.data.n)'}]");
  EXPECT_EQ(create({{"x", ""}}), std::string(denied) + "failed expression: !has(object.data.n)");
}

std::string applied(std::string_view config) {
  const auto live = codec::parse_yaml(
      "{apiVersion: apps/v1, kind: Deployment, spec: {selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: c, image: i, ports: "
      "[{containerPort: 80, "
      "protocol: TCP}]}]}}}}");
  const api::Type& type = api::type_of<api::apps_v1::Deployment>();
  const auto merged = apply_configuration(apimachinery::TypeSchema(type), &type, *live, *codec::parse_yaml(config));
  if (!merged) return merged.error().message;
  return codec::to_json(*merged->find("spec"));
}

TEST(ApplyConfiguration, MergesByKey) {
  EXPECT_EQ(applied("{spec: {replicas: 3, template: {spec: {containers: [{name: c, ports: [{containerPort: 81, protocol: TCP}]}, {name: d}]}}}}"),
            R"({"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"image":"i","name":"c","ports":)"
            R"([{"containerPort":80,"protocol":"TCP"},{"containerPort":81,"protocol":"TCP"}]},{"name":"d"}]}}})");
}

TEST(ApplyConfiguration, RefusesWhatIsOwnedAsAWhole) {
  const std::string whole = "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ";
  EXPECT_EQ(applied("{spec: {selector: {matchLabels: {x: z}}}}"), whole + ".spec.selector");
  EXPECT_EQ(applied("{spec: {template: {spec: {containers: [{name: c, args: [a]}]}}}}"), whole + ".spec.template.spec.containers[0].args");
}

TEST(ApplyConfiguration, RefusesWhatTheSchemaDoesNotKnow) {
  const std::string typed = "error applying patch: failed to convert patch object to typed object: ";
  EXPECT_EQ(applied("{spec: {nothing: 1}}"), typed + ".spec.nothing: field not declared in schema");
  EXPECT_EQ(applied("{spec: {template: {spec: {containers: [{name: c}, {name: c}]}}}}"),
            typed + ".spec.template.spec.containers: duplicate entries for key [name=\"c\"]");
  EXPECT_TRUE(applied("{spec: {replicas: x}}").starts_with(typed));
  EXPECT_TRUE(applied("{spec: []}").starts_with(typed + ".spec: expected map, got"));
}

}  // namespace
}  // namespace pintle::apiserver::admission::policies

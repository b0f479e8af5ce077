#include <gtest/gtest.h>

#include "api/custom_object.h"
#include "api/gen/core_v1.h"
#include "apimachinery/cel/time_zones.h"
#include "apiserver/admission/expressions/match_conditions.h"
#include "codec/json.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::admission::expressions {
namespace {

// Lets jane do what she asks for on pods, after a while or at once, and counts what it is asked.
class FakeAuthorizer final : public authorization::Authorizer {
 public:
  explicit FakeAuthorizer(bool waits) : waits_(waits) {}
  std::optional<authorization::AuthorizationResult> authorize_now(const authorization::AuthorizationAttributes& a) override {
    if (waits_) return std::nullopt;
    return answer(a);
  }
  rt::Task<authorization::AuthorizationResult> authorize(rt::Context ctx, const authorization::AuthorizationAttributes& a) override {
    (void)co_await rt::sleep_for(ctx, std::chrono::milliseconds(50));
    co_return answer(a);
  }
  authorization::UserRules rules_for(const UserInfo&, const std::string&) override { return {}; }
  std::vector<std::string> asked;

 private:
  authorization::AuthorizationResult answer(const authorization::AuthorizationAttributes& a) {
    asked.push_back(a.user.name + " " + a.verb + " " +
                    (a.is_resource ? a.group + "/" + a.version + "/" + a.resource + "/" + a.subresource + " " + a.ns + "/" + a.name : a.path));
    const bool yes = a.user.name == "jane" && a.resource == "pods";
    return {yes ? authorization::Decision::Allow : authorization::Decision::NoOpinion, yes ? "she may" : ""};
  }
  bool waits_;
};

class ExpressionsTest : public ::testing::Test {
 protected:
  ExpressionsTest() {
    user_.name = "jane";
    user_.groups = {"dev", "system:authenticated"};
    user_.extra["scopes"] = {"a", "b"};
    api::core_v1::Pod pod;
    pod.metadata.name = "p";
    pod.metadata.namespace_ = "ns";
    pod.metadata.labels["app"] = "web";
    pod.spec.containers.resize(2);
    pod.spec.containers[0].name = "a";
    object_ = api::Object::of(pod);
    api::core_v1::Namespace ns;
    ns.metadata.name = "ns";
    ns.metadata.labels["env"] = "prod";
    namespace_ = api::Object::of(ns);
    attributes_.kind = {"", "v1", "Pod"};
    attributes_.resource = {"", "pods"};
    attributes_.version = "v1";
    attributes_.ns = "ns";
    attributes_.name = "p";
    attributes_.object = &object_;
    attributes_.user = &user_;
  }
  Subject subject() { return {attributes_, &namespace_, params_ ? &params_ : nullptr, "example.com/v2", "Limit"}; }

  // The value as text, or what failed.
  std::string value(std::string_view text, Purpose purpose = Purpose::Variable, bool params = true) {
    Compiler compiler(Places{.params = params});
    const Expression expression = compiler.compile(text, purpose);
    if (!expression.program) return expression.broken;
    AccessDecisions decisions(&user_, &authorizer_);
    const rt::Context ctx = rt::Context::background();
    Subject seen = subject();
    seen.zones = zones_;
    Evaluation evaluation({seen, compiler.places(), {}, &decisions, ctx});
    const Evaluated answer = evaluation.evaluate(expression);
    return answer.kind == Evaluated::Kind::Value ? cel::display(answer.value, evaluation.arena()) : answer.error;
  }

  UserInfo user_;
  api::Object object_, old_, namespace_, params_;
  AdmissionAttributes attributes_;
  FakeAuthorizer authorizer_{false};
  const cel::TimeZones* zones_ = nullptr;
};

TEST_F(ExpressionsTest, ShowTheRequest) {
  EXPECT_EQ(value("object.metadata.name + object.kind + object.apiVersion"), "pPodv1");
  EXPECT_EQ(value("object.spec.containers.map(c, c.name)"), "[a, ]");
  EXPECT_EQ(value("oldObject == null"), "true");
  EXPECT_EQ(value("namespaceObject.metadata.labels.env"), "prod");
  EXPECT_EQ(value("request.operation + ' ' + request.resource.resource + ' ' + request.kind.kind + ' ' + request.name"), "CREATE pods Pod p");
  EXPECT_EQ(value("request.userInfo.username + request.userInfo.groups[0] + request.userInfo.extra['scopes'][1]"), "janedevb");
  EXPECT_EQ(value("has(request.subResource)"), "false");
  EXPECT_EQ(value("request.dryRun"), "false");
  EXPECT_EQ(value("params == null"), "true");
}

TEST_F(ExpressionsTest, AreCheckedAgainstTheTypesOfTheRequest) {
  EXPECT_EQ(value("request.nothing").substr(0, 65), "compilation failed: ERROR: <input>:1:8: undefined field 'nothing'");
  EXPECT_TRUE(value("namespaceObject.metadata.ownerReferences").starts_with("compilation failed: ERROR: <input>:1:25: undefined field"));
  EXPECT_TRUE(value("params.a", Purpose::Variable, false).starts_with("compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'"));
  EXPECT_TRUE(value("variables.a").starts_with("compilation failed: ERROR: <input>:1:1: undeclared reference to 'variables'"));
  EXPECT_TRUE(
      value("authorizer.path('/a').check('get').reason()", Purpose::Message).starts_with("compilation failed: ERROR: <input>:1:1: undeclared"));
  EXPECT_TRUE(value("Object{}").starts_with("compilation failed: ERROR: <input>:1:7: undeclared reference to 'Object'"));
  EXPECT_EQ(value("object.a", Purpose::Condition), "must evaluate to bool but got dyn");
  EXPECT_EQ(value("1", Purpose::Annotation), "must evaluate to one of [string null_type] but got int");
  EXPECT_EQ(value("[]", Purpose::JsonPatch), "must evaluate to list(JSONPatch) but got list(dyn)");
  EXPECT_EQ(value("Object.spec{}", Purpose::ApplyConfiguration), "must evaluate to Object but got Object.spec");
  EXPECT_EQ(value("Object{spec: Object.spec{a: 1}}", Purpose::ApplyConfiguration), "{spec: {a: 1}}");
}

TEST_F(ExpressionsTest, ShowCustomObjects) {
  api::CustomObject limit;
  limit.metadata.name = "l";
  limit.rest.members = *codec::parse_json(R"({"max": 3, "spec": {"a": [1, 2]}})");
  params_ = api::Object::of(limit);
  EXPECT_EQ(value("params.max + params.spec.a[1]"), "5");
  EXPECT_EQ(value("params.kind + params.apiVersion + params.metadata.name"), "Limitexample.com/v2l");
  EXPECT_EQ(value("params.map(k, k).size()"), "5");
  EXPECT_EQ(value("params.transformList(k, v, k).sort()"), "[apiVersion, kind, max, metadata, spec]");
  EXPECT_EQ(value("has(params.other)"), "false");
}

TEST_F(ExpressionsTest, ComposeVariables) {
  Compiler compiler(Places{.composed = true});
  std::vector<NamedExpression> variables;
  const auto declare = [&](std::string_view name, std::string_view text) {
    variables.push_back({std::string(name), compiler.compile(text, Purpose::Variable)});
    compiler.declare(name, variables.back().expression);
  };
  declare("n", "size(object.spec.containers)");
  declare("twice", "variables.n * 2");
  declare("bad", "object.spec.nothing + 1");
  declare("broken", "variables.later");
  const rt::Context ctx = rt::Context::background();
  const Subject seen = subject();
  AccessDecisions decisions(&user_, &authorizer_);
  const auto run = [&](std::string_view text, uint64_t budget = cel::runtime_cost_max) {
    const Expression expression = compiler.compile(text, Purpose::Condition);
    if (!expression.program) return expression.broken;
    Evaluation evaluation({seen, compiler.places(), variables, &decisions, ctx, budget});
    const Evaluated answer = evaluation.evaluate(expression);
    return answer.kind == Evaluated::Kind::Value ? cel::display(answer.value, evaluation.arena()) : answer.error;
  };
  EXPECT_EQ(run("variables.twice == 4"), "true");
  EXPECT_TRUE(run("variables.twice == 'x'").starts_with("compilation failed: ERROR: <input>:1:17: found no matching overload for '_==_'"));
  EXPECT_EQ(run("variables.bad == 1"),
            "expression 'variables.bad == 1' resulted in error: composited variable \"bad\" fails to evaluate: no such key: nothing");
  EXPECT_TRUE(
      run("variables.broken == 1")
          .starts_with(
              "expression 'variables.broken == 1' resulted in error: composited variable \"broken\" fails to compile: compilation failed: ERROR"));
  EXPECT_EQ(run("variables.bad == 1 || true"), "true");
  EXPECT_EQ(run("variables.twice == 4", 3), "validation failed due to running out of cost budget, no further validation rules will be run");
}

// Some 150,000 by upstream's counting, whichever variable it is of.
constexpr std::string_view dear = "size('%s'.split('').map(a, '%s'.split('').map(b, '%s'.split('').map(c, a + b + c)))) > 0";

std::string dear_expression() {
  std::string out(dear);
  for (const std::size_t length : {40, 40, 10}) out.replace(out.find("%s"), 2, std::string(length, 'x'));
  return out;
}

TEST_F(ExpressionsTest, BriefOnesEndWhereTheyTakeTooLong) {
  Compiler compiler(Places{.composed = true});
  std::vector<NamedExpression> variables;
  for (const char* name : {"a", "b", "c", "d"}) {
    variables.push_back({name, compiler.compile(dear_expression(), Purpose::Variable)});
    compiler.declare(name, variables.back().expression);
  }
  const Expression one = compiler.compile("variables.a", Purpose::Condition);
  const Expression all = compiler.compile("variables.a && variables.b && variables.c && variables.d", Purpose::Condition);
  ASSERT_TRUE(all.program) << all.broken;
  const rt::Context ctx = rt::Context::background();
  const Subject seen = subject();
  Evaluation at_length({seen, compiler.places(), variables, nullptr, ctx, cel::runtime_cost_max, Pace::Long});
  EXPECT_TRUE(at_length.evaluate(all).value.is_true());
  Evaluation brief({seen, compiler.places(), variables, nullptr, ctx, cel::runtime_cost_max, Pace::Brief});
  EXPECT_TRUE(brief.evaluate(one).value.is_true());
  brief.rest();
  EXPECT_EQ(brief.evaluate(all).kind, Evaluated::Kind::TooLong);
}

TEST_F(ExpressionsTest, ZonesByName) {
  class Zones final : public cel::TimeZones {
   public:
    const TimeZone* find(std::string_view name) const override { return name == "Here" ? &utc_ : nullptr; }
    const TimeZone utc_ = TimeZone::utc();
  };
  const Zones zones;
  EXPECT_TRUE(value("timestamp('2026-01-01T12:00:00Z').getHours('Here')").ends_with("unknown time zone Here"));
  zones_ = &zones;
  EXPECT_EQ(value("timestamp('2026-01-01T12:00:00Z').getHours('Here')"), "12");
  EXPECT_TRUE(value("timestamp('2026-01-01T12:00:00Z').getHours('There')").ends_with("unknown time zone There"));
  for (const char* name : {"../Here", "/Here", "a..b"})
    EXPECT_TRUE(value("timestamp('2026-01-01T12:00:00Z').getHours('" + std::string(name) + "')").ends_with("time: invalid location name")) << name;
}

TEST_F(ExpressionsTest, SharesTheValuesOfVariablesWithinAGroup) {
  Compiler compiler(Places{.composed = true});
  std::vector<NamedExpression> variables{{"n", compiler.compile("size(object.spec.containers)", Purpose::Variable)}};
  compiler.declare("n", variables[0].expression);
  const Expression expression = compiler.compile("variables.n == 2", Purpose::Condition);
  const rt::Context ctx = rt::Context::background();
  const Subject seen = subject();
  Evaluation evaluation({seen, compiler.places(), variables, nullptr, ctx});
  const uint64_t before = evaluation.budget();
  EXPECT_TRUE(evaluation.evaluate(expression).value.is_true());
  const uint64_t first = before - evaluation.budget();
  EXPECT_TRUE(evaluation.evaluate(expression).value.is_true());
  EXPECT_LT(before - first - evaluation.budget(), first);
}

class MatchTest : public ExpressionsTest {
 protected:
  std::string match(std::vector<std::pair<std::string, std::string>> texts, bool waits = false) {
    std::vector<api::admissionregistration_v1::MatchCondition> conditions;
    for (auto& [name, text] : texts) {
      conditions.emplace_back();
      conditions.back().name = name;
      conditions.back().expression = text;
    }
    const auto made = MatchConditions::make(conditions, false);
    if (!made) return made.error().message;
    FakeAuthorizer authorizer(waits);
    const Subject seen = subject();
    const auto answer = rt::testing::run_sim([&] { return (*made)->match(rt::Context::background(), seen, &authorizer); });
    asked_ = authorizer.asked;
    return answer ? *answer ? "true" : "false" : answer.error().message;
  }
  std::vector<std::string> asked_;
};

TEST_F(MatchTest, Decides) {
  EXPECT_EQ(match({}), "true");
  EXPECT_EQ(match({{"a", "object.metadata.name == 'p'"}, {"b", "true"}}), "true");
  EXPECT_EQ(match({{"a", "object.nothing"}}), "must evaluate to bool but got dyn");
  EXPECT_EQ(match({{"a", "object.nothing == 1"}, {"b", "false"}}), "false");
  EXPECT_EQ(match({{"a", "object.nothing == 1"}, {"b", "true"}}), "expression 'object.nothing == 1' resulted in error: no such key: nothing");
  EXPECT_EQ(match({{"a", "object.x == 1"}, {"b", "object.y == 1"}}),
            "[expression 'object.x == 1' resulted in error: no such key: x, expression 'object.y == 1' resulted in error: no such key: y]");
  EXPECT_EQ(match({{"a", "namespaceObject == null"}}), "true");
}

TEST_F(MatchTest, AsksTheAuthorizerOnceForEachQuestion) {
  const std::string may = "authorizer.requestResource.check('create').allowed()";
  const std::string other = "!authorizer.serviceAccount('ns', 'sa').group('apps').resource('deployments').namespace('x').check('get').allowed()";
  for (const bool waits : {false, true}) {
    EXPECT_EQ(match({{"a", may}, {"b", other + " && " + may}, {"c", may}}, waits), "true") << waits;
    const std::vector<std::string> wanted{"jane create /*/pods/ ns/p", "system:serviceaccount:ns:sa get apps/*/deployments/ x/"};
    EXPECT_EQ(asked_, wanted);
  }
}

TEST_F(MatchTest, EndsWithinItsBudget) {
  const std::string check = "authorizer.path('/x').check('get').allowed() || true";
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 8; ++i) many.emplace_back("c", check);
  EXPECT_EQ(match(many), "validation failed due to running out of cost budget, no further validation rules will be run");
}

}  // namespace
}  // namespace pintle::apiserver::admission::expressions

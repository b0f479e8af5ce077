// What no expression of upstream_test shows: declared documents, API objects, objects that are made, limits, access checks.
#include "apimachinery/cel/environment.h"

#include <gtest/gtest.h>

#include <array>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "apimachinery/cel/authorizer.h"
#include "apimachinery/cel/mutation_types.h"
#include "apimachinery/cel/program.h"
#include "codec/cpu_testing.h"
#include "codec/json.h"
#include "codec/stack_testing.h"
#include "codec/value.h"

namespace pintle::apimachinery::cel {
namespace {

std::string shown(const Environment& environment, std::string_view expression, std::span<const Value> variables, Arena& arena,
                  const EvaluationOptions& options = {}) {
  const auto program = environment.compile(expression);
  if (!program) return program.error().message;
  return display(program->evaluate(variables, arena, options).value, arena);
}

TEST(CelDocuments, AreReadByTheirDeclaration) {
  Environment environment;
  TypePool& pool = environment.types();
  FieldList item, fields;
  item.add("key", &types::string);
  item.add("value", &types::floating);
  fields.add("__namespace__", &types::string, "namespace");
  fields.add("at", &types::timestamp);
  fields.add("lasts", &types::duration);
  fields.add("bytes", &types::bytes);
  Type set = *pool.list(&types::string);
  set.semantics = ListSemantics::Set;
  fields.add("set", &pool.add(set));
  Type map = *pool.list(pool.structure("Item", &item));
  map.semantics = ListSemantics::Map;
  map.list_keys = {"key"};
  fields.add("map", &pool.add(map));
  const TypeRef self = pool.structure("Self", &fields);
  environment.add_variable("self", self);
  environment.add_variable("oldSelf", self);
  const auto document = *codec::parse_json(R"({"namespace":"n","at":"2024-02-29T12:00:00Z","lasts":"90m","bytes":"aGk=","set":["a","b"],
      "map":[{"key":"x","value":1},{"key":"y","value":2}],"undeclared":1})");
  const auto old = *codec::parse_json(R"({"set":["b","a"],"map":[{"key":"y","value":2},{"key":"x","value":1}]})");
  Arena arena;
  const std::array<Value, 2> variables{document_value(document, self, arena), document_value(old, self, arena)};
  const auto expect = [&](std::string_view expression, std::string_view value) {
    EXPECT_EQ(shown(environment, expression, variables, arena), value) << expression;
  };
  expect("self.__namespace__", "n");
  expect("self.at.getMonth() == 1 && self.lasts == duration('1h30m') && self.bytes == b'hi'", "true");
  expect("self.map[0].value == 1.0 && type(self.map[0].value) == double", "true");
  expect("self.set == oldSelf.set && self.map == oldSelf.map", "true");
  expect("(self.set + ['c', 'a']).size()", "3");
  expect("self.map.all(m, oldSelf.map.exists(o, o == m))", "true");
  expect("has(self.at) && !has(oldSelf.at)", "true");
  expect("self.undeclared", "ERROR: <input>:1:5: undefined field 'undeclared'\n | self.undeclared\n | ....^");
}

TEST(CelObjects, AreReadAsTheirJson) {
  Environment environment;
  environment.add_variable("object", &types::dyn);
  namespace core = api::core_v1;
  core::Pod pod;
  ASSERT_TRUE(api::decode_json(R"({"metadata":{"name":"p","labels":{"a":"b"},"creationTimestamp":"2024-02-29T12:00:00Z"},
      "spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1500m"}},"livenessProbe":{"httpGet":{"port":"http"}}}]}})",
                               api::type_of<core::Pod>(), &pod));
  Arena arena;
  const api::GroupVersionKind kind{"", "v1", "Pod"};
  const std::array<Value, 1> variables{object_value(api::type_of<core::Pod>(), &pod, arena, &kind)};
  const auto expect = [&](std::string_view expression, std::string_view value) {
    EXPECT_EQ(shown(environment, expression, variables, arena), value) << expression;
  };
  expect("object.kind + object.apiVersion", "Podv1");
  expect("object.metadata.labels['a'] + object.metadata.creationTimestamp", "b2024-02-29T12:00:00Z");
  expect("has(object.spec.nodeName)", "false");
  expect("object.spec.containers.all(c, quantity(c.resources.limits.cpu).compareTo(quantity('1')) > 0)", "true");
  expect("object.spec.containers[0].livenessProbe.httpGet.port", "http");
  expect("object.spec.nodeName", "no such key: nodeName");
}

TEST(CelObjects, AreMadeForPatches) {
  Environment environment;
  environment.set_type_source(&mutation_types());
  environment.add_variable("object", &types::dyn);
  const auto program = environment.compile("Object{spec: Object.spec{replicas: object.n + 1, ?paused: optional.none()}}");
  ASSERT_TRUE(program.has_value()) << program.error().message;
  EXPECT_EQ(program->result_type()->name, "Object");
  const auto document = *codec::parse_json(R"({"n":2})");
  Arena arena;
  const std::array<Value, 1> variables{document_value(document, &types::dyn, arena)};
  codec::Value made;
  EXPECT_FALSE(to_document(program->evaluate(variables, arena).value, made, arena));
  EXPECT_EQ(codec::to_json(made), R"({"spec":{"replicas":3}})");
  EXPECT_TRUE(environment.compile("[JSONPatch{op: 'add', path: '/a', value: {'x': 1}}]").has_value());
  EXPECT_FALSE(environment.compile("JSONPatch{nope: 1}").has_value());
}

TEST(CelLimits, EndAnEvaluation) {
  Environment environment;
  Arena arena;
  EvaluationOptions options;
  const auto failure = [&](std::string_view expression) {
    const auto program = environment.compile(expression);
    const Outcome outcome = program->evaluate({}, arena, options);
    return outcome.value.is_error() ? outcome.value.as_error().failure : Failure::Evaluation;
  };
  options.cost_max = 1000;
  EXPECT_EQ(failure("lists.range(2000).all(x, x >= 0) || true"), Failure::CostLimit);
  options.cost_max = UINT64_MAX;
  options.interrupted = [](void*) { return true; };
  EXPECT_EQ(failure("lists.range(1000000).all(x, x >= 0) || true"), Failure::Interrupted);
  options.interrupted = nullptr;
  EXPECT_EQ(failure("lists.range(1000000).map(x, [x, x, x, x]).size() > 0 || true"), Failure::Memory);
  std::string doubled = "'xxxxxxxxxxxxxxxx'";
  for (int i = 0; i < 30; ++i) doubled += ".replace('x', 'xx')";
  arena.clear();
  EXPECT_EQ(failure(doubled + ".size() > 0 || true"), Failure::Memory);
  std::string repeated = "optional.of(1)";
  for (int i = 0; i < 40; ++i) repeated += ".optMap(x, x)";
  EXPECT_FALSE(environment.compile(repeated).has_value());
}

TEST(CelLimits, BoundWhatIsShared) {
  Environment environment;
  Arena arena;
  std::string shared = "[1]";
  for (int i = 0; i < 40; ++i) shared += ".map(x, [x, x])";
  const std::array<std::string, 2> expressions{shared + " == " + shared, "sets.contains(lists.range(400000), lists.range(400000).reverse())"};
  for (const std::string& expression : expressions) {
    const auto program = environment.compile(expression);
    ASSERT_TRUE(program.has_value()) << program.error().message;
    arena.clear();
    EXPECT_LT(codec::cpu_seconds([&] { EXPECT_TRUE(program->evaluate({}, arena).value.is_error()) << expression; }), codec::hostile_seconds_max);
  }
  const auto program = environment.compile(shared);
  ASSERT_TRUE(program.has_value());
  const Outcome outcome = program->evaluate({}, arena);
  codec::Value document;
  EXPECT_TRUE(to_document(outcome.value, document, arena).has_value());
  EXPECT_LT(display(outcome.value, arena).size(), 10'000U);
}

TEST(CelLimits, LongChainsOfNamesAreReadQuickly) {
  Environment environment;
  environment.add_variable("a", &types::dyn);
  std::string chain = "a", unknown = "x";
  for (int i = 0; i < 990; ++i) chain += ".longNameOfAField", unknown += ".longNameOfAField";
  EXPECT_LT(codec::cpu_seconds([&] {
              EXPECT_TRUE(environment.compile(chain).has_value());
              EXPECT_FALSE(environment.compile(unknown).has_value());
            }),
            codec::hostile_seconds_max);
}

TEST(CelLimits, DeepExpressionsFitASmallStack) {
  codec::run_on_small_stack([] {
    Environment environment;
    environment.add_variable("a", &types::dyn);
    std::string sum = "1", chain = "a";
    for (int i = 0; i < 990; ++i) sum += " + 1", chain += ".b";
    std::string nested = "x";
    for (int i = 0; i < 100; ++i) nested = "[x].map(x, " + nested + ")";
    const auto document = *codec::parse_json(R"({"b":{"b":1}})");
    const std::array<std::string, 3> expressions{sum, chain, "a.map(x, " + nested + ")"};
    for (const std::string& expression : expressions) {
      const auto program = environment.compile(expression);
      ASSERT_TRUE(program.has_value()) << program.error().message;
      Arena arena;
      const std::array<Value, 1> variables{document_value(document, &types::dyn, arena)};
      (void)program->evaluate(variables, arena);
      (void)program->estimate_cost();
    }
  });
}

TEST(CelBindings, KeepTheirValue) {
  EnvironmentOptions options;
  options.libraries = kubernetes_libraries | Library::Bindings;
  Environment environment(options);
  Arena arena;
  EXPECT_EQ(shown(environment, "cel.bind(x, [], [x + [1], x + [2], x])", {}, arena), "[[1], [2], []]");
}

class Decisions final : public AccessDecisions {
 public:
  std::optional<AccessAnswer> decide(const AccessQuestion& question) override {
    asked.push_back(std::string(question.verb) + " " + std::string(question.resource) + " " + std::string(question.namespace_name));
    if (!known) return std::nullopt;
    return AccessAnswer{AccessAnswer::Kind::Allowed, "because", ""};
  }
  bool known = false;
  std::vector<std::string> asked;
};

TEST(CelAuthorizer, AsksUntilItKnows) {
  Environment environment;
  environment.add_variable("authorizer", &types::authorizer);
  const auto program = environment.compile("authorizer.group('apps').resource('deployments').namespace('n').check('create').allowed() || true");
  ASSERT_TRUE(program.has_value()) << program.error().message;
  Decisions decisions;
  Arena arena;
  const std::array<Value, 1> variables{authorizer_value(decisions, arena)};
  const Outcome first = program->evaluate(variables, arena);
  ASSERT_TRUE(first.value.is_error());
  EXPECT_EQ(first.value.as_error().failure, Failure::Pending);
  decisions.known = true;
  EXPECT_TRUE(program->evaluate(variables, arena).value.is_true());
  EXPECT_EQ(decisions.asked, (std::vector<std::string>{"create deployments n", "create deployments n"}));
}

}  // namespace
}  // namespace pintle::apimachinery::cel

// CEL expressions, as definitions and policies carry them: parsed, checked, estimated, evaluated over documents.
#include <array>

#include "apimachinery/cel/check.h"
#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/parser.h"
#include "apimachinery/cel/program.h"
#include "base/check.h"
#include "codec/json.h"
#include "codec/value.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

using namespace apimachinery::cel;

struct Fixture {
  Fixture() : environment(options()) {
    TypePool& pool = environment.types();
    fields.add("name", &types::string);
    fields.add("count", &types::integer);
    fields.add("tags", pool.list(&types::string));
    environment.add_variable("object", &types::dyn);
    environment.add_variable("self", pool.structure("Self", &fields));
    environment.add_variable("labels", pool.map(&types::string, &types::string));
    object = *codec::parse_json(R"({"a":1,"b":[1,2.5,"x",null,{"c":[]}],"s":"text","t":true})");
    self = *codec::parse_json(R"({"name":"n","count":3,"tags":["a","b"]})");
    labels = *codec::parse_json(R"({"app":"web","tier":"x"})");
  }
  static EnvironmentOptions options() {
    EnvironmentOptions options;
    options.libraries = kubernetes_libraries | Library::Bindings | Library::Math | Library::Encoders | Library::JsonPatch;
    return options;
  }
  FieldList fields;
  Environment environment;
  codec::Value object, self, labels;
};

constexpr uint64_t cost_max = 100'000;
constexpr std::size_t memory_max = 8 << 20;

void evaluate(const Fixture& fixture, const Program& program) {
  const CostEstimate estimate = program.estimate_cost();
  CHECK(estimate.min <= estimate.max || estimate.max == 0, "an estimate is a range");
  Arena arena(memory_max);
  TypePool pool;
  const std::array<Value, 3> variables{document_value(fixture.object, &types::dyn, arena),
                                       document_value(fixture.self, pool.structure("Self", &fixture.fields), arena),
                                       document_value(fixture.labels, &types::dyn, arena)};
  EvaluationOptions options;
  options.cost_max = cost_max;
  const Outcome outcome = program.evaluate(variables, arena, options);
  if (outcome.value.is_error()) return;
  CHECK(outcome.cost <= cost_max, "what costs more is an error");
  (void)display(outcome.value, arena);
  codec::Value document;
  (void)to_document(outcome.value, document, arena);
}

}  // namespace

void one(std::string_view input) {
  static const Fixture fixture;
  Tree tree;
  std::vector<Issue> issues;
  const bool parses = parse(input, {}, tree, issues);
  const auto program = fixture.environment.compile(input);
  if (program) evaluate(fixture, *program);
  if (const auto unchecked = fixture.environment.compile_unchecked(input)) evaluate(fixture, *unchecked);
  constexpr std::array<std::string_view, 2> variables{"self", "object"};
  CHECK(parses || !check(input, Scope{variables, ResultType::Any}), "what does not parse is no expression");
  (void)is_identifier(input);
}

std::vector<std::string> seeds() {
  return {"self.count == 1 && (self.name in ['a', 'b'] || !has(object.c))",
          "object.b.filter(x, type(x) == int).map(x, x * 2).size() > 0",
          "{'a': 1, 'b': [true, null]}.a ? b\"\\x41\" : r'\\d'",
          "labels.all(k, labels[k].matches('^[a-z]+$')) ? labels.app : optional.none().orValue('z')",
          "object.?b[?1].optMap(x, [x, x]).orValue([])",
          "self.tags.transformMap(i, v, v + string(i)).transformList(k, v, v)",
          "quantity('1Gi').compareTo(quantity('2k')) + semver('1.2.3').major() + cidr('10.0.0.0/8').prefixLength()",
          "'%s %d %.2f'.format([object.b, self.count, 2.5])",
          "cel.bind(x, self.tags + ['c'], x.sortBy(y, y.size()).distinct().reverse())",
          "timestamp('2024-02-29T12:00:00Z') + duration('1h') > timestamp('2020-01-01T00:00:00Z')",
          "url('https://a.b/c?d=e').getQuery()['d'][0].find('[a-e]') == 'e'",
          "self.x.exists_one(i, v, i % 2 == 0) // note"};
}
std::vector<std::string> tokens() {
  return {"(",          ")",           "[",
          "]",          "{",           "}",
          "!",          "-",           "!(",
          "-(",         "?:",          " ? 1 : ",
          "object.",    ".all(x, ",    ".map(x, ",
          ".b",         "[0]",         "+1",
          " && ",       " || ",        " in ",
          "'",          "\"\"\"",      "\\u00e9",
          "\\",         "0x",          "1e9",
          "u",          "self",        "has(",
          "{1:",        "// ",         ".?",
          "[?",         ".optMap(y, ", "lists.range(9999999)",
          ".flatten()", ".join('')",   ".replace('', 'xxxx')",
          "string(",    "dyn(",        "type(",
          " == ",       "labels"};
}

}  // namespace pintle::fuzz

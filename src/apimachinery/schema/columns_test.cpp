// JSON paths and what definitions use them for: columns, scale, selectable fields.
#include "apimachinery/schema/columns.h"

#include <gtest/gtest.h>

#include "apimachinery/schema/json_path.h"
#include "apimachinery/schema/print.h"
#include "apimachinery/schema/scale.h"
#include "apimachinery/schema/schema_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using testing::value_of;

constexpr const char* document = R"({"a":{"b":[{"c":1},{"c":2},{"c":3}],"d.e":"dotted","n":null,"t":true,"f":1.5},)"
                                 R"("conditions":[{"type":"Ready","status":"True","n":2},{"type":"Other","status":"False","n":3}],"s":"text"})";

// What the path finds, one after another; the error after "!".
std::string found(std::string_view path) {
  const Value value = value_of(document);
  const auto compiled = JsonPath::compile(path);
  if (!compiled) return "!" + compiled.error().message;
  const auto places = compiled->find(value);
  if (!places) return "!" + places.error().message;
  std::string out;
  for (const Value* place : *places) out += (out.empty() ? "" : " ") + print_value(*place);
  return out;
}

TEST(JsonPaths, FindWhatUpstreamFinds) {
  const std::pair<const char*, const char*> cases[] = {
      {".s", "text"},
      {"s", "!unrecognized identifier s"},
      {"$.s", "text"},
      {".a.b[0].c", "1"},
      {".a.b[-1].c", "3"},
      {".a.b[*].c", "1 2 3"},
      {".a.b[0:2].c", "1 2"},
      {".a.b[1:].c", "2 3"},
      {".a.b[:].c", "1 2 3"},
      {".a.b[::2].c", "1 3"},
      {".a.b[0,2].c", "1 3"},
      {".a.b.c", ""},
      {".a['t']", "true"},
      {R"(.a['d\.e'])", "dotted"},
      {R"(.a.d\.e)", "dotted"},
      {".a['t','f']", "true 1.5"},
      {".a.n", "<no value>"},
      {".a.n.x", ""},
      {".missing.x", ""},
      {".a.b[3]", "!array index out of bounds: index 3, length 3"},
      {".s[0]", "!is an index into what is no array"},
      {R"(.conditions[?(@.type=="Ready")].status)", "True"},
      {R"(.conditions[?(@.type=='Ready')].status)", "True"},
      {R"(.conditions[?(@.type!="Ready")].type)", "Other"},
      {".conditions[?(@.n>2)].type", "Other"},
      {".conditions[?(@.n>=2)].type", "Ready Other"},
      {".conditions[?(@.n)].type", "Ready Other"},
      {".conditions[?(@.x)].type", ""},
      {R"(.conditions[?(@.n=="x")].type)", "!incompatible types for comparison"},
      {".a[?(@.x)]", "!filters what is no array"},
      {"..c", "1 2 3"},
      {".a..c", "1 2 3"},
      {".a.*.x", ""},
      {".a.b[0", "!unterminated array"},
      {".a.b[x]", "!invalid array index x"},
      {".a.b[1:2:3:4]", "!invalid array index 1:2:3:4"},
      {R"(.a["b"])", R"(!invalid array index "b")"},
      {".conditions[?(@.n", "!unterminated filter"},
      {".conditions[?(@.n=~3)]", "!unrecognized filter operator ="},
      {"....", "!has two recursive descents in a row"},
      {"%", "!has an unexpected character at \"%\""},
  };
  for (const auto& [path, wanted] : cases) EXPECT_EQ(found(path), wanted) << path;
}

TEST(JsonPaths, AreBounded) {
  std::string nested = "@.x";
  for (int i = 0; i < 100; ++i) nested = ".a[?(" + nested + ")]";
  EXPECT_FALSE(JsonPath::compile(nested).has_value());
  std::string steps;
  for (std::size_t i = 0; i <= json_path_steps_max; ++i) steps += ".a";
  EXPECT_FALSE(JsonPath::compile(steps).has_value());
  Value deep = Value::Array{1};
  for (int i = 0; i < 200; ++i) deep = Value::Array{std::move(deep)};
  const auto greedy = JsonPath::compile("..[*]..[*]..[*]..[*]");
  ASSERT_TRUE(greedy.has_value());
  EXPECT_FALSE(greedy->find(deep).has_value());
}

TEST(Columns, MakeCells) {
  std::vector<api::apiextensions_v1::CustomResourceColumnDefinition> columns;
  const auto add = [&](const char* name, const char* type, const char* path) {
    auto& column = columns.emplace_back();
    column.name = name;
    column.type = type;
    column.json_path = path;
  };
  add("Size", "integer", ".spec.size");
  add("Ratio", "number", ".spec.ratio");
  add("Text", "string", ".spec.text");
  add("List", "string", ".spec.list");
  add("On", "boolean", ".spec.on");
  add("Born", "date", ".metadata.creationTimestamp");
  add("Ready", "string", R"(.status.conditions[?(@.type=="Ready")].status)");
  add("Missing", "string", ".spec.missing");
  add("Wrong", "integer", ".spec.text");
  columns[0].description = "How large.";
  columns[1].priority = 1;
  const Columns compiled(columns);
  ASSERT_EQ(compiled.definitions().size(), 10u);
  EXPECT_EQ(compiled.definitions()[0].format, "name");
  EXPECT_EQ(compiled.definitions()[1].description, "How large.");
  EXPECT_EQ(compiled.definitions()[2].description, "Custom resource definition column (in JSONPath format): .spec.ratio");
  EXPECT_EQ(compiled.definitions()[2].priority, 1);
  const Value object = value_of(
      R"({"metadata":{"name":"n","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"size":3.7,"ratio":2,"text":"t","list":[1,"a"],"on":true},)"
      R"("status":{"conditions":[{"type":"X","status":"a"},{"type":"Ready","status":"True"}]}})");
  const auto cells = compiled.cells(object, api::parse_time("2026-01-01T00:05:00Z").value());
  EXPECT_EQ(codec::to_json(Value(cells)), R"(["n",3,2,"t","[1,\"a\"]",true,"5m","True",null,null])");
}

TEST(Columns, ShowTheAgeWhereThereAreNone) {
  const Columns columns({});
  ASSERT_EQ(columns.definitions().size(), 2u);
  EXPECT_EQ(columns.definitions()[1].name, "Age");
  const api::Time now = api::parse_time("2026-01-01T00:05:00Z").value();
  const auto age = [&](const char* born) { return cell_of("date", Value(born), now).as_string(); };
  EXPECT_EQ(age("2025-12-31T00:05:00Z"), "24h");
  EXPECT_EQ(age("nonsense"), "<invalid>");
  EXPECT_EQ(age(""), "<unknown>");
  EXPECT_EQ(age("0001-01-02T00:00:00Z"), "292y");
  EXPECT_EQ(codec::to_json(Value(columns.cells(value_of("{}"), now))), R"(["",null])");
}

std::vector<std::string> texts_of(const FieldErrors& errors) {
  std::vector<std::string> texts;
  for (const StatusCause& cause : errors.causes()) texts.push_back(cause.field + ": " + cause.message);
  return texts;
}

TEST(Scale, ReadsAndValidatesReplicas) {
  api::apiextensions_v1::CustomResourceSubresourceScale scale;
  scale.spec_replicas_path = ".spec.replicas";
  scale.status_replicas_path = ".status.replicas";
  scale.label_selector_path = ".status.selector";
  const ScalePaths paths(scale);
  EXPECT_EQ(paths.read_spec_replicas(value_of(R"({"spec":{"replicas":3}})")).value(), 3);
  EXPECT_EQ(paths.read_spec_replicas(value_of("{}")).value(), std::nullopt);
  EXPECT_EQ(paths.read_selector(value_of(R"({"status":{"selector":"a=b"}})")).value(), "a=b");
  const auto errors_of = [&](const char* text) {
    FieldErrors errors;
    paths.validate_spec(value_of(text), errors);
    paths.validate_status(value_of(text), errors);
    return texts_of(errors);
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(errors_of(R"({"spec":{"replicas":1}})"), Texts{});
  EXPECT_EQ(errors_of(R"({"spec":{"replicas":-1}})"), Texts{".spec.replicas: Invalid value: -1: should be a non-negative integer"});
  EXPECT_EQ(errors_of(R"({"status":{"replicas":2147483648}})"),
            Texts{".status.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647"});
  EXPECT_EQ(errors_of(R"({"spec":{"replicas":"x"}})"),
            Texts{".spec.replicas: Invalid value: 0: .spec.replicas accessor error: x is of the type string, expected int64"});
  EXPECT_EQ(errors_of(R"({"spec":1,"status":{"selector":1}})"),
            (Texts{".spec.replicas: Invalid value: 0: .spec accessor error: 1 is of the type int64, expected map[string]interface {}",
                   ".status.selector: Invalid value: \"\": .status.selector accessor error: 1 is of the type int64, expected string"}));
}

TEST(Scale, SetsReplicas) {
  const SimplePath path(".spec.deep.replicas");
  Value object = Value::Object{};
  ASSERT_TRUE(path.set(object, 5).has_value());
  EXPECT_EQ(codec::to_json(object), R"({"spec":{"deep":{"replicas":5}}})");
  object = value_of(R"({"spec":[1]})");
  EXPECT_FALSE(path.set(object, 5).has_value());
}

TEST(SelectableFieldValues, AreTexts) {
  std::vector<api::apiextensions_v1::SelectableField> fields;
  for (const char* path : {".spec.color", ".spec.on", ".spec.n", ".spec.missing", ".spec.null"}) fields.emplace_back().json_path = path;
  const SelectableFields selectable(fields);
  EXPECT_EQ(selectable.names()[0], "spec.color");
  EXPECT_EQ(selectable.values(value_of(R"({"spec":{"color":"red","on":true,"n":7,"null":null}})")).value(),
            (std::vector<std::string>{"red", "true", "7", "", ""}));
}

TEST(PrintDouble, AsGoDoes) {
  const std::pair<double, const char*> cases[] = {{1e5, "100000"},
                                                  {123456, "123456"},
                                                  {1e6, "1e+06"},
                                                  {1234567, "1.234567e+06"},
                                                  {1e21, "1e+21"},
                                                  {0.0001, "0.0001"},
                                                  {0.00001, "1e-05"},
                                                  {1.5, "1.5"},
                                                  {-2, "-2"},
                                                  {0.1, "0.1"},
                                                  {0, "0"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(print_double(value), text);
}

}  // namespace
}  // namespace pintle::apimachinery::schema

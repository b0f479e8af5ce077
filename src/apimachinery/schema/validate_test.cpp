#include <gtest/gtest.h>

#include "apimachinery/schema/schema_testing.h"
#include "apimachinery/schema/validate.h"
#include "codec/cpu_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using testing::schema_of;
using testing::value_of;
using Texts = std::vector<std::string>;

Texts texts_of(const FieldErrors& errors) {
  Texts texts;
  for (const StatusCause& cause : errors.causes()) texts.push_back(cause.field + ": " + cause.message);
  return texts;
}

void check(std::string_view schema_text, std::string_view value, const Texts& wanted) {
  const auto schema = schema_of(schema_text);
  FieldErrors errors;
  validate_object(schema->root(), value_of(value), errors);
  EXPECT_EQ(texts_of(errors), wanted) << schema_text << "\n" << value;
}
// Of a field spec.x alone.
void check_x(std::string_view schema, std::string_view value, const Texts& wanted) {
  check(R"({"type":"object","properties":{"spec":{"type":"object","properties":{"x":)" + std::string(schema) + "}}}}",
        R"({"spec":{"x":)" + std::string(value) + "}}", wanted);
}

TEST(Validate, Types) {
  const struct {
    const char *schema, *value, *found, *wanted;
  } cases[] = {
      {R"({"type":"integer"})", R"("a")", "string", "integer"},
      {R"({"type":"integer"})", "true", "boolean", "integer"},
      {R"({"type":"string"})", "1", "integer", "string"},
      {R"({"type":"string"})", "1.5", "number", "string"},
      {R"({"type":"string"})", "{}", "object", "string"},
      {R"({"type":"string"})", "null", "null", "string"},
      {R"({"type":"boolean"})", "[]", "array", "boolean"},
      {R"({"type":"object"})", "[]", "array", "object"},
      {R"({"type":"array","items":{"type":"string"}})", "{}", "object", "array"},
      {R"({"type":"number"})", R"("1")", "string", "number"},
      {R"({"x-kubernetes-int-or-string":true})", "true", "boolean", "integer,string"},
      {R"({"x-kubernetes-int-or-string":true})", "null", "null", "integer,string"},
  };
  for (const auto& c : cases)
    check_x(c.schema, c.value,
            {"spec.x: Invalid value: \"" + std::string(c.found) + "\": spec.x in body must be of type " + c.wanted + ": \"" + c.found + "\""});
  for (const auto& [schema, value] : std::vector<std::pair<const char*, const char*>>{{R"({"type":"integer"})", "1"},
                                                                                      {R"({"type":"integer"})", "1.0"},
                                                                                      {R"({"type":"number"})", "1"},
                                                                                      {R"({"type":"number"})", "1.5"},
                                                                                      {R"({"type":"string","nullable":true})", "null"},
                                                                                      {R"({"x-kubernetes-int-or-string":true})", "1"},
                                                                                      {R"({"x-kubernetes-int-or-string":true})", R"("25%")"},
                                                                                      {R"({"x-kubernetes-preserve-unknown-fields":true})", "[null]"}})
    check_x(schema, value, {});
}

TEST(Validate, Numbers) {
  const auto bad = [](std::string_view schema, std::string_view value, std::string_view what) {
    check_x(schema, value, {"spec.x: Invalid value: " + std::string(value) + ": spec.x in body should be " + std::string(what)});
  };
  bad(R"({"type":"integer","minimum":1})", "0", "greater than or equal to 1");
  bad(R"({"type":"integer","minimum":1,"exclusiveMinimum":true})", "1", "greater than 1");
  bad(R"({"type":"integer","maximum":10})", "11", "less than or equal to 10");
  bad(R"({"type":"integer","maximum":1000000})", "1000001", "less than or equal to 1000000");
  bad(R"({"type":"integer","maximum":10,"exclusiveMaximum":true})", "10", "less than 10");
  bad(R"({"type":"number","maximum":1.5})", "2.5", "less than or equal to 1.5");
  bad(R"({"type":"number","maximum":1000000})", "1.5e+06", "less than or equal to 1e+06");
  bad(R"({"type":"integer","multipleOf":3})", "10", "a multiple of 3");
  bad(R"({"type":"number","multipleOf":0.5})", "0.7", "a multiple of 0.5");
  check_x(R"({"type":"integer","maximum":1.5})", "2147483648",
          {"<nil>: Invalid value: \"\": Maximum boundary value must be of type integer (default format) in spec.x",
           "spec.x: Invalid value: 2.147483648e+09: spec.x in body should be less than or equal to 1.5"});
  check_x(R"({"type":"number","multipleOf":0.1})", "0.3", {});
  check_x(R"({"type":"integer","multipleOf":3})", "9", {});
  check_x(R"({"type":"integer","multipleOf":-3})", "9", {"spec.x: Invalid value: -3: factor MultipleOf declared for spec.x must be positive: -3"});
  check_x(R"({"type":"integer","format":"int32"})", "2147483648",
          {"<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec.x"});
  check_x(R"({"type":"integer","format":"int32"})", "2147483647", {});
  check_x(R"({"type":"integer"})", "1.5",
          {"spec.x: Invalid value: \"number\": spec.x in body must be of type integer: \"number\"",
           "<nil>: Invalid value: \"\": Checked value must be of type integer (default format) in spec.x"});
  check_x(R"({"type":"number","format":"float"})", "1e300",
          {"<nil>: Invalid value: \"\": Checked value must be of type number with format float in spec.x"});
  check_x(R"({"type":"integer","format":"int64"})", R"("1")",
          {"spec.x: Invalid value: \"string\": spec.x in body must be of type integer: \"string\""});
  check_x(R"({"type":"integer","format":"int64"})", "true", {"spec.x: Invalid value: \"\": spec.x in body must be of type int64: \"\""});
}

TEST(Validate, Strings) {
  check_x(R"({"type":"string","maxLength":3})", R"("abcd")", {"spec.x: Too long: may not be more than 3 bytes"});
  check_x(R"({"type":"string","maxLength":3})", R"("äöü")", {});
  check_x(R"({"type":"string","minLength":3})", R"("ab")", {"spec.x: Invalid value: \"ab\": spec.x in body should be at least 3 chars long"});
  check_x(R"({"type":"string","pattern":"^[a-z]+$"})", R"("A")", {"spec.x: Invalid value: \"A\": spec.x in body should match '^[a-z]+$'"});
  check_x(R"({"type":"string","pattern":"b"})", R"("abc")", {});
  // The first of these that fails is told of.
  check_x(R"({"type":"string","maxLength":1,"pattern":"^x$"})", R"("ab")", {"spec.x: Too long: may not be more than 1 byte"});
  check_x(R"({"type":"string","enum":["b","a"]})", R"("c")", {"spec.x: Unsupported value: \"c\": supported values: \"b\", \"a\""});
  check_x(R"({"type":"integer","enum":[1,2]})", "3", {"spec.x: Unsupported value: 3: supported values: \"1\", \"2\""});
  check_x(R"({"type":"number","enum":[1,2.5]})", "1.0", {});
  check_x(R"({"type":"string","nullable":true,"enum":["a"]})", "null", {"spec.x: Unsupported value: null: supported values: \"a\""});
  check_x(R"({"type":"string","format":"date"})", R"("2026-02-30")",
          {"spec.x: Invalid value: \"2026-02-30\": spec.x in body must be of type date: \"2026-02-30\""});
  check_x(R"({"type":"string","format":"date-time"})", R"("2026-02-03T04:05:06Z")", {});
  check_x(R"({"type":"string","format":"whatever"})", R"("x")", {});
  check_x(R"({"type":"string","format":"int32"})", R"("x")", {});
}

TEST(Validate, Containers) {
  check_x(R"({"type":"array","items":{"type":"string"},"minItems":2})", R"(["a"])",
          {"spec.x: Invalid value: 1: spec.x in body should have at least 2 items"});
  check_x(R"({"type":"array","items":{"type":"string"},"maxItems":1})", R"(["a","b"])", {"spec.x: Too many: 2: must have at most 1 item"});
  check_x(R"({"type":"array","items":{"type":"string"},"uniqueItems":true})", R"(["a","a"])",
          {"spec.x: Invalid value: \"\": spec.x in body shouldn't contain duplicates"});
  check_x(R"({"type":"array","items":{"type":"integer"}})", R"([1,"a"])",
          {"spec.x[1]: Invalid value: \"string\": spec.x[1] in body must be of type integer: \"string\""});
  check_x(R"({"type":"object","minProperties":1})", "{}", {"spec.x: Invalid value: 0: spec.x in body should have at least 1 properties"});
  check_x(R"({"type":"object","maxProperties":1,"additionalProperties":true})", R"({"a":1,"b":2})",
          {"spec.x: Too many: 2: must have at most 1 item"});
  check_x(R"({"type":"object","required":["a","b"],"properties":{"a":{"type":"string"},"b":{"type":"string"}}})", R"({"a":"x"})",
          {"spec.x.b: Required value"});
  check_x(R"({"type":"object","additionalProperties":{"type":"integer"}})", R"({"a":"x"})",
          {"spec.x.a: Invalid value: \"string\": spec.x.a in body must be of type integer: \"string\""});
  check_x(R"({"type":"object","additionalProperties":false})", R"({"a":"x"})",
          {"spec.x: Invalid value: \"a\": spec.x.a in body is a forbidden property"});
  check(R"({"type":"object","required":["spec"],"properties":{"spec":{"type":"object"}}})", "{}", {"spec: Required value"});
  check(R"({"type":"object"})", "[]", {"<nil>: Invalid value: \"array\":  in body must be of type object: \"array\""});
}

TEST(Validate, Alternatives) {
  constexpr const char* two =
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"%s":[{"required":["a"]},{"required":["b"]}]})";
  const auto with = [&](const char* junctor) {
    std::string schema = two;
    return schema.replace(schema.find("%s"), 2, junctor);
  };
  check_x(with("anyOf"), "{}", {"<nil>: Invalid value: \"\": \"spec.x\" must validate at least one schema (anyOf)", "spec.x.a: Required value"});
  check_x(with("anyOf"), R"({"a":1,"b":1})", {});
  check_x(with("oneOf"), "{}",
          {"<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). Found none valid", "spec.x.a: Required value"});
  check_x(with("oneOf"), R"({"a":1,"b":1})",
          {"<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). Found 2 valid alternatives"});
  check_x(with("oneOf"), R"({"b":1})", {});
  check_x(with("allOf"), R"({"b":1})", {"spec.x.a: Required value", "<nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf)"});
  check_x(with("allOf"), "{}",
          {"spec.x.a: Required value", "spec.x.b: Required value",
           "<nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf). None validated"});
  check_x(R"({"type":"string","not":{"pattern":"^bad"}})", R"("bad")", {"<nil>: Invalid value: \"\": \"spec.x\" must not validate the schema (not)"});
  check_x(R"({"type":"string","not":{"pattern":"^bad"}})", R"("good")", {});
  // The errors shown are those of the alternative that most of the value fits.
  check_x(
      R"({"type":"object","properties":{"k":{"type":"string"},"n":{"type":"integer"}},)"
      R"("oneOf":[{"properties":{"k":{"enum":["a"]},"n":{"maximum":1}}},{"properties":{"k":{"enum":["b"]},"n":{"minimum":5}},"required":["n"]}]})",
      R"({"k":"b","n":3})",
      {"<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). Found none valid",
       "spec.x.k: Unsupported value: \"b\": supported values: \"a\"",
       "spec.x.n: Invalid value: 3: spec.x.n in body should be less than or equal to 1"});
  check_x(R"({"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}],"pattern":"^x"})", R"("y")",
          {"spec.x: Invalid value: \"y\": spec.x in body should match '^x'"});
}

TEST(Validate, ErrorsAreToldOfOnce) {
  check_x(R"({"type":"object","required":["a"],"properties":{"a":{"type":"string"}},"allOf":[{"required":["a"]}]})", "{}",
          {"spec.x.a: Required value", "<nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf). None validated"});
}

TEST(Validate, Lists) {
  constexpr const char* set = R"({"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}})";
  check_x(set, R"(["a","b","a","a","b"])", {"spec.x[2]: Duplicate value: \"a\"", "spec.x[4]: Duplicate value: \"b\""});
  check_x(set, R"(["a","b"])", {});
  constexpr const char* one_key =
      R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"integer"}}}})";
  check_x(one_key, R"([{"k":"a","v":1},{"k":"a","v":2},{"v":1},{}])",
          {"spec.x[1]: Duplicate value: {\"k\":\"a\"}", "spec.x[3]: Duplicate value: {}"});
  constexpr const char* two_keys =
      R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","l"],"items":{"type":"object","properties":{"k":{"type":"string"},"l":{"type":"integer"}}}})";
  check_x(two_keys, R"([{"k":"a","l":1},{"k":"a","l":2},{"l":2,"k":"a"}])", {"spec.x[2]: Duplicate value: {\"k\":\"a\",\"l\":2}"});
  check_x(R"({"type":"object","additionalProperties":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"integer"}}})", R"({"m":[1,1]})",
          {"spec.x[m][1]: Duplicate value: 1"});
}

TEST(Validate, EmbeddedResources) {
  constexpr const char* schema = R"({"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true})";
  check_x(schema, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}})", {});
  check_x(schema, R"({"apiVersion":"v1","kind":"Pod"})", {});
  check_x(schema, "{}", {"spec.x.apiVersion: Required value", "spec.x.kind: Required value"});
  check_x(schema, R"({"apiVersion":"","kind":""})",
          {"spec.x.apiVersion: Invalid value: \"\": must not be empty", "spec.x.kind: Invalid value: \"\": must not be empty"});
  check_x(schema, R"({"apiVersion":"a/b/c","kind":"Pod"})", {"spec.x.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c"});
  const auto root = schema_of(R"({"type":"object","properties":{"x":)" + std::string(schema) + "}}");
  FieldErrors errors;
  validate_object(root->root(), value_of(R"({"x":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a/b","labels":{"-":"x"}}}})"), errors);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors.causes()[0].field, "x.metadata.name");
  EXPECT_EQ(errors.causes()[1].field, "x.metadata.labels");
}

TEST(Validate, ExpressionsAreBlockedBySomeErrors) {
  FieldErrors errors;
  validate_object(schema_of(R"({"type":"object","properties":{"x":{"type":"integer","maximum":1}}})")->root(), value_of(R"({"x":2})"), errors);
  EXPECT_FALSE(blocks_expressions(errors));
  validate_object(schema_of(R"({"type":"object","required":["x"]})")->root(), value_of("{}"), errors);
  EXPECT_TRUE(blocks_expressions(errors));
  report_skipped_expressions(errors);
  EXPECT_EQ(errors.causes().back().field, "<nil>");
}

struct UpdateCase {
  const char *schema, *old, *now;
  Texts wanted;
};
void check_update(const UpdateCase& c) {
  const auto schema = schema_of(c.schema);
  FieldErrors errors;
  validate_object_update(schema->root(), value_of(c.now), value_of(c.old), errors);
  EXPECT_EQ(texts_of(errors), c.wanted) << c.schema << "\n" << c.old << "\n" << c.now;
}

TEST(Ratcheting, LetsStandWhatHasNotChanged) {
  constexpr const char* schema =
      R"({"type":"object","properties":{"kind":{"type":"string","maxLength":1},"s":{"type":"object","required":["r"],"properties":{"r":{"type":"string"},)"
      R"("a":{"type":"integer","maximum":1},"b":{"type":"integer","maximum":1},"l":{"type":"array","items":{"type":"integer","maximum":1}},)"
      R"("m":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":)"
      R"({"k":{"type":"string"},"v":{"type":"integer","maximum":1}}}},"f":{"type":"object","additionalProperties":{"type":"integer","maximum":1}}}}}})";
  const std::string too_much = ": Invalid value: 2: ";
  const UpdateCase cases[] = {
      {schema, R"({"s":{"a":2}})", R"({"s":{"a":2}})", {}},
      // One of its members changed: what it lacks is told of, what did not change is not.
      {schema,
       R"({"s":{"a":2}})",
       R"({"s":{"a":2,"b":2}})",
       {"s.b" + too_much + "s.b in body should be less than or equal to 1", "s.r: Required value"}},
      {schema, R"({"s":{"r":"","l":[2]}})", R"({"s":{"r":"x","l":[2]}})", {}},
      // Items of an atomic list have no predecessors.
      {schema,
       R"({"s":{"r":"","l":[2]}})",
       R"({"s":{"r":"","l":[2,0]}})",
       {"s.l[0]" + too_much + "s.l[0] in body should be less than or equal to 1"}},
      {schema, R"({"s":{"r":"","m":[{"k":"a","v":2},{"k":"b","v":1}]}})", R"({"s":{"r":"","m":[{"k":"c"},{"k":"a","v":2}]}})", {}},
      {schema,
       R"({"s":{"r":"","m":[{"k":"a","v":2}]}})",
       R"({"s":{"r":"","m":[{"k":"b","v":2}]}})",
       {"s.m[0].v" + too_much + "s.m[0].v in body should be less than or equal to 1"}},
      {schema, R"({"s":{"r":"","f":{"x":2}}})", R"({"s":{"r":"","f":{"x":2,"y":1}}})", {}},
      {schema, R"({"kind":"AA"})", R"({"kind":"AA","s":{"r":"x"}})", {"kind: Too long: may not be more than 1 byte"}},
      // Inside of alternatives there are no predecessors.
      {R"({"type":"object","properties":{"s":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"allOf":[{"properties":{"a":{"maximum":1}}}]}}})",
       R"({"s":{"a":2}})",
       R"({"s":{"a":2,"b":"x"}})",
       {"s.a" + too_much + "s.a in body should be less than or equal to 1",
        "<nil>: Invalid value: \"\": \"s\" must validate all the schemas (allOf). None validated"}},
  };
  for (const UpdateCase& c : cases) check_update(c);
}

TEST(Ratcheting, OfLists) {
  constexpr const char* schema = R"({"type":"object","properties":{"x":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}})";
  check_update({schema, R"({"x":["a","a"]})", R"({"x":["b","b"]})", {}});
  check_update({schema, R"({"x":["a"]})", R"({"x":["b","b"]})", {"x[1]: Duplicate value: \"b\""}});
}

TEST(Ratcheting, ComparesAsTheSchemaCorrelates) {
  const auto schema = schema_of(
      R"({"type":"object","properties":{"m":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"}}}},"o":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}})");
  const auto equal = [&](const char* a, const char* b) { return equal_for_ratcheting(schema->root(), value_of(a), value_of(b)); };
  EXPECT_TRUE(equal(R"({"m":[{"k":"a"},{"k":"b"}]})", R"({"m":[{"k":"b"},{"k":"a"}]})"));
  EXPECT_FALSE(equal(R"({"m":[{"k":"a"}]})", R"({"m":[{"k":"b"}]})"));
  EXPECT_TRUE(equal(R"({"o":{}})", R"({"o":{}})"));
  EXPECT_FALSE(equal(R"({"o":{"u":1}})", R"({"o":{"u":1}})"));
}

TEST(Validate, StatusAlone) {
  const auto schema = schema_of(
      R"({"type":"object","properties":{"spec":{"type":"object","required":["a"]},"status":{"type":"object","properties":{"n":{"type":"integer","maximum":1}},"required":["r"]}}})");
  FieldErrors errors;
  validate_status_update(schema->root(), value_of(R"({"spec":{},"status":{"n":2}})"), value_of(R"({"spec":{}})"), errors);
  EXPECT_EQ(texts_of(errors), (Texts{"status.n: Invalid value: 2: n in body should be less than or equal to 1", "status.r: Required value"}));
}

TEST(Validate, TakesABoundedNumberOfSteps) {
  std::string schema = R"({"type":"array","items":{"type":"integer","anyOf":[)";
  for (int i = 0; i < 10'000; ++i) schema += R"({"minimum":5},)";
  schema += R"({"minimum":0}]}})";
  const auto compiled = schema_of(schema);
  const Value value = Value::Array(100'000, Value(1));
  FieldErrors errors;
  EXPECT_LT(codec::cpu_seconds([&] { validate_value(compiled->root(), value, FieldPath("x"), errors); }), codec::hostile_seconds_max);
  EXPECT_EQ(errors.causes().back().message, "Invalid value: \"\": validation takes more than 10000000 steps; the rest was not checked");
}

TEST(Validate, WordsABoundedNumberOfErrors) {
  const auto schema = schema_of(R"({"type":"array","items":{"type":"string","enum":[")" + std::string(200'000, 'a') + R"("]}})");
  const Value value = Value::Array(500'000, Value("b"));
  FieldErrors errors;
  EXPECT_LT(codec::cpu_seconds([&] { validate_value(schema->root(), value, FieldPath("x"), errors); }), codec::hostile_seconds_max);
  EXPECT_EQ(errors.size(), 500'000u);
  EXPECT_LE(errors.causes().size(), field_errors_max);
}

}  // namespace
}  // namespace pintle::apimachinery::schema

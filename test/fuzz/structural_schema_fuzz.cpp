// A schema and a document: {"schema":...,"document":...,"old":...}. What prunes, fills and validates holds for every pair.
#include "api/gen/apiextensions_v1.h"
#include "api/untrusted.h"
#include "apimachinery/apply/merge.h"
#include "apimachinery/schema/columns.h"
#include "apimachinery/schema/default.h"
#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/openapi.h"
#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/structural_rules.h"
#include "apimachinery/schema/structural_view.h"
#include "apimachinery/schema/validate.h"
#include "base/check.h"
#include "codec/json.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

using codec::Value;
using namespace apimachinery::schema;
using Props = api::apiextensions_v1::JSONSchemaProps;

void check_pruning(const Value& document, const Node& root) {
  for (const Position position : {Position::Inside, Position::Root}) {
    std::vector<std::string> pruned, none;
    Value once = document;
    prune(once, &root, position, &pruned);
    CHECK(pruned.size() <= pruned_paths_max, "a bounded number of paths");
    Value twice = once;
    prune(twice, &root, position, &none);
    CHECK(twice == once && none.empty(), "what is pruned has nothing to prune");
    drop_nulls(once, &root);
    twice = once;
    drop_nulls(twice, &root);
    CHECK(twice == once, "nulls go at once");
  }
}

void check_defaults(const Value& document, const Node& root) {
  Value once = document;
  if (!fill_defaults(once, &root)) return;
  Value twice = once;
  CHECK(fill_defaults(twice, &root).has_value() && twice == once, "what is filled has nothing to fill");
}

void check_validation(const Value& document, const Value& old, const Node& root) {
  apimachinery::FieldErrors created, updated, unchanged;
  validate_object(root, document, created);
  validate_object_update(root, document, old, updated);
  validate_value_update(root, document, &document, apimachinery::FieldPath(), unchanged);
  CHECK(!equal_for_ratcheting(root, document, document) || unchanged.empty(), "what has not changed is not found fault with");
  CHECK(!created.empty() || unchanged.empty(), "an update is not judged more strictly");
}

void check_published(const std::shared_ptr<const StructuralSchema>& schema) {
  for (const auto dialect : {apimachinery::openapi::Dialect::V2, apimachinery::openapi::Dialect::V3}) {
    std::string text;
    append_schema(schema->root(), dialect, text);
    const auto parsed = codec::parse_json(text);
    CHECK(parsed && codec::to_json(*parsed) == text, "what is published is JSON, sorted");
  }
}

}  // namespace

void one(std::string_view input) {
  const auto both = codec::parse_json(input);
  if (!both) return;
  if (const Value* path = both->find("path"); path && path->is_string())
    if (const auto compiled = JsonPath::compile(path->as_string())) (void)compiled->find(*both);
  const Value *text = both->find("schema"), *document = both->find("document");
  if (text == nullptr || document == nullptr) return;
  Props props;
  if (!api::decode_untrusted_json(codec::to_json(*text), api::type_of<Props>(), &props)) return;
  apimachinery::FieldErrors errors;
  validate_definition_schema(props, {.has_status = input.size() % 2 == 0}, apimachinery::FieldPath("spec"), errors);
  const auto schema = StructuralSchema::compile(props);
  if (!schema) return;
  const Node& root = (*schema)->root();
  const Value* old = both->find("old");
  check_pruning(*document, root);
  check_defaults(*document, root);
  check_validation(*document, old ? *old : *document, root);
  check_published(*schema);
  Value coerced = *document;
  CHECK(coerce_embedded(coerced, &root, {.position = Position::Root, .drop_invalid = true}).has_value(), "what is invalid is dropped");
  if (old) (void)apimachinery::merge_config(StructuralView(*schema), *old, *document);
}

std::vector<std::string> seeds() {
  return {
      R"({"schema":{"type":"object","required":["a"],"properties":{"a":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string","default":"d"},"v":{"type":"integer","maximum":5}}}},"b":{"type":"string","pattern":"^x","enum":["x","y"],"nullable":true}},"oneOf":[{"required":["a"]},{"required":["b"]}]},"document":{"a":[{"k":"x","v":9},{"k":"x"}],"b":null,"c":1},"old":{"a":[{"k":"x","v":9}]}})",
      R"({"schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"t":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true},"m":{"type":"object","additionalProperties":{"x-kubernetes-int-or-string":true,"format":"date"}},"s":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"number","multipleOf":0.5}}}},"document":{"t":{"apiVersion":"v1","kind":"P","metadata":{"name":"n","labels":{"a":1}}},"m":{"a":1,"b":"2026-01-01"},"s":[1,1.5,1]},"old":{}})",
      R"({"path":".a[?(@.b==\"x\")].c[0:2]..d['e']","schema":{"type":"object","not":{"minProperties":3},"anyOf":[{"maxProperties":1},{"allOf":[{"required":["x"]}]}],"default":{"a":1},"x-kubernetes-validations":[{"rule":"self.a == 1"}]},"document":{"a":[{"b":"x","c":[1,2]}]}})"};
}
std::vector<std::string> tokens() {
  return {"\"type\":\"object\",",
          "\"type\":\"array\",",
          "\"type\":\"integer\",",
          "\"properties\":{\"a\":",
          "\"items\":{",
          "\"additionalProperties\":{",
          "\"additionalProperties\":false,",
          "\"default\":{\"a\":1},",
          "\"default\":null,",
          "\"nullable\":true,",
          "\"x-kubernetes-preserve-unknown-fields\":true,",
          "\"x-kubernetes-embedded-resource\":true,",
          "\"x-kubernetes-int-or-string\":true,",
          "\"x-kubernetes-list-type\":\"set\",",
          "\"x-kubernetes-list-type\":\"map\",",
          "\"x-kubernetes-list-map-keys\":[\"a\"],",
          "\"anyOf\":[{",
          "\"oneOf\":[{},",
          "\"allOf\":[{",
          "\"not\":{",
          "\"required\":[\"a\"],",
          "\"enum\":[1,\"a\",null],",
          "\"pattern\":\"(a|b)*c{1,9}\",",
          "\"format\":\"email\",",
          "\"format\":\"uri\",",
          "\"format\":\"date-time\",",
          "\"maximum\":1e300,",
          "\"multipleOf\":0,",
          "\"maxLength\":1,",
          "\"a\":{},",
          "{},",
          "null,",
          "\"metadata\":{\"name\":1},",
          "\"apiVersion\":\"v1\","};
}

}  // namespace pintle::fuzz

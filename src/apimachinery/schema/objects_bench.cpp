// What a write of a custom resource of some 10 KB costs in each step: microseconds, least of several rounds.
#include <chrono>
#include <cstdio>
#include <string>

#include "api/codec.h"
#include "apimachinery/schema/default.h"
#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/schema/validate.h"
#include "base/check.h"
#include "codec/json.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

constexpr const char* schema_text =
    R"({"type":"object","properties":{"spec":{"type":"object","required":["replicas"],"properties":{"replicas":{"type":"integer","format":"int32","minimum":0},)"
    R"("containers":{"type":"array","maxItems":1000,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],)"
    R"("properties":{"name":{"type":"string","pattern":"^[a-z0-9-]+$","maxLength":63},"image":{"type":"string","minLength":1},"policy":{"type":"string","enum":["Always","Never","IfNotPresent"],"default":"Always"},)"
    R"("ports":{"type":"array","items":{"type":"object","properties":{"containerPort":{"type":"integer","minimum":1,"maximum":65535},"protocol":{"type":"string","default":"TCP"}}}},)"
    R"("env":{"type":"array","items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"value":{"type":"string"}}}},)"
    R"("limits":{"type":"object","additionalProperties":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}}}}}}}}})";

Value object_of_10_kb() {
  Value containers = Value::Array{};
  for (int i = 0; i < 36; ++i) {
    const std::string text =
        R"({"name":"container-)" + std::to_string(i) +
        R"(","image":"registry.example.com/team/image:v1.2.3","ports":[{"containerPort":8080},{"containerPort":8443,"protocol":"TCP"}],)"
        R"("env":[{"name":"LEVEL","value":"info"},{"name":"TARGET","value":"production"}],"limits":{"cpu":"500m","memory":"128Mi","pods":3}})";
    containers.as_array().push_back(*codec::parse_json(text));
  }
  Value object;
  object["apiVersion"] = "example.com/v1";
  object["kind"] = "App";
  object["metadata"]["name"] = "app";
  object["spec"]["replicas"] = 3;
  object["spec"]["containers"] = std::move(containers);
  return object;
}

// The least of several rounds, in microseconds each; `prepare` is not counted.
template <class Prepare, class Work>
double least_us(Prepare&& prepare, Work&& work) {
  double least = 1e9;
  for (int round = 0; round < 2000; ++round) {
    auto input = prepare();
    const auto before = std::chrono::steady_clock::now();
    work(input);
    least = std::min(least, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - before).count());
  }
  return least;
}

void run() {
  api::apiextensions_v1::JSONSchemaProps props;
  CHECK(api::decode_json(schema_text, api::type_of<api::apiextensions_v1::JSONSchemaProps>(), &props).has_value(), "the schema is one");
  const auto schema = StructuralSchema::compile(props);
  CHECK(schema.has_value(), "the schema compiles");
  const Node& root = (*schema)->root();
  const Value object = object_of_10_kb();
  Value full = object;
  CHECK(fill_defaults(full, &root).has_value(), "defaults fit");
  Value changed = full;
  changed["spec"]["replicas"] = 4;
  const auto copy = [&] { return object; };
  const auto nothing = [] { return 0; };
  std::printf("object: %zu bytes of JSON; schema: %zu nodes, %zu bytes\n", codec::to_json(full).size(), (*schema)->nodes(),
              (*schema)->memory_bytes());
  std::printf("compile          %8.2f us\n", least_us(nothing, [&](int) { (void)StructuralSchema::compile(props); }));
  std::printf("prune            %8.2f us\n", least_us(copy, [&](Value& value) { prune(value, &root, Position::Root); }));
  std::printf("drop nulls       %8.2f us\n", least_us(copy, [&](Value& value) { drop_nulls(value, &root); }));
  std::printf("defaults         %8.2f us\n", least_us(copy, [&](Value& value) { (void)fill_defaults(value, &root); }));
  std::printf("coerce           %8.2f us\n", least_us(copy, [&](Value& value) { (void)coerce_embedded(value, &root, {}); }));
  std::printf("validate         %8.2f us\n", least_us(nothing, [&](int) {
                FieldErrors errors;
                validate_object(root, full, errors);
                CHECK(errors.empty(), "the object is valid");
              }));
  std::printf("validate update  %8.2f us\n", least_us(nothing, [&](int) {
                FieldErrors errors;
                validate_object_update(root, changed, full, errors);
                CHECK(errors.empty(), "the update is valid");
              }));
}

}  // namespace
}  // namespace pintle::apimachinery::schema

namespace pintle::apimachinery::schema {

void run_bench() { run(); }

}  // namespace pintle::apimachinery::schema

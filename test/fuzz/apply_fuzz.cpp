// Apply configurations of a pod onto a live object: what apply writes as managed fields reads back; taking nothing out
// changes nothing.
#include "api/gen/core_v1.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/apply/merge.h"
#include "driver.h"
#include "patches.h"

namespace pintle::fuzz {
namespace {

using apimachinery::FieldSet;
using codec::Value;

void check_managed_fields(const Value& object) {
  const Value* metadata = object.find("metadata");
  const Value* entries = metadata ? metadata->find("managedFields") : nullptr;
  if (entries == nullptr || !entries->is_array()) return;
  for (const Value& entry : entries->as_array()) {
    const Value* fields = entry.find("fieldsV1");
    const auto set = FieldSet::parse_fields_v1(fields ? codec::to_json(*fields) : "");
    CHECK(set && !set->empty(), "a manager's fields read back and are not none");
  }
}

}  // namespace

void one(std::string_view input) {
  const auto both = split_patch(input);
  if (!both) return;
  const apimachinery::TypeSchema schema(api::type_of<api::core_v1::Pod>());
  apimachinery::FieldWriter writer;
  writer.manager = "kubectl";
  writer.api_version = "v1";
  writer.now.seconds = 1;
  for (const bool force : {false, true}) {
    writer.force = force;
    const auto applied = apimachinery::apply_config(schema, both->first, both->second, writer);
    if (!applied) continue;
    check_managed_fields(applied->object);
    CHECK(apimachinery::remove_fields(schema, applied->object, FieldSet()) == applied->object, "taking nothing out changes nothing");
  }
}

std::vector<std::string> seeds() {
  return {
      R"({"document":{"metadata":{"uid":"u","labels":{"a":"1"},"managedFields":[{"manager":"m","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}}]},"spec":{"containers":[{"name":"a","image":"x"}]}},"patch":{"metadata":{"labels":{"b":"2"},"finalizers":["x","y"]},"spec":{"containers":[{"name":"a","ports":[{"containerPort":1,"protocol":"UDP"}]}]}}})",
      R"({"document":{},"patch":{"spec":{"containers":[{"name":"a","image":"x"},{"name":"b"}],"volumes":[{"name":"v"}]}}})"};
}
std::vector<std::string> tokens() {
  return {"\"f:spec\":{",
          "\"k:{\\\"name\\\":\\\"a\\\"}\":{",
          "\"v:\\\"x\\\"\":{}",
          "\"i:0\":{}",
          "\".\":{}",
          "\"f:a\":{},",
          "\"operation\":\"Update\"",
          "{\"name\":\"a\"},",
          "{\"name\":\"b\"},",
          "\"x\",",
          "null",
          "[",
          "]",
          "{",
          "}",
          "\"containers\":[",
          "\"managedFields\":[",
          "\"labels\":{\"c\":\"d\"}"};
}

}  // namespace pintle::fuzz

// Patches and apply configurations: `{"document": …, "patch": …}`. Whatever a patch says, the result is a document; what
// apply writes as managed fields reads back; removing nothing changes nothing.
#include "api/gen/core_v1.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/apply/merge.h"
#include "apimachinery/patch/json_patch.h"
#include "apimachinery/patch/strategic_patch.h"
#include "base/check.h"
#include "codec/json.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

using apimachinery::FieldSet;
using codec::Value;

void check_document(const Result<Value>& result) {
  if (!result) return;
  const auto again = codec::parse_json(codec::to_json(*result));
  CHECK(again && codec::to_json(*again) == codec::to_json(*result), "the result of a patch is a document");
}

void check_apply(const Value& document, const Value& config) {
  const apimachinery::TypeSchema schema(api::type_of<api::core_v1::Pod>());
  apimachinery::FieldWriter writer;
  writer.manager = "kubectl";
  writer.api_version = "v1";
  writer.now.seconds = 1;
  writer.force = true;
  const auto applied = apimachinery::apply_config(schema, document, config, writer);
  if (!applied) return;
  const Value* metadata = applied->object.find("metadata");
  const Value* entries = metadata ? metadata->find("managedFields") : nullptr;
  if (entries == nullptr || !entries->is_array()) return;
  for (const Value& entry : entries->as_array()) {
    const Value* fields = entry.find("fieldsV1");
    const auto set = FieldSet::parse_fields_v1(fields ? codec::to_json(*fields) : "");
    CHECK(set && !set->empty(), "a manager's fields read back and are not none");
  }
  const Value unchanged = apimachinery::remove_fields(schema, applied->object, FieldSet());
  CHECK(unchanged == applied->object, "taking nothing out changes nothing");
}

}  // namespace

void one(std::string_view input) {
  const auto both = codec::parse_json(input);
  if (!both) return;
  const Value* document = both->find("document");
  const Value* patch = both->find("patch");
  if (document == nullptr || patch == nullptr) return;
  check_document(apimachinery::apply_json_patch(*document, *patch));
  check_document(apimachinery::apply_merge_patch(*document, *patch));
  check_document(apimachinery::apply_strategic_patch(*document, *patch, api::type_of<api::core_v1::Pod>()));
  check_apply(*document, *patch);
}

std::vector<std::string> seeds() {
  return {
      R"({"document":{"a":[1,{"b":null}]},"patch":[{"op":"add","path":"/a/-","value":2},{"op":"move","from":"/a/0","path":"/c~1d"},{"op":"test","path":"/c~1d","value":1}]})",
      R"({"document":{"a":{"b":1,"c":[1]}},"patch":{"a":{"b":null,"c":{"d":null}},"e":[null]}})",
      R"({"document":{"metadata":{"finalizers":["a","b"]},"spec":{"containers":[{"name":"a","ports":[{"containerPort":80}]},{"name":"b"}]}},"patch":{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"$setElementOrder/finalizers":["b"]},"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"}],"containers":[{"name":"c","image":"i"},{"name":"a","$patch":"delete"}],"volumes":[{"name":"v","$retainKeys":["name","emptyDir"],"emptyDir":{}}]}}})",
      R"({"document":{"metadata":{"uid":"u","labels":{"a":"1"},"managedFields":[{"manager":"m","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}}]},"spec":{"containers":[{"name":"a","image":"x"}]}},"patch":{"metadata":{"labels":{"b":"2"},"finalizers":["x","y"]},"spec":{"containers":[{"name":"a","ports":[{"containerPort":1,"protocol":"UDP"}]}]}}})"};
}

std::vector<std::string> tokens() {
  return {"\"$patch\":\"replace\"", "\"$patch\":\"delete\"", "\"$retainKeys\":[", "\"$setElementOrder/containers\":[", "{\"name\":\"a\"}", "\"f:spec\":{", "\"k:{\\\"name\\\":1}\":{}",
          "\"v:1\":{}", "\"i:0\":{}", "\".\":{}", "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/0\"}", "null", "[", "]", "{", "}", "-1", "1e3", "\"/\"", "\"~1\""};
}

}  // namespace pintle::fuzz

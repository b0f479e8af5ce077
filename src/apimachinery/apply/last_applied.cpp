#include "apimachinery/apply/last_applied.h"

#include <string>

#include "apimachinery/apply/walk.h"
#include "apimachinery/validation/object_meta.h"
#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;

constexpr std::string_view annotation = "kubectl.kubernetes.io/last-applied-configuration";

std::string_view last_applied(const Value& object) {
  const Value* metadata = object.find("metadata");
  const Value* annotations = metadata ? metadata->find("annotations") : nullptr;
  return annotations ? annotations->string_at(annotation) : std::string_view();
}

bool fits(const Value& annotations) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations.as_object()) bytes += key.size() + (value.is_string() ? value.as_string().size() : 0);
  return bytes <= annotations_bytes_max;
}

}  // namespace

FieldSet unchanged_since_last_applied(const SchemaView& schema, const Value& live, std::string_view api_version) {
  const auto last = codec::parse_json(last_applied(live));
  if (!last || last->string_at("apiVersion") != api_version) return {};
  const ValueCursor from(schema, schema.root(), *last);
  const ValueCursor to(schema, schema.root(), live);
  FieldSet stated = collect(from);
  const Changes changes = compare(from, to);
  stated.subtract(changes.changed);
  stated.subtract(changes.removed);
  return stated;
}

void refresh_last_applied(const Value& live, const Value& config, Value& object) {
  if (last_applied(live).empty()) return;
  Value stated = config;
  if (Value* metadata = stated.find("metadata"))
    if (Value* annotations = metadata->find("annotations"); annotations && annotations->is_object()) annotations->as_object().erase(annotation);
  Value& annotations = object["metadata"]["annotations"];
  annotations[annotation] = codec::to_json(stated) + "\n";
  if (!fits(annotations)) annotations.as_object().erase(annotation);
}

}  // namespace pintle::apimachinery

#include "api/codec.h"
#include "codec/json.h"
#include "kubelet/status/conditions.h"
#include "kubelet/status/status_manager.h"

namespace pintle::kubelet::status {

using codec::Value;

namespace {

Value to_value(const api::core_v1::PodStatus& status) { return api::to_value(api::type_of<api::core_v1::PodStatus>(), &status); }

// Lists that a strategic merge would merge by a key, though the new list is meant as it is.
bool is_merged_list(std::string_view field) { return field == "podIPs" || field == "hostIPs" || field == "resourceClaimStatuses"; }

const Value* condition_of(const Value* conditions, std::string_view type) {
  if (!conditions || !conditions->is_array()) return nullptr;
  for (const auto& condition : conditions->as_array()) {
    if (condition.string_at("type") == type) return &condition;
  }
  return nullptr;
}

// Those of the kubelet that changed.
Value::Array changed_conditions(const Value* before, const Value& after) {
  Value::Array out;
  for (const auto& condition : after.as_array()) {
    const std::string_view type = condition.string_at("type");
    const Value* old = condition_of(before, type);
    if (old && *old == condition) continue;
    if (!is_kubelet_condition(type) && old) continue;
    Value changed = condition;
    for (const std::string_view field : {"reason", "message"}) {
      if (old && old->find(field) && !changed.find(field)) changed[field] = Value();
    }
    out.push_back(std::move(changed));
  }
  if (!before || !before->is_array()) return out;
  for (const auto& condition : before->as_array()) {
    const std::string_view type = condition.string_at("type");
    if (!is_kubelet_condition(type) || condition_of(&after, type)) continue;
    Value dropped;
    dropped["$patch"] = "delete";
    dropped["type"] = type;
    out.push_back(std::move(dropped));
  }
  return out;
}

Value replacing(const Value& list) {
  Value::Array out = list.as_array();
  Value marker;
  marker["$patch"] = "replace";
  out.push_back(std::move(marker));
  return out;
}

}  // namespace

std::string status_patch(std::string_view uid, const api::core_v1::PodStatus& before, const api::core_v1::PodStatus& after) {
  const Value old_status = to_value(before);
  const Value new_status = to_value(after);
  Value changes{Value::Object()};
  for (const auto& [field, value] : new_status.as_object()) {
    const Value* old = old_status.find(field);
    if (field == "conditions") {
      auto conditions = changed_conditions(old, value);
      if (!conditions.empty()) changes[field] = std::move(conditions);
    } else if (!old || !(*old == value)) {
      changes[field] = old && is_merged_list(field) ? replacing(value) : value;
    }
  }
  for (const auto& [field, value] : old_status.as_object()) {
    if (!new_status.find(field) && field != "conditions") changes[field] = Value();
  }
  if (changes.as_object().empty()) return "";
  Value patch;
  patch["metadata"]["uid"] = uid;
  patch["status"] = std::move(changes);
  return codec::to_json(patch);
}

}  // namespace pintle::kubelet::status

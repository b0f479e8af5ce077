#include "scheduler/extenders/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/codec.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/value.h"

namespace pintle::scheduler::extenders {

namespace {

using codec::Value;

// Go takes the member of that very name, else one that differs in case.
const Value* member(const Value& object, std::string_view name) {
  if (const Value* exact = object.find(name)) return exact->is_null() ? nullptr : exact;
  if (!object.is_object()) return nullptr;
  for (const auto& [key, value] : object.as_object())
    if (to_lower(key) == to_lower(name)) return value.is_null() ? nullptr : &value;
  return nullptr;
}

Result<Value> parse(std::string_view body) {
  auto value = codec::parse_json(body);
  if (!value) return bad_request("the extender's answer is no JSON: " + value.error().message);
  return value;
}

Status wrong(std::string_view where, std::string_view wanted) {
  return Status{Reason::BadRequest, 0, fmt::format("the extender's answer: {} is no {}", where, wanted), {}};
}

Result<std::string> text_at(const Value& object, std::string_view name) {
  const Value* value = member(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return Unexpected(wrong(name, "string"));
  return value->as_string();
}

Result<int64_t> number_at(const Value& object, std::string_view name) {
  const Value* value = member(object, name);
  if (value == nullptr) return int64_t{0};
  if (!value->is_int()) return Unexpected(wrong(name, "whole number"));
  return value->as_int();
}

Result<std::map<std::string, std::string>> texts_at(const Value& object, std::string_view name) {
  std::map<std::string, std::string> out;
  const Value* value = member(object, name);
  if (value == nullptr) return out;
  if (!value->is_object()) return Unexpected(wrong(name, "object"));
  for (const auto& [key, text] : value->as_object()) {
    if (!text.is_string()) return Unexpected(wrong(fmt::format("{}.{}", name, key), "string"));
    out.emplace(key, text.as_string());
  }
  return out;
}

Result<std::vector<std::string>> names_of(const Value& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return Unexpected(wrong("NodeNames", "array"));
  for (const Value& name : list.as_array()) {
    if (!name.is_string()) return Unexpected(wrong("NodeNames", "array of strings"));
    out.push_back(name.as_string());
  }
  return out;
}

Result<std::vector<std::string>> names_of_nodes(const Value& nodes) {
  std::vector<std::string> out;
  const Value* items = nodes.find("items");
  if (items == nullptr || items->is_null()) return out;
  if (!items->is_array()) return Unexpected(wrong("Nodes.items", "array"));
  for (const Value& node : items->as_array()) {
    const Value* metadata = node.find("metadata");
    out.emplace_back(metadata == nullptr ? std::string_view() : metadata->string_at("name"));
  }
  return out;
}

template <class T>
void append(std::string& out, const T& object) {
  api::encode_json(api::type_of<T>(), &object, out);
}

}  // namespace

bool is_interested(const Spec& spec, const Pod& pod) {
  if (spec.managed_resources.empty()) return true;
  const auto asks = [&spec](const auto& list) {
    return std::ranges::any_of(spec.managed_resources, [&list](const auto& managed) { return list.contains(managed.name); });
  };
  const auto any = [&asks](const auto& containers) {
    return std::ranges::any_of(containers, [&asks](const auto& one) { return asks(one.resources.requests) || asks(one.resources.limits); });
  };
  return any(pod.spec.containers) || any(pod.spec.init_containers);
}

std::string nodes_request(const Spec& spec, const Pod& pod, std::span<const NodePtr> nodes) {
  std::string out = "{\"Pod\":";
  append(out, pod);
  if (spec.node_cache_capable) {
    Value::Array names;
    for (const NodePtr& node : nodes) names.emplace_back(node->metadata.name);
    return out + ",\"Nodes\":null,\"NodeNames\":" + codec::to_json(Value(std::move(names))) + "}";
  }
  out += ",\"Nodes\":{\"metadata\":{},\"items\":[";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) out += ',';
    append(out, *nodes[i]);
  }
  return out + "]},\"NodeNames\":null}";
}

Result<FilterAnswer> read_filter(const Spec& spec, std::string_view body) {
  TRY_ASSIGN(const Value value, parse(body));
  if (!value.is_object()) return Unexpected(wrong("it", "object"));
  TRY_ASSIGN(const std::string problem, text_at(value, "Error"));
  if (!problem.empty()) return bad_request(problem);
  FilterAnswer out;
  const Value* names = member(value, "NodeNames");
  const Value* nodes = member(value, "Nodes");
  if (spec.node_cache_capable && names != nullptr) {
    TRY_ASSIGN(out.passed, names_of(*names));
  } else if (nodes != nullptr) {
    TRY_ASSIGN(out.passed, names_of_nodes(*nodes));
  }
  TRY_ASSIGN(out.failed, texts_at(value, "FailedNodes"));
  TRY_ASSIGN(out.unresolvable, texts_at(value, "FailedAndUnresolvableNodes"));
  return out;
}

Result<std::map<std::string, int64_t>> read_priorities(std::string_view body) {
  TRY_ASSIGN(const Value value, parse(body));
  std::map<std::string, int64_t> out;
  if (value.is_null()) return out;
  if (!value.is_array()) return Unexpected(wrong("it", "array"));
  for (const Value& one : value.as_array()) {
    if (!one.is_object()) return Unexpected(wrong("a host", "object"));
    TRY_ASSIGN(std::string host, text_at(one, "Host"));
    TRY_ASSIGN(const int64_t score, number_at(one, "Score"));
    out[std::move(host)] = score;
  }
  return out;
}

int64_t weighted_score(int64_t score, int64_t weight) {
  constexpr int64_t scale = 100 / 10;         // what plugins' best is of extenders' best
  constexpr int64_t most = int64_t{1} << 56;  // a hundred of them fit
  int64_t out = 0;
  if (__builtin_mul_overflow(score, weight, &out) || __builtin_mul_overflow(out, scale, &out)) return (score < 0) != (weight < 0) ? -most : most;
  return std::clamp(out, -most, most);
}

std::string preempt_request(const Spec& spec, const Pod& pod, const VictimsByNode& victims, const WholePod& whole_pod) {
  std::string whole, names;
  for (const auto& [node, leaving] : victims) {
    std::string& out = spec.node_cache_capable ? names : whole;
    if (!out.empty()) out += ',';
    out += codec::to_json(Value(node)) + ":{\"Pods\":[";
    bool first = true;
    for (const PlacedPodPtr& victim : leaving.pods) {
      const PodPtr object = spec.node_cache_capable ? nullptr : whole_pod(*victim);
      if (!spec.node_cache_capable && !object) continue;
      if (!std::exchange(first, false)) out += ',';
      if (spec.node_cache_capable)
        out += "{\"UID\":" + codec::to_json(Value(victim->uid())) + "}";
      else
        append(out, *object);
    }
    out += "],\"NumPDBViolations\":" + std::to_string(leaving.budget_violations) + "}";
  }
  std::string out = "{\"Pod\":";
  append(out, pod);
  const auto object = [](bool used, const std::string& members) { return used ? "{" + members + "}" : std::string("null"); };
  return out + ",\"NodeNameToVictims\":" + object(!spec.node_cache_capable, whole) +
         ",\"NodeNameToMetaVictims\":" + object(spec.node_cache_capable, names) + "}";
}

Result<std::map<std::string, VictimNames>> read_preemption(std::string_view body) {
  TRY_ASSIGN(const Value value, parse(body));
  if (!value.is_object()) return Unexpected(wrong("it", "object"));
  std::map<std::string, VictimNames> out;
  const Value* nodes = member(value, "NodeNameToMetaVictims");
  if (nodes == nullptr) return out;
  if (!nodes->is_object()) return Unexpected(wrong("NodeNameToMetaVictims", "object"));
  for (const auto& [node, victims] : nodes->as_object()) {
    VictimNames& names = out[node];
    TRY_ASSIGN(names.budget_violations, number_at(victims, "NumPDBViolations"));
    const Value* pods = member(victims, "Pods");
    if (pods == nullptr) continue;
    if (!pods->is_array()) return Unexpected(wrong("Pods", "array"));
    for (const Value& pod : pods->as_array()) {
      TRY_ASSIGN(std::string uid, text_at(pod, "UID"));
      names.uids.push_back(std::move(uid));
    }
  }
  return out;
}

std::string bind_request(const Pod& pod, const std::string& node) {
  Value out;
  out["PodName"] = pod.metadata.name;
  out["PodNamespace"] = pod.metadata.namespace_;
  out["PodUID"] = pod.metadata.uid;
  out["Node"] = node;
  return codec::to_json(out);
}

Result<Unit> read_binding(std::string_view body) {
  TRY_ASSIGN(const Value value, parse(body));
  if (!value.is_object()) return Unexpected(wrong("it", "object"));
  TRY_ASSIGN(const std::string problem, text_at(value, "Error"));
  if (!problem.empty()) return bad_request(problem);
  return Unit{};
}

}  // namespace pintle::scheduler::extenders

#include "cmd/field_flags.h"

#include <algorithm>

#include "api/codec.h"
#include "component/log.h"
#include "kubelet/configuration/taints.h"

namespace pintle::cmd {
namespace {

using codec::Value;

Value list_of(std::vector<std::string> items) {
  Value::Array list;
  for (auto& item : items) list.emplace_back(std::move(item));
  return list;
}

// [{key, value, effect}] of "key=value:effect".
Result<Value> taints_of(const std::vector<std::string>& texts) {
  Value::Array list;
  for (const std::string& text : texts) {
    auto taint = kubelet::configuration::parse_taint(text);
    if (!taint) return bad_request("--register-with-taints: " + taint.error().message);
    Value& made = list.emplace_back();
    made["key"] = std::move(taint->key);
    if (!taint->value.empty()) made["value"] = std::move(taint->value);
    made["effect"] = std::move(taint->effect);
  }
  return Value(std::move(list));
}

// {"Name": true}
Result<Value> gates_of(const std::map<std::string, std::string>& texts) {
  Value object{Value::Object()};
  for (const auto& [name, text] : texts) {
    const auto on = component::parse_go_bool(text);
    if (!on) return bad_request("--feature-gates: " + name + "=" + text + " is neither true nor false");
    object[name] = *on;
  }
  return object;
}

// [{filePattern, verbosity}] of "pattern=N,..."
Value levels_of(const std::string& text) {
  Value::Array list;
  for (auto& one : component::log::parse_vmodule(text).value_or(std::vector<component::log::FileVerbosity>())) {
    Value& made = list.emplace_back();
    made["filePattern"] = std::move(one.pattern);
    made["verbosity"] = one.verbosity;
  }
  return list;
}

Result<Value> value_of(const component::FlagSet& flags, const component::FlagSpec& spec, std::string_view field) {
  using enum component::FlagType;
  if (field == "featureGates") return gates_of(flags.get_map(spec.name));
  if (field == "registerWithTaints") return taints_of(flags.get_list(spec.name));
  switch (spec.type) {
    case Bool: return Value(flags.get_bool(spec.name));
    case Int: return Value(flags.get_int(spec.name));
    case Duration: return Value(api::format_duration(api::Duration{flags.get_duration(spec.name).count()}));
    case Strings: return list_of(flags.get_list(spec.name));
    case FileLevels: return levels_of(flags.get_string(spec.name));
    case Map: {
      Value object{Value::Object()};
      for (auto& [name, text] : flags.get_map(spec.name)) object[name] = text;
      return object;
    }
    case Float: return Value(flags.get_float(spec.name));
    default: return Value(flags.get_string(spec.name));
  }
}

void set_field(Value& root, std::string_view path, Value value) {
  Value* at = &root;
  while (true) {
    const auto dot = path.find('.');
    at = &(*at)[path.substr(0, dot)];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *at = std::move(value);
}

}  // namespace

void merge_value(Value& base, const Value& over) {
  for (const auto& [name, value] : over.as_object()) {
    Value& at = base[name];
    if (at.is_object() && value.is_object())
      merge_value(at, value);
    else
      at = value;
  }
}

Result<Unit> set_fields(const component::FlagSet& flags, std::span<const component::FlagSpec> specs, std::span<const FieldOfFlag> fields,
                        const std::function<bool(std::string_view flag)>& counts, Value& root) {
  for (const auto& [flag, field] : fields) {
    if (!counts(flag)) continue;
    const auto spec = std::ranges::find(specs, flag, &component::FlagSpec::name);
    CHECK(spec != specs.end(), "a flag that has a field stands in the table of flags");
    TRY_ASSIGN(Value given, value_of(flags, *spec, field));
    // Gates add up: those that the flag does not name stay.
    if (field == "featureGates")
      merge_value(root[field], given);
    else
      set_field(root, field, std::move(given));
  }
  return Unit{};
}

}  // namespace pintle::cmd

#include "api/codec.h"
#include "cmd/kubelet/command.h"
#include "cmd/kubelet/flags.h"
#include "codec/yaml.h"
#include "component/log.h"
#include "kubelet/configuration/defaults.h"
#include "kubelet/configuration/taints.h"
#include "kubelet/configuration/validation.h"

namespace pintle::cmd {
namespace {

using Configuration = api::kubeletconfig_v1beta1::KubeletConfiguration;
using codec::Value;

constexpr std::string_view api_version = "kubelet.config.k8s.io/v1beta1";
constexpr std::string_view kind = "KubeletConfiguration";
constexpr std::size_t file_bytes_max = 1 << 20;

Unexpected<Status> bad_file(const std::string& path, const std::string& why) {
  return error(Reason::Invalid, "configuration file " + path + ": " + why);
}

Result<Value> read_file(rt::Disk& disk, const std::string& path) {
  TRY_ASSIGN(const std::string text, disk.read(path, file_bytes_max));
  auto value = codec::parse_yaml(text);
  if (!value) return bad_file(path, value.error().message);
  if (!value->is_object()) return bad_file(path, "not an object");
  if (value->string_at("apiVersion") != api_version || value->string_at("kind") != kind) {
    return bad_file(path, "must be apiVersion " + std::string(api_version) + ", kind " + std::string(kind));
  }
  return std::move(*value);
}

// Members of `over` win; objects are merged, lists replaced.
void merge(Value& base, const Value& over) {
  for (const auto& [name, value] : over.as_object()) {
    Value& at = base[name];
    if (at.is_object() && value.is_object())
      merge(at, value);
    else
      at = value;
  }
}

Value list_of(std::vector<std::string> items) {
  Value::Array list;
  for (auto& item : items) list.emplace_back(std::move(item));
  return list;
}

// [{key, value, effect}] of "key=value:effect".
Result<Value> taints_of(const std::vector<std::string>& texts) {
  Value::Array list;
  for (const std::string& text : texts) {
    auto taint = kubelet::parse_taint(text);
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

// Flags whose default differs from that of a configuration file: they count when there is no file.
bool has_older_default(std::string_view flag) {
  for (const std::string_view one : {"anonymous-auth", "authentication-token-webhook", "authorization-mode", "read-only-port"}) {
    if (flag == one) return true;
  }
  return false;
}

Result<Unit> apply_flags(const component::FlagSet& flags, bool with_file, Value& value) {
  for (const auto& [flag, field] : kubelet_fields()) {
    if (!flags.is_set(flag) && (with_file || !has_older_default(flag))) continue;
    for (const auto& spec : kubelet_flags()) {
      if (spec.name != flag) continue;
      TRY_ASSIGN(Value given, value_of(flags, spec, field));
      // Gates add up: those of the file that the flag does not name stay.
      if (field == "featureGates")
        merge(value[field], given);
      else
        set_field(value, field, std::move(given));
    }
  }
  return Unit{};
}

}  // namespace

Result<Configuration> kubelet_configuration(rt::Disk& disk, const component::FlagSet& flags) {
  const std::string file = flags.get_string("config");
  Value value{Value::Object()};
  if (!file.empty()) {
    TRY_ASSIGN(value, read_file(disk, file));
  }
  if (const std::string directory = flags.get_string("config-dir"); !directory.empty()) {
    TRY_ASSIGN(const auto names, disk.list(directory));
    for (const auto& name : names) {
      if (!name.ends_with(".conf")) continue;
      TRY_ASSIGN(const Value piece, read_file(disk, directory + "/" + name));
      merge(value, piece);
    }
  }
  TRY(apply_flags(flags, !file.empty(), value));
  Configuration config;
  api::DecodeReport report;
  TRY(api::decode_value(value, api::type_of<Configuration>(), &config, api::Strictness::Collect, &report));
  if (!report.problems.empty()) return bad_file(file, "strict decoding error: " + report.problems.front());
  kubelet::apply_defaults(config);
  TRY(kubelet::validate(config));
  return config;
}

}  // namespace pintle::cmd

#include <charconv>

#include "api/codec.h"
#include "base/split.h"
#include "cmd/field_flags.h"
#include "cmd/kubelet/command.h"
#include "cmd/kubelet/flags.h"
#include "codec/json_text.h"
#include "codec/yaml.h"
#include "kubelet/configuration/defaults.h"
#include "kubelet/configuration/validation.h"
#include "net/text.h"

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

// Flags whose default differs from that of a configuration file: they count when there is no file.
bool has_older_default(std::string_view flag) {
  for (const std::string_view one : {"anonymous-auth", "authentication-token-webhook", "authorization-mode", "read-only-port"}) {
    if (flag == one) return true;
  }
  return false;
}

// One of "0:memory=1Gi,hugepages-2Mi=64Mi". Invalid, in upstream's words.
Result<Value> memory_reservation(std::string_view text) {
  constexpr std::string_view form = "the reserved memory has incorrect format, expected numaNodeID:type=quantity[,type=quantity...], got ";
  const auto parts = split(text, ':');
  if (parts.size() != 2) return error(Reason::Invalid, std::string(form).append(text));
  int32_t node = 0;
  const auto [end, failed] = std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), node);
  if (failed != std::errc() || end != parts[0].data() + parts[0].size())
    return error(Reason::Invalid, std::string("failed to convert the NUMA node ID, expected integer, got ").append(parts[0]));
  Value out;
  out["numaNode"] = static_cast<int64_t>(node);
  for (const std::string_view limit : split(parts[1], ',')) {
    const auto sides = split(limit, '=');
    if (sides.size() != 2)
      return error(Reason::Invalid, std::string("the reserved limit has incorrect value, expected type=quantity, got ").append(limit));
    if (sides[0] != "memory" && !sides[0].starts_with("hugepages-"))
      return error(Reason::Invalid, "memory type conversion error, unknown type: " + codec::go_quote(sides[0]));
    if (!api::Quantity::parse(sides[1])) return error(Reason::Invalid, std::string("failed to parse the quantity: ").append(sides[1]));
    out["limits"][std::string(sides[0])] = sides[1];
  }
  return out;
}

Result<Unit> set_reserved_memory(const component::FlagSet& flags, Value& value) {
  constexpr std::string_view flag = "reserved-memory";
  if (!flags.is_set(flag)) return Unit{};
  Value::Array all;
  for (const std::string& text : flags.get_list(flag)) {
    for (const std::string_view one : split_words(text, ';')) {
      TRY_ASSIGN(auto reservation, memory_reservation(one));
      all.push_back(std::move(reservation));
    }
  }
  value["reservedMemory"] = Value(std::move(all));
  return Unit{};
}

// --manifest-url-header: "a:hello,b:again", repeatable; values of one name add up. Instead of the file's, as upstream's.
Result<Unit> set_url_headers(const component::FlagSet& flags, Value& value) {
  if (!flags.is_set("manifest-url-header")) return Unit{};
  Value headers{Value::Object()};
  for (const std::string& list : flags.get_list("manifest-url-header")) {
    for (const std::string_view pair : split(list, ',')) {
      if (pair.empty()) continue;
      const auto colon = pair.find(':');
      if (colon == std::string_view::npos) return error(Reason::Invalid, "--manifest-url-header: malformed pair, expect string:string");
      Value& values = headers[net::trim(pair.substr(0, colon))];
      if (!values.is_array()) values = Value{Value::Array()};
      values.as_array().push_back(Value{net::trim(pair.substr(colon + 1))});
    }
  }
  value["staticPodURLHeader"] = std::move(headers);
  return Unit{};
}

}  // namespace

Result<Configuration> read_kubelet_configuration(rt::Disk& disk, const component::FlagSet& flags, OlderDefaults older) {
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
      merge_value(value, piece);
    }
  }
  const bool older_defaults = older == OlderDefaults::WithoutFile && file.empty();
  TRY(set_fields(
      flags, kubelet_flags(), kubelet_fields(),
      [&](std::string_view flag) { return flags.is_set(flag) || (older_defaults && has_older_default(flag)); }, value));
  TRY(set_reserved_memory(flags, value));
  TRY(set_url_headers(flags, value));
  Configuration config;
  api::DecodeReport report;
  TRY(api::decode_value(value, api::type_of<Configuration>(), &config, api::Strictness::Collect, &report));
  if (!report.problems.empty()) return bad_file(file, "strict decoding error: " + report.problems.front());
  return config;
}

Result<Configuration> kubelet_configuration(rt::Disk& disk, const component::FlagSet& flags) {
  TRY_ASSIGN(Configuration config, read_kubelet_configuration(disk, flags, OlderDefaults::WithoutFile));
  kubelet::configuration::apply_defaults(config);
  TRY(kubelet::configuration::validate(config));
  return config;
}

}  // namespace pintle::cmd

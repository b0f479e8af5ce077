#include <algorithm>

#include "api/codec.h"
#include "api/defaults.h"
#include "cmd/kube_proxy/command.h"
#include "cmd/kube_proxy/flags.h"
#include "codec/yaml.h"
#include "component/log.h"

namespace pintle::cmd {
namespace {

using Configuration = api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration;

constexpr std::string_view api_version = "kubeproxy.config.k8s.io/v1alpha1";
constexpr std::string_view kind = "KubeProxyConfiguration";
constexpr std::size_t file_bytes_max = 1 << 20;

Result<Configuration> read_file(rt::Disk& disk, const std::string& path) {
  TRY_ASSIGN(const std::string text, disk.read(path, file_bytes_max));
  const auto fail = [&](const std::string& why) { return error(Reason::Invalid, "configuration file " + path + ": " + why); };
  auto value = codec::parse_yaml(text);
  if (!value) return fail(value.error().message);
  if (!value->is_object()) return fail("not an object");
  const auto text_of = [&](std::string_view name) {
    const codec::Value* member = value->find(name);
    return member && member->is_string() ? member->as_string() : std::string();
  };
  if (text_of("apiVersion") != api_version || text_of("kind") != kind)
    return fail("must be apiVersion " + std::string(api_version) + ", kind " + std::string(kind));
  Configuration config;
  api::DecodeReport report;
  auto decoded = api::decode_value(*value, api::type_of<Configuration>(), &config, api::Strictness::Collect, &report);
  if (!decoded) return fail(decoded.error().message);
  if (!report.problems.empty()) return fail("strict decoding error: " + report.problems.front());
  return config;
}

// Fields that the schema gives no default, because it depends on others or is empty in a file written out.
void apply_port_defaults(Configuration& config) {
  if (config.healthz_bind_address.empty()) config.healthz_bind_address = "0.0.0.0:10256";
  if (config.metrics_bind_address.empty()) config.metrics_bind_address = "127.0.0.1:10249";
  // A port may be left out of either.
  const auto with_port = [](std::string& address, std::string_view port) {
    const auto colons = std::count(address.begin(), address.end(), ':');
    if (colons == 0)
      address += ":" + std::string(port);
    else if (colons > 1 && !address.starts_with('['))
      address = "[" + address + "]:" + std::string(port);
  };
  with_port(config.healthz_bind_address, "10256");
  with_port(config.metrics_bind_address, "10249");
}

Result<Configuration> from_flags(const component::FlagSet& flags) {
  codec::Value value{codec::Value::Object()};
  TRY(set_fields(
      flags, kube_proxy_flags(), kube_proxy_fields(), [](std::string_view) { return true; }, value));
  Configuration config;
  TRY(api::decode_value(value, api::type_of<Configuration>(), &config, api::Strictness::Collect, nullptr));
  return config;
}

}  // namespace

Result<Configuration> kube_proxy_configuration(rt::Disk& disk, const component::FlagSet& flags) {
  Configuration config;
  const std::string file = flags.get_string("config");
  if (file.empty()) {
    TRY_ASSIGN(config, from_flags(flags));
  } else {
    TRY_ASSIGN(config, read_file(disk, file));
    apply_port_defaults(config);
  }
  api::apply_defaults(api::type_of<Configuration>(), &config);
  if (config.client_connection.qps == 0) config.client_connection.qps = 5;
  if (config.client_connection.burst == 0) config.client_connection.burst = 10;
  // These flags count even beside a file.
  if (flags.is_set("hostname-override") || file.empty()) config.hostname_override = flags.get_string("hostname-override");
  if (flags.is_set("v")) config.logging.verbosity = static_cast<uint32_t>(flags.get_int("v"));
  if (flags.is_set("vmodule")) {
    config.logging.vmodule.clear();
    TRY_ASSIGN(const auto levels, component::log::parse_vmodule(flags.get_string("vmodule")));
    for (const auto& one : levels) {
      auto& made = config.logging.vmodule.emplace_back();
      made.file_pattern = one.pattern;
      made.verbosity = static_cast<uint64_t>(one.verbosity);
    }
  }
  return config;
}

}  // namespace pintle::cmd

#include "proxy/effects.h"

#include <map>

#include "api/codec.h"
#include "api/defaults.h"
#include "component/settings.h"

namespace pintle::proxy {

namespace {

using Configuration = api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration;

constexpr std::string_view without_effect[] = {
    "clientConnection.acceptContentTypes",
    "clientConnection.contentType",
    "configSyncPeriod",  // changes arrive by themselves
    "enableProfiling",
    "iptables",
    "ipvs",
    "logging.flushFrequency",  // nothing is held back
    "logging.options",
    "portRange",  // unused upstream, too
    "showHiddenMetricsForVersion",
    "windowsRunAsService",
    "winkernel",
};

}  // namespace

std::span<const std::string_view> fields_without_effect() { return without_effect; }

std::vector<std::string> settings_without_effect(const Configuration& config) {
  Configuration defaults;
  api::apply_defaults(api::type_of<Configuration>(), &defaults);
  const auto value_of = [](const Configuration& one) { return api::to_value(api::type_of<Configuration>(), &one); };
  std::vector<std::string> out = component::differing_settings(value_of(config), value_of(defaults), without_effect);
  std::map<std::string, bool> gates;
  for (const auto& [name, on] : config.feature_gates) gates.emplace(name, on);
  for (std::string& gate : component::unasked_gates(gates, {})) out.push_back(std::move(gate));
  return out;
}

}  // namespace pintle::proxy

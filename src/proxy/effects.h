// The fields of a KubeProxyConfiguration that this release knows and does not act on. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeproxyconfig_v1alpha1.h"

namespace pintle::proxy {

// Paths by the fields' JSON names. Nothing of the proxy but validation reads them.
std::span<const std::string_view> fields_without_effect();
// Those of them that differ from their defaults, and the feature gates that do: for the line at the start. `config` has its defaults.
std::vector<std::string> settings_without_effect(const api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration& config);

}  // namespace pintle::proxy

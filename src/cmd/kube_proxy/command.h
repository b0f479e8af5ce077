// kube-proxy as a command: flags and configuration file → proxy.
#pragma once

#include <span>
#include <string>

#include "api/gen/kubeproxyconfig_v1alpha1.h"
#include "base/status.h"
#include "component/flags.h"
#include "rt/file.h"

namespace pintle::cmd {

// The file of --config with its defaults, or what the flags say. Invalid names the file and the field.
Result<api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration> kube_proxy_configuration(rt::Disk& disk, const component::FlagSet& flags);
// Runs until SIGINT or SIGTERM; the exit status.
int run_kube_proxy(std::span<const char* const> args);

}  // namespace pintle::cmd

// The kubelet as a command: flags and configuration file → kubelet.
#pragma once

#include <span>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "component/flags.h"
#include "rt/file.h"

namespace pintle::cmd {

// The file of --config, the pieces of --config-dir on top, the flags that were set on top of both, defaults last. Without a
// file, flags have upstream's older defaults (an open server, a read-only port). Invalid names the file and the field.
Result<api::kubeletconfig_v1beta1::KubeletConfiguration> kubelet_configuration(rt::Disk& disk, const component::FlagSet& flags);
// Protections that the configuration asks for and that are not built: Invalid, so that nobody believes to have them.
Result<Unit> check_kubelet_protections(const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration);
// Runs until SIGINT or SIGTERM; the exit status.
int run_kubelet(std::span<const char* const> args);

}  // namespace pintle::cmd

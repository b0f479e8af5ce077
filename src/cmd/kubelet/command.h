// The kubelet as a command: flags and configuration file → kubelet.
#pragma once

#include <span>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "component/flags.h"
#include "rt/file.h"

namespace pintle::cmd {

// Upstream's flags have older, laxer defaults (an open server, a read-only port) than its configuration files; they count where there is no file.
enum class OlderDefaults : uint8_t { WithoutFile, Never };
// The file of --config, the pieces of --config-dir on top, the flags that were set on top of both. No defaults, nothing validated but the form.
Result<api::kubeletconfig_v1beta1::KubeletConfiguration> read_kubelet_configuration(rt::Disk& disk, const component::FlagSet& flags,
                                                                                    OlderDefaults older);
// The same with its defaults, validated whole: Invalid names the fields at fault.
Result<api::kubeletconfig_v1beta1::KubeletConfiguration> kubelet_configuration(rt::Disk& disk, const component::FlagSet& flags);
// Runs until SIGINT or SIGTERM; the exit status.
int run_kubelet(std::span<const char* const> args);

}  // namespace pintle::cmd

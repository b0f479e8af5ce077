#include "kubelet/configuration/effects.h"

#include <map>

#include "api/codec.h"
#include "component/settings.h"
#include "kubelet/configuration/defaults.h"

namespace pintle::kubelet::configuration {

namespace {

using api::kubeletconfig_v1beta1::KubeletConfiguration;

constexpr std::string_view without_effect[] = {
    "configMapAndSecretChangeDetectionStrategy",  // always Watch
    "contentType",
    "cpuManagerReconcilePeriod",  // running containers follow at once
    "enableContentionProfiling",
    "enableDebugFlagsHandler",
    "enableProfilingHandler",
    "enableSystemLogQuery",
    "eventBurst",
    "eventRecordQPS",
    "fileCheckFrequency",  // files are watched
    "hairpinMode",         // of dockershim's bridge
    "iptablesDropBit",     // unused upstream, too
    "iptablesMasqueradeBit",
    "kernelMemcgNotification",
    "kubeletCgroups",
    "logging.flushFrequency",  // nothing is held back
    "logging.options",
    "makeIPTablesUtilChains",
    "maxOpenFiles",
    "memoryReservationPolicy",
    "memoryThrottlingFactor",
    "podCIDR",
    "qosReserved",
    "runOnce",
    "showHiddenMetricsForVersion",
    "streamingConnectionIdleTimeout",
    "syncFrequency",  // changes arrive by themselves
    "systemCgroups",
    "tracing",
    "volumePluginDir",
};

// Asked somewhere in the kubelet, by the name of the gate.
constexpr std::string_view gates_asked[] = {
    "TaintTolerationComparisonOperators",
    "AllAlpha",  // these two stand for gates of a stage
    "AllBeta",
    "ContainerCheckpoint",
    "DRAExtendedResource",
    "DisableCPUQuotaWithExclusiveCPUs",
    "GracefulNodeShutdown",
    "GracefulNodeShutdownBasedOnPodPriority",
    "InPlacePodLevelResourcesVerticalScaling",
    "InPlacePodVerticalScalingInitContainers",
    "KubeletCrashLoopBackOffMax",
    "KubeletEnsureSecretPulledImages",
    "KubeletServiceAccountTokenForCredentialProviders",
    "NodeDeclaredFeatures",
    "ReduceDefaultCrashLoopBackOffDecay",
    "ResourceHealthStatus",
    "ResourceHealthStatusMessage",
    "RestartAllContainersOnContainerExits",
    "RotateKubeletServerCertificate",
};

codec::Value value_of(const KubeletConfiguration& config) { return api::to_value(api::type_of<KubeletConfiguration>(), &config); }

}  // namespace

std::span<const std::string_view> fields_without_effect() { return without_effect; }

std::vector<std::string> settings_without_effect(const KubeletConfiguration& config) {
  KubeletConfiguration defaults;
  apply_defaults(defaults);
  std::vector<std::string> out = component::differing_settings(value_of(config), value_of(defaults), without_effect);
  std::map<std::string, bool> gates;
  for (const auto& [name, on] : config.feature_gates) gates.emplace(name, on);
  for (std::string& gate : component::unasked_gates(gates, gates_asked)) out.push_back(std::move(gate));
  return out;
}

}  // namespace pintle::kubelet::configuration

// The flags as KubeControllerManagerConfiguration, which /configz shows.
#include <algorithm>

#include "api/values.h"
#include "base/check.h"
#include "base/split.h"
#include "cmd/kube_controller_manager/command.h"
#include "cmd/kube_controller_manager/flags.h"
#include "codec/json_text.h"
#include "component/serving/component_pages.h"

namespace pintle::cmd {

namespace {

struct Field {
  std::string_view path;   // the fields down to it, by dots
  std::string_view value;  // the flag that says it; after a '=': the JSON that it always is
};

// In the order of upstream's page: the fields of an object stand together.
constexpr Field fields[] = {
    {"kind", "=\"KubeControllerManagerConfiguration\""},
    {"apiVersion", "=\"kubecontrollermanager.config.k8s.io/v1alpha1\""},
    {"Generic.Port", "=0"},
    {"Generic.Address", "=\"0.0.0.0\""},
    {"Generic.MinResyncPeriod", "min-resync-period"},
    {"Generic.ClientConnection.kubeconfig", "kubeconfig"},
    {"Generic.ClientConnection.acceptContentTypes", "=\"\""},
    {"Generic.ClientConnection.contentType", "kube-api-content-type"},
    {"Generic.ClientConnection.qps", "kube-api-qps"},
    {"Generic.ClientConnection.burst", "kube-api-burst"},
    {"Generic.ControllerStartInterval", "controller-start-interval"},
    {"Generic.LeaderElection.leaderElect", "leader-elect"},
    {"Generic.LeaderElection.leaseDuration", "leader-elect-lease-duration"},
    {"Generic.LeaderElection.renewDeadline", "leader-elect-renew-deadline"},
    {"Generic.LeaderElection.retryPeriod", "leader-elect-retry-period"},
    {"Generic.LeaderElection.resourceLock", "leader-elect-resource-lock"},
    {"Generic.LeaderElection.resourceName", "leader-elect-resource-name"},
    {"Generic.LeaderElection.resourceNamespace", "leader-elect-resource-namespace"},
    {"Generic.Controllers", "controllers"},
    {"Generic.Debugging.enableProfiling", "profiling"},
    {"Generic.Debugging.enableContentionProfiling", "contention-profiling"},
    {"Generic.LeaderMigrationEnabled", "enable-leader-migration"},
    {"Generic.LeaderMigration.leaderName", "=\"\""},
    {"Generic.LeaderMigration.resourceLock", "=\"\""},
    {"Generic.LeaderMigration.controllerLeaders", "=null"},
    {"KubeCloudShared.CloudProvider.Name", "cloud-provider"},
    {"KubeCloudShared.CloudProvider.CloudConfigFile", "cloud-config"},
    {"KubeCloudShared.ExternalCloudVolumePlugin", "external-cloud-volume-plugin"},
    {"KubeCloudShared.UseServiceAccountCredentials", "use-service-account-credentials"},
    {"KubeCloudShared.AllowUntaggedCloud", "=false"},
    {"KubeCloudShared.RouteReconciliationPeriod", "route-reconciliation-period"},
    {"KubeCloudShared.NodeMonitorPeriod", "node-monitor-period"},
    {"KubeCloudShared.ClusterName", "cluster-name"},
    {"KubeCloudShared.ClusterCIDR", "cluster-cidr"},
    {"KubeCloudShared.AllocateNodeCIDRs", "allocate-node-cidrs"},
    {"KubeCloudShared.CIDRAllocatorType", "cidr-allocator-type"},
    {"KubeCloudShared.ConfigureCloudRoutes", "configure-cloud-routes"},
    {"KubeCloudShared.NodeSyncPeriod", "=\"0s\""},
    {"AttachDetachController.DisableAttachDetachReconcilerSync", "disable-attach-detach-reconcile-sync"},
    {"AttachDetachController.ReconcilerSyncLoopPeriod", "attach-detach-reconcile-sync-period"},
    {"AttachDetachController.disableForceDetachOnTimeout", "disable-force-detach-on-timeout"},
    {"CSRSigningController.ClusterSigningCertFile", "cluster-signing-cert-file"},
    {"CSRSigningController.ClusterSigningKeyFile", "cluster-signing-key-file"},
    {"CSRSigningController.KubeletServingSignerConfiguration.CertFile", "cluster-signing-kubelet-serving-cert-file"},
    {"CSRSigningController.KubeletServingSignerConfiguration.KeyFile", "cluster-signing-kubelet-serving-key-file"},
    {"CSRSigningController.KubeletClientSignerConfiguration.CertFile", "cluster-signing-kubelet-client-cert-file"},
    {"CSRSigningController.KubeletClientSignerConfiguration.KeyFile", "cluster-signing-kubelet-client-key-file"},
    {"CSRSigningController.KubeAPIServerClientSignerConfiguration.CertFile", "cluster-signing-kube-apiserver-client-cert-file"},
    {"CSRSigningController.KubeAPIServerClientSignerConfiguration.KeyFile", "cluster-signing-kube-apiserver-client-key-file"},
    {"CSRSigningController.LegacyUnknownSignerConfiguration.CertFile", "cluster-signing-legacy-unknown-cert-file"},
    {"CSRSigningController.LegacyUnknownSignerConfiguration.KeyFile", "cluster-signing-legacy-unknown-key-file"},
    {"CSRSigningController.ClusterSigningDuration", "cluster-signing-duration"},
    {"DaemonSetController.ConcurrentDaemonSetSyncs", "concurrent-daemonset-syncs"},
    {"DeploymentController.ConcurrentDeploymentSyncs", "concurrent-deployment-syncs"},
    {"StatefulSetController.ConcurrentStatefulSetSyncs", "concurrent-statefulset-syncs"},
    {"DeprecatedController", "={}"},
    {"EndpointController.ConcurrentEndpointSyncs", "concurrent-endpoint-syncs"},
    {"EndpointController.EndpointUpdatesBatchPeriod", "endpoint-updates-batch-period"},
    {"EndpointSliceController.ConcurrentServiceEndpointSyncs", "concurrent-service-endpoint-syncs"},
    {"EndpointSliceController.MaxEndpointsPerSlice", "max-endpoints-per-slice"},
    {"EndpointSliceController.EndpointUpdatesBatchPeriod", "endpointslice-updates-batch-period"},
    {"EndpointSliceMirroringController.MirroringConcurrentServiceEndpointSyncs", "mirroring-concurrent-service-endpoint-syncs"},
    {"EndpointSliceMirroringController.MirroringMaxEndpointsPerSubset", "mirroring-max-endpoints-per-subset"},
    {"EndpointSliceMirroringController.MirroringEndpointUpdatesBatchPeriod", "mirroring-endpointslice-updates-batch-period"},
    {"EphemeralVolumeController.ConcurrentEphemeralVolumeSyncs", "concurrent-ephemeralvolume-syncs"},
    {"GarbageCollectorController.EnableGarbageCollector", "enable-garbage-collector"},
    {"GarbageCollectorController.ConcurrentGCSyncs", "concurrent-gc-syncs"},
    {"GarbageCollectorController.GCIgnoredResources", R"(=[{"Group":"","Resource":"events"},{"Group":"events.k8s.io","Resource":"events"}])"},
    {"HPAController.ConcurrentHorizontalPodAutoscalerSyncs", "concurrent-horizontal-pod-autoscaler-syncs"},
    {"HPAController.HorizontalPodAutoscalerSyncPeriod", "horizontal-pod-autoscaler-sync-period"},
    {"HPAController.HorizontalPodAutoscalerDownscaleStabilizationWindow", "horizontal-pod-autoscaler-downscale-stabilization"},
    {"HPAController.HorizontalPodAutoscalerTolerance", "horizontal-pod-autoscaler-tolerance"},
    {"HPAController.HorizontalPodAutoscalerCPUInitializationPeriod", "horizontal-pod-autoscaler-cpu-initialization-period"},
    {"HPAController.HorizontalPodAutoscalerInitialReadinessDelay", "horizontal-pod-autoscaler-initial-readiness-delay"},
    {"JobController.ConcurrentJobSyncs", "concurrent-job-syncs"},
    {"CronJobController.ConcurrentCronJobSyncs", "concurrent-cron-job-syncs"},
    {"LegacySATokenCleaner.CleanUpPeriod", "legacy-service-account-token-clean-up-period"},
    {"NamespaceController.NamespaceSyncPeriod", "namespace-sync-period"},
    {"NamespaceController.ConcurrentNamespaceSyncs", "concurrent-namespace-syncs"},
    {"NodeIPAMController.ServiceCIDR", "service-cluster-ip-range"},
    {"NodeIPAMController.SecondaryServiceCIDR", "service-cluster-ip-range"},
    {"NodeIPAMController.NodeCIDRMaskSize", "node-cidr-mask-size"},
    {"NodeIPAMController.NodeCIDRMaskSizeIPv4", "node-cidr-mask-size-ipv4"},
    {"NodeIPAMController.NodeCIDRMaskSizeIPv6", "node-cidr-mask-size-ipv6"},
    {"NodeLifecycleController.NodeEvictionRate", "node-eviction-rate"},
    {"NodeLifecycleController.SecondaryNodeEvictionRate", "secondary-node-eviction-rate"},
    {"NodeLifecycleController.NodeStartupGracePeriod", "node-startup-grace-period"},
    {"NodeLifecycleController.NodeMonitorGracePeriod", "node-monitor-grace-period"},
    {"NodeLifecycleController.PodEvictionTimeout", "=\"0s\""},
    {"NodeLifecycleController.LargeClusterSizeThreshold", "large-cluster-size-threshold"},
    {"NodeLifecycleController.UnhealthyZoneThreshold", "unhealthy-zone-threshold"},
    {"PersistentVolumeBinderController.PVClaimBinderSyncPeriod", "pvclaimbinder-sync-period"},
    {"PersistentVolumeBinderController.VolumeConfiguration.EnableHostPathProvisioning", "enable-hostpath-provisioner"},
    {"PersistentVolumeBinderController.VolumeConfiguration.EnableDynamicProvisioning", "enable-dynamic-provisioning"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.MaximumRetry", "=3"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.MinimumTimeoutNFS",
     "pv-recycler-minimum-timeout-nfs"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.PodTemplateFilePathNFS",
     "pv-recycler-pod-template-filepath-nfs"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.IncrementTimeoutNFS",
     "pv-recycler-increment-timeout-nfs"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.PodTemplateFilePathHostPath",
     "pv-recycler-pod-template-filepath-hostpath"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.MinimumTimeoutHostPath",
     "pv-recycler-minimum-timeout-hostpath"},
    {"PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration.IncrementTimeoutHostPath",
     "pv-recycler-timeout-increment-hostpath"},
    {"PersistentVolumeBinderController.VolumeConfiguration.FlexVolumePluginDir", "flex-volume-plugin-dir"},
    {"PodGCController.TerminatedPodGCThreshold", "terminated-pod-gc-threshold"},
    {"ReplicaSetController.ConcurrentRSSyncs", "concurrent-replicaset-syncs"},
    {"ReplicationController.ConcurrentRCSyncs", "concurrent-rc-syncs"},
    {"ResourceQuotaController.ResourceQuotaSyncPeriod", "resource-quota-sync-period"},
    {"ResourceQuotaController.ConcurrentResourceQuotaSyncs", "concurrent-resource-quota-syncs"},
    {"SAController.ServiceAccountKeyFile", "service-account-private-key-file"},
    {"SAController.ConcurrentSATokenSyncs", "concurrent-serviceaccount-token-syncs"},
    {"SAController.RootCAFile", "root-ca-file"},
    {"ServiceController.ConcurrentServiceSyncs", "concurrent-service-syncs"},
    {"TTLAfterFinishedController.ConcurrentTTLSyncs", "concurrent-ttl-after-finished-syncs"},
    {"ValidatingAdmissionPolicyStatusController.ConcurrentPolicySyncs", "concurrent-validating-admission-policy-status-syncs"},
    {"DeviceTaintEvictionController.ConcurrentSyncs", "concurrent-device-taint-eviction-syncs"},
    {"ResourceClaimController.ConcurrentSyncs", "concurrent-resourceclaim-syncs"},
};

std::string json_of_list(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) {
    if (out.size() > 1) out += ',';
    codec::append_json_string(item, out);
  }
  return out + "]";
}

// A flag's value as JSON. Of the two service ranges each field has its own.
std::string json_of(const component::FlagSet& flags, const component::FlagValues& values, const Field& field) {
  if (field.value.starts_with('=')) return std::string(field.value.substr(1));
  if (field.value == "controllers") {
    const std::vector<std::string> list = flags.get_list(field.value);
    return json_of_list(list.empty() ? std::vector<std::string>{"*"} : list);
  }
  const auto specs = kube_controller_manager_flags();
  const auto spec = std::ranges::find(specs, field.value, &component::FlagSpec::name);
  const auto value = std::ranges::find(values, field.value, [](const auto& one) { return std::string_view(one.first); });
  CHECK(spec != specs.end() && value != values.end(), field.value);
  using enum component::FlagType;
  if (spec->type == Bool || spec->type == Int || spec->type == Float) return value->second;
  std::string text = value->second;
  if (spec->type == Duration) text = api::format_duration(api::Duration{flags.get_duration(field.value).count()});
  if (field.value == "service-cluster-ip-range") {
    const auto ranges = split_words(text, ',');
    const std::size_t which = field.path.ends_with(".SecondaryServiceCIDR") ? 1 : 0;
    text = which < ranges.size() ? std::string(ranges[which]) : "";
  }
  std::string out;
  codec::append_json_string(text, out);
  return out;
}

}  // namespace

std::string controller_manager_configuration(const component::FlagSet& flags) {
  const component::FlagValues values = flags.values();
  std::string out = "{";
  std::vector<std::string_view> open;  // the objects that the last field stands in
  for (const Field& field : fields) {
    std::vector<std::string_view> path = split_words(field.path, '.');
    const std::string_view name = path.back();
    path.pop_back();
    const std::size_t common = static_cast<std::size_t>(std::ranges::mismatch(open, path).in1 - open.begin());
    out.append(open.size() - common, '}');
    open.resize(common);
    for (std::size_t i = common; i < path.size(); ++i) {
      out += out.back() == '{' ? "\"" : ",\"";
      out += path[i];
      out += "\":{";
      open.push_back(path[i]);
    }
    out += out.back() == '{' ? "\"" : ",\"";
    out += name;
    out += "\":" + json_of(flags, values, field);
  }
  out.append(open.size() + 1, '}');
  return out;
}

}  // namespace pintle::cmd

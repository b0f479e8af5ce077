// The table of controllers, in the order in which they are made.
#include <algorithm>

#include "controller/attach_detach/controller.h"
#include "controller/bootstrap/controller.h"
#include "controller/clusterrole_aggregation/controller.h"
#include "controller/cronjob/controller.h"
#include "controller/csr/controller.h"
#include "controller/daemonset/controller.h"
#include "controller/deployment/controller.h"
#include "controller/device_taint_eviction/controller.h"
#include "controller/disruption/controller.h"
#include "controller/endpoints/controller.h"
#include "controller/endpointslice/controller.h"
#include "controller/ephemeral_volume/controller.h"
#include "controller/garbage/controller.h"
#include "controller/horizontal_pod_autoscaler/controller.h"
#include "controller/job/controller.h"
#include "controller/legacy_token_cleaner/controller.h"
#include "controller/manager.h"
#include "controller/namespace_lifecycle/controller.h"
#include "controller/node_ipam/controller.h"
#include "controller/node_lifecycle/controller.h"
#include "controller/pod_gc/controller.h"
#include "controller/policy_status/controller.h"
#include "controller/replicaset/controller.h"
#include "controller/resource_claim/controller.h"
#include "controller/resourcequota/controller.h"
#include "controller/root_ca/controller.h"
#include "controller/selinux_warning/controller.h"
#include "controller/service_cidr/controller.h"
#include "controller/serviceaccount/controller.h"
#include "controller/serviceaccount_token/controller.h"
#include "controller/statefulset/controller.h"
#include "controller/taint_eviction/controller.h"
#include "controller/ttl/controller.h"
#include "controller/ttl_after_finished/controller.h"
#include "controller/volume_binder/controller.h"
#include "controller/volume_expander/controller.h"
#include "controller/volume_protection/controller.h"

namespace pintle::controller {

namespace {

constexpr ControllerRow rows[] = {
    {"serviceaccount-token-controller", "serviceaccount-token", "", "serviceaccount-token-controller", serviceaccount_token::make_token_controller},
    {"serviceaccount-controller", "serviceaccount", "service-account-controller", "service-account-controller",
     serviceaccount::make_serviceaccount_controller},
    {"legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner", "legacy-service-account-token-cleaner",
     "legacy-service-account-token-cleaner", legacy_token_cleaner::make_legacy_token_cleaner},
    {"root-ca-certificate-publisher-controller", "root-ca-cert-publisher", "root-ca-cert-publisher", "root-ca-cert-publisher",
     root_ca::make_root_ca_publisher},
    {"namespace-controller", "namespace", "namespace-controller", "namespace-controller", namespace_lifecycle::make_namespace_controller},
    {"garbage-collector-controller", "garbagecollector", "generic-garbage-collector", "garbage-collector-controller",
     garbage::make_garbage_collector},
    {"endpointslice-controller", "endpointslice", "endpointslice-controller", "endpoint-slice-controller",
     endpointslice::make_endpointslice_controller},
    {"endpoints-controller", "endpoint", "endpoint-controller", "endpoint-controller", endpoints::make_endpoints_controller},
    {"endpointslice-mirroring-controller", "endpointslicemirroring", "endpointslicemirroring-controller", "endpoint-slice-mirroring-controller",
     endpoints::make_endpointslice_mirroring_controller},
    {"node-ipam-controller", "nodeipam", "node-controller", "cidrAllocator", node_ipam::make_node_ipam_controller},
    {"node-lifecycle-controller", "nodelifecycle", "node-controller", "node-controller", node_lifecycle::make_node_lifecycle_controller},
    {"taint-eviction-controller", "taint-eviction-controller", "node-controller", "taint-eviction-controller",
     taint_eviction::make_taint_eviction_controller},
    {"device-taint-eviction-controller", "device-taint-eviction-controller", "device-taint-eviction-controller", "device-taint-eviction-controller",
     device_taint_eviction::make_device_taint_eviction_controller},
    {"pod-garbage-collector-controller", "podgc", "pod-garbage-collector", "pod-garbage-collector-controller", pod_gc::make_pod_gc_controller},
    {"certificatesigningrequest-approving-controller", "csrapproving", "certificate-controller", "certificate-controller", csr::make_csr_approver},
    {"certificatesigningrequest-signing-controller", "csrsigning", "certificate-controller", "certificate-controller", csr::make_csr_signer},
    {"certificatesigningrequest-cleaner-controller", "csrcleaner", "certificate-controller", "certificate-controller", csr::make_csr_cleaner},
    {"bootstrap-signer-controller", "bootstrapsigner", "bootstrap-signer", "bootstrap-signer-controller", bootstrap::make_bootstrap_signer, false},
    {"token-cleaner-controller", "tokencleaner", "token-cleaner", "token-cleaner-controller", bootstrap::make_token_cleaner, false},
    {"clusterrole-aggregation-controller", "clusterrole-aggregation", "clusterrole-aggregation-controller", "clusterrole-aggregation-controller",
     clusterrole_aggregation::make_clusterrole_aggregation_controller},
    {"ttl-after-finished-controller", "ttl-after-finished", "ttl-after-finished-controller", "ttl-after-finished-controller",
     ttl_after_finished::make_ttl_after_finished_controller},
    {"ttl-controller", "ttl", "ttl-controller", "ttl-controller", ttl::make_ttl_controller},
    {"deployment-controller", "deployment", "deployment-controller", "deployment-controller", deployment::make_deployment_controller},
    {"replicaset-controller", "replicaset", "replicaset-controller", "replicaset-controller", replicaset::make_replicaset_controller},
    {"daemonset-controller", "daemonset", "daemon-set-controller", "daemonset-controller", daemonset::make_daemonset_controller},
    {"statefulset-controller", "statefulset", "statefulset-controller", "statefulset-controller", statefulset::make_statefulset_controller},
    {"cronjob-controller", "cronjob", "cronjob-controller", "cronjob-controller", cronjob::make_cronjob_controller},
    {"persistentvolumeclaim-protection-controller", "pvc-protection", "pvc-protection-controller", "pvc-protection-controller",
     volume_protection::make_claim_protection_controller},
    {"persistentvolume-protection-controller", "pv-protection", "pv-protection-controller", "pv-protection-controller",
     volume_protection::make_volume_protection_controller},
    {"volumeattributesclass-protection-controller", "volumeattributesclass-protection-controller", "volumeattributesclass-protection-controller",
     "volumeattributesclass-protection-controller", volume_protection::make_attributes_class_protection_controller},
    {"persistentvolume-binder-controller", "persistentvolume-binder", "persistent-volume-binder", "persistentvolume-controller",
     volume_binder::make_volume_binder_controller},
    {"persistentvolume-attach-detach-controller", "attachdetach", "attachdetach-controller", "attachdetach-controller",
     attach_detach::make_attach_detach_controller},
    {"persistentvolume-expander-controller", "persistentvolume-expander", "expand-controller", "volume_expand",
     volume_expander::make_volume_expander},
    {"validatingadmissionpolicy-status-controller", "validatingadmissionpolicy-status-controller", "", "validatingadmissionpolicy-status-controller",
     policy_status::make_policy_status_controller},
    {"selinux-warning-controller", "selinux-warning-controller", "selinux-warning-controller", "selinux_warning",
     selinux_warning::make_selinux_warning_controller, false},
    {"service-cidr-controller", "service-cidr-controller", "service-cidrs-controller", "service-cidr-controller",
     service_cidr::make_service_cidr_controller},
    {"ephemeral-volume-controller", "ephemeral-volume", "ephemeral-volume-controller", "ephemeral_volume",
     ephemeral_volume::make_ephemeral_volume_controller},
    {"resourceclaim-controller", "resource-claim-controller", "resource-claim-controller", "resource_claim",
     resource_claim::make_resource_claim_controller},
    {"horizontal-pod-autoscaler-controller", "horizontalpodautoscaling", "horizontal-pod-autoscaler", "horizontal-pod-autoscaler",
     horizontal_pod_autoscaler::make_horizontal_pod_autoscaler},
    {"disruption-controller", "disruption", "disruption-controller", "controllermanager", disruption::make_disruption_controller},
    {"resourcequota-controller", "resourcequota", "resourcequota-controller", "resourcequota-controller",
     resourcequota::make_resourcequota_controller},
    {"job-controller", "job", "job-controller", "job-controller", job::make_job_controller},
    {"replicationcontroller-controller", "replicationcontroller", "replication-controller", "replication-controller",
     replicaset::make_replication_controller},
};

// A controller of Kubernetes that is not here. Its name is accepted, as command lines name it.
struct AbsentRow {
  std::string_view name;
  std::string_view alias;  // its older name; "": none
  enum class Why { Cloud, Gates } why;
  std::vector<std::string_view> gates = {};  // all of them must be on for upstream to run it
  static constexpr bool default_on = true;
};

const std::vector<AbsentRow>& absent_rows() {
  using enum AbsentRow::Why;
  static const std::vector<AbsentRow> rows = {
      {"kube-apiserver-serving-clustertrustbundle-publisher-controller", "", Gates, {"ClusterTrustBundle"}},
      {"storage-version-migrator-controller", "", Gates, {"StorageVersionMigrator"}},
      {"node-route-controller", "route", Cloud},
      {"storageversion-garbage-collector-controller", "", Gates, {"APIServerIdentity", "StorageVersionAPI"}},
      {"service-lb-controller", "service", Cloud},
      {"cloud-node-lifecycle-controller", "cloud-node-lifecycle", Cloud},
      {"podgroup-protection-controller", "", Gates, {"GenericWorkload"}},
      {"podcertificaterequest-cleaner-controller", "", Gates, {"PodCertificateRequest"}},
      {"resourcepoolstatusrequest-controller", "", Gates, {"DRAResourcePoolStatus"}},
  };
  return rows;
}

// Whether a --controllers list switches it on: a name outweighs the star.
template <class Row>
bool is_selected(const Row& row, const std::vector<std::string>& list) {
  const auto names_it = [&](std::string_view entry) { return entry == row.name || (!row.alias.empty() && entry == row.alias); };
  bool on = row.default_on && std::ranges::find(list, "*") != list.end();
  for (const std::string_view entry : list) {
    if (names_it(entry)) on = true;
    if (entry.starts_with('-') && names_it(entry.substr(1))) on = false;
  }
  return on;
}

}  // namespace

std::span<const ControllerRow> controller_table() { return rows; }

Result<std::vector<const ControllerRow*>> select_controllers(const std::vector<std::string>& list, std::span<const ControllerRow> table) {
  for (const std::string& entry : list) {
    if (entry == "*") continue;
    const std::string_view name = entry.starts_with('-') ? std::string_view(entry).substr(1) : std::string_view(entry);
    const auto has_name = [name](const auto& row) { return !name.empty() && (row.name == name || row.alias == name); };
    if (std::ranges::none_of(table, has_name) && std::ranges::none_of(absent_rows(), has_name))
      return bad_request("\"" + std::string(name) + "\" is no controller");
  }
  std::vector<const ControllerRow*> out;
  for (const ControllerRow& row : table)
    if (is_selected(row, list)) out.push_back(&row);
  return out;
}

std::vector<AbsentController> absent_controllers(const std::vector<std::string>& list, const component::FeatureGates& gates) {
  std::vector<AbsentController> out;
  for (const AbsentRow& row : absent_rows()) {
    if (!is_selected(row, list)) continue;
    const bool on = std::ranges::all_of(row.gates, [&](std::string_view gate) { return gates.enabled(gate); });
    if (row.why == AbsentRow::Why::Cloud) {
      out.push_back({row.name, "Skipping a cloud provider controller", {}});
    } else if (!on) {
      std::string names;
      for (const std::string_view gate : row.gates) names += (names.empty() ? "" : ",") + std::string(gate);
      out.push_back({row.name, "Controller is disabled by a feature gate", std::move(names)});
    } else {
      out.push_back({row.name, "The controller is not part of this manager", {}});
    }
  }
  return out;
}

}  // namespace pintle::controller

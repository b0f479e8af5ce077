#include "apiserver/admission/plugins.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/admission/factories.h"
#include "apiserver/admission/settings.h"

namespace pintle::apiserver::admission {
namespace {

using Factory = std::unique_ptr<AdmissionPlugin> (*)(const AdmissionDeps&);

// Every name that upstream knows, in the order in which upstream runs them.
struct Entry {
  std::string_view name;
  bool on_by_default;
  Factory make;  // nullptr: it has nothing to do: its kinds are not served, or it does nothing
};
constexpr Entry entries[] = {
    {"AlwaysAdmit", false, nullptr},
    {"NamespaceAutoProvision", false, make_namespace_auto_provision},
    {"NamespaceLifecycle", true, make_namespace_lifecycle},
    {"NamespaceExists", false, make_namespace_exists},
    {"LimitPodHardAntiAffinityTopology", false, make_limit_pod_hard_anti_affinity_topology},
    {"LimitRanger", true, make_limit_ranger},
    {"ServiceAccount", true, make_service_account},
    {"NodeRestriction", false, make_node_restriction},
    {"TaintNodesByCondition", true, make_taint_nodes_by_condition},
    {"AlwaysPullImages", false, make_always_pull_images},
    {"ImagePolicyWebhook", false, make_image_policy_webhook},
    {"PodSecurity", true, make_pod_security},
    {"PodNodeSelector", false, make_pod_node_selector},
    {"Priority", true, make_priority},
    {"DefaultTolerationSeconds", true, make_default_toleration_seconds},
    {"PodTolerationRestriction", false, make_pod_toleration_restriction},
    {"EventRateLimit", false, make_event_rate_limit},
    {"ExtendedResourceToleration", false, make_extended_resource_toleration},
    {"DefaultStorageClass", true, make_default_storage_class},
    {"StorageObjectInUseProtection", true, make_storage_object_in_use_protection},
    {"PodGroupProtection", true, nullptr},
    {"OwnerReferencesPermissionEnforcement", false, make_owner_references_permission_enforcement},
    {"PersistentVolumeClaimResize", true, make_persistent_volume_claim_resize},
    {"RuntimeClass", true, make_runtime_class},
    {"CertificateApproval", true, make_certificate_approval},
    {"CertificateSigning", true, make_certificate_signing},
    {"ClusterTrustBundleAttest", true, nullptr},
    {"CertificateSubjectRestriction", true, make_certificate_subject_restriction},
    {"DefaultIngressClass", true, make_default_ingress_class},
    {"DenyServiceExternalIPs", false, make_deny_service_external_ips},
    {"PodTopologyLabels", true, make_pod_topology_labels},
    {"PodGroupWorkloadExists", true, nullptr},
    {"NodeDeclaredFeatureValidator", true, make_node_declared_feature_validator},
    {"JobValidation", true, nullptr},
    {"PodResizeValidator", true, make_pod_resize_validator},
    {"MutatingAdmissionPolicy", true, make_mutating_admission_policy},
    {"MutatingAdmissionWebhook", true, make_mutating_admission_webhook},
    {"ValidatingAdmissionPolicy", true, make_validating_admission_policy},
    {"ValidatingAdmissionWebhook", true, make_validating_admission_webhook},
    {"ResourceQuota", true, make_resource_quota},
    {"AlwaysDeny", false, make_always_deny},
};

bool contains(const std::vector<std::string>& list, std::string_view name) { return std::find(list.begin(), list.end(), name) != list.end(); }

Result<Unit> check_names(const std::vector<std::string>& names, std::string_view flag) {
  for (const auto& name : names)
    if (!is_admission_plugin(name)) return bad_request(fmt::format("{}: there is no admission plugin \"{}\"", flag, name));
  return Unit{};
}

}  // namespace

bool is_admission_plugin(std::string_view name) { return std::ranges::find(entries, name, &Entry::name) != std::end(entries); }

Result<Unit> check_admission_config(const AdmissionConfig& config, const PluginSettings& settings) {
  TRY(check_names(config.enable, "--enable-admission-plugins"));
  TRY(check_names(config.disable, "--disable-admission-plugins"));
  for (const auto& name : config.enable)
    if (contains(config.disable, name)) return bad_request(fmt::format("the admission plugin \"{}\" is both enabled and disabled", name));
  if (contains(config.enable, "EventRateLimit") && !settings.event_limits)
    return bad_request("--enable-admission-plugins: EventRateLimit needs its limits, by --admission-control-config-file");
  if (contains(config.enable, "ImagePolicyWebhook") && !settings.image_policy)
    return bad_request("--enable-admission-plugins: ImagePolicyWebhook needs to know its webhook, by --admission-control-config-file");
  return Unit{};
}

std::vector<std::unique_ptr<AdmissionPlugin>> make_admission_plugins(const AdmissionConfig& config, const AdmissionDeps& deps) {
  std::vector<std::unique_ptr<AdmissionPlugin>> out;
  for (const Entry& entry : entries) {
    const bool on = entry.on_by_default ? !contains(config.disable, entry.name) : contains(config.enable, entry.name);
    if (on && entry.make != nullptr) out.push_back(entry.make(deps));
  }
  return out;
}

}  // namespace pintle::apiserver::admission

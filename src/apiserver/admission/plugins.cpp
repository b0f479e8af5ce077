#include "apiserver/admission/plugins.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/admission/certificates/certificates.h"
#include "apiserver/admission/configured/configured.h"
#include "apiserver/admission/default_ingress_class/default_ingress_class.h"
#include "apiserver/admission/default_toleration_seconds/default_toleration_seconds.h"
#include "apiserver/admission/limit_ranger/limit_ranger.h"
#include "apiserver/admission/namespace_lifecycle/namespace_lifecycle.h"
#include "apiserver/admission/node_restriction/node_restriction.h"
#include "apiserver/admission/pod_resize/pod_resize.h"
#include "apiserver/admission/pod_security/pod_security.h"
#include "apiserver/admission/pod_topology_labels/pod_topology_labels.h"
#include "apiserver/admission/priority/priority.h"
#include "apiserver/admission/resource_quota/resource_quota.h"
#include "apiserver/admission/runtime_class/runtime_class.h"
#include "apiserver/admission/service_account/service_account.h"
#include "apiserver/admission/simple/simple.h"
#include "apiserver/admission/storage/storage.h"
#include "apiserver/admission/taint_nodes_by_condition/taint_nodes_by_condition.h"

namespace pintle::apiserver {
namespace {

using Factory = std::unique_ptr<AdmissionPlugin> (*)(const AdmissionDeps&);

// Every name that upstream knows, in the order in which upstream runs them.
struct Entry {
  std::string_view name;
  bool on_by_default;
  Factory make;  // nullptr: nothing here yet
};
constexpr Entry entries[] = {
    {"AlwaysAdmit", false, nullptr},
    {"NamespaceAutoProvision", false, nullptr},
    {"NamespaceLifecycle", true, make_namespace_lifecycle},
    {"NamespaceExists", false, nullptr},
    {"LimitPodHardAntiAffinityTopology", false, nullptr},
    {"LimitRanger", true, make_limit_ranger},
    {"ServiceAccount", true, make_service_account},
    {"NodeRestriction", false, make_node_restriction},
    {"TaintNodesByCondition", true, make_taint_nodes_by_condition},
    {"AlwaysPullImages", false, make_always_pull_images},
    {"ImagePolicyWebhook", false, nullptr},
    {"PodSecurity", true, make_pod_security},
    {"PodNodeSelector", false, nullptr},
    {"Priority", true, make_priority},
    {"DefaultTolerationSeconds", true, nullptr},  // made below: it has settings
    {"PodTolerationRestriction", false, nullptr},
    {"EventRateLimit", false, nullptr},
    {"ExtendedResourceToleration", false, make_extended_resource_toleration},
    {"DefaultStorageClass", true, make_default_storage_class},
    {"StorageObjectInUseProtection", true, make_storage_object_in_use_protection},
    {"PodGroupProtection", true, nullptr},
    {"OwnerReferencesPermissionEnforcement", false, nullptr},
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
  for (const auto& name : names) {
    const auto known = [&](const Entry& entry) { return entry.name == name; };
    if (std::none_of(std::begin(entries), std::end(entries), known))
      return bad_request(fmt::format("{}: there is no admission plugin \"{}\"", flag, name));
  }
  return Unit{};
}

// Asked for, and nothing here does what it does. Those that are on by default and have no factory belong to kinds that are
// not served; AlwaysAdmit does nothing.
bool is_missing(const Entry& entry) { return entry.make == nullptr && !entry.on_by_default && entry.name != "AlwaysAdmit"; }

}  // namespace

Result<Unit> check_admission_config(const AdmissionConfig& config) {
  TRY(check_names(config.enable, "--enable-admission-plugins"));
  TRY(check_names(config.disable, "--disable-admission-plugins"));
  for (const auto& name : config.enable)
    if (contains(config.disable, name)) return bad_request(fmt::format("the admission plugin \"{}\" is both enabled and disabled", name));
  for (const Entry& entry : entries)
    if (is_missing(entry) && contains(config.enable, entry.name))
      return bad_request(
          fmt::format("--enable-admission-plugins: \"{}\" is not there yet, and a server that goes on without it protects nothing", entry.name));
  return Unit{};
}

std::vector<std::unique_ptr<AdmissionPlugin>> make_admission_plugins(const AdmissionConfig& config, const AdmissionDeps& deps) {
  std::vector<std::unique_ptr<AdmissionPlugin>> members;
  for (const Entry& entry : entries) {
    if (contains(config.disable, entry.name) || (!entry.on_by_default && !contains(config.enable, entry.name))) continue;
    if (entry.name == "DefaultTolerationSeconds")
      members.push_back(make_default_toleration_seconds(config.default_not_ready_toleration_seconds, config.default_unreachable_toleration_seconds));
    else if (entry.make)
      members.push_back(entry.make(deps));
  }
  std::vector<std::unique_ptr<AdmissionPlugin>> out;
  out.push_back(std::make_unique<AdmissionSequence>(std::move(members)));
  return out;
}

rt::Task<Result<Unit>> AdmissionSequence::admit(rt::Context ctx, AdmissionAttributes& attributes) {
  for (const auto& member : members_) {
    if (!member->handles(attributes.operation)) continue;
    auto answer = member->admit_now(attributes);
    if (!answer) answer = co_await member->admit(ctx, attributes);
    if (!*answer) co_return std::move(*answer);
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> AdmissionSequence::validate(rt::Context ctx, const AdmissionAttributes& attributes) {
  for (const auto& member : members_) {
    if (!member->handles(attributes.operation)) continue;
    auto answer = member->validate_now(attributes);
    if (!answer) answer = co_await member->validate(ctx, attributes);
    if (!*answer) co_return std::move(*answer);
  }
  co_return Unit{};
}

std::vector<std::string_view> AdmissionSequence::member_names() const {
  std::vector<std::string_view> out;
  for (const auto& member : members_) out.push_back(member->name());
  return out;
}

}  // namespace pintle::apiserver

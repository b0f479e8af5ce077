#include "apiserver/authorization/node/pod_references.h"

#include <algorithm>

#include "rules/pod_claims.h"
#include "rules/pod_references.h"

namespace pintle::apiserver::authorization::node {
namespace {

using namespace api::core_v1;

void add(std::vector<std::string>& out, const std::string& name) {
  if (!name.empty()) out.push_back(name);
}
void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

std::string claim_ns(const PersistentVolume& volume) { return volume.spec.claim_ref ? volume.spec.claim_ref->namespace_ : std::string(); }

}  // namespace

PodReferences references_of(const Pod& pod) {
  PodReferences out;
  if (pod.metadata.annotations.contains(mirror_annotation)) return out;
  out.secrets = rules::secret_names(pod);
  out.config_maps = rules::config_map_names(pod);
  out.service_account = pod.spec.service_account_name;
  for (const auto& volume : pod.spec.volumes) add(out.claims, rules::claim_name(pod, volume));
  for (const auto& claim : pod.spec.resource_claims) {
    if (claim.resource_claim_name) add(out.resource_claims, *claim.resource_claim_name);
    if (!claim.resource_claim_template_name) continue;
    for (const auto& status : pod.status.resource_claim_statuses)
      if (status.name == claim.name && status.resource_claim_name) add(out.resource_claims, *status.resource_claim_name);
  }
  if (pod.status.extended_resource_claim_status) add(out.resource_claims, pod.status.extended_resource_claim_status->resource_claim_name);
  sort_unique(out.claims);
  sort_unique(out.resource_claims);
  return out;
}

std::vector<NamespacedName> node_secrets_of(const PersistentVolume& volume) {
  std::vector<NamespacedName> out;
  const auto& spec = volume.spec;
  // A reference without a namespace is to the namespace of the claim.
  const auto add_secret = [&](const auto& source) {
    if (!source || !source->secret_ref || source->secret_ref->name.empty()) return;
    const auto& ns = source->secret_ref->namespace_;
    out.push_back({ns.empty() ? claim_ns(volume) : ns, source->secret_ref->name});
  };
  if (spec.azure_file && !spec.azure_file->secret_name.empty()) {
    const std::string ns = spec.azure_file->secret_namespace.value_or("");
    out.push_back({ns.empty() ? claim_ns(volume) : ns, spec.azure_file->secret_name});
  }
  add_secret(spec.cephfs);
  add_secret(spec.cinder);
  add_secret(spec.flex_volume);
  add_secret(spec.rbd);
  add_secret(spec.scale_io);
  add_secret(spec.iscsi);
  add_secret(spec.storageos);
  if (spec.csi)
    for (const auto* secret : {&spec.csi->node_publish_secret_ref, &spec.csi->node_stage_secret_ref, &spec.csi->node_expand_secret_ref})
      if (*secret) out.push_back({(*secret)->namespace_, (*secret)->name});
  return out;
}

}  // namespace pintle::apiserver::authorization::node

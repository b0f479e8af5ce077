#include "apiserver/authorization/node/pod_references.h"

#include "rules/pod_claims.h"

#include <algorithm>

namespace pintle::apiserver::authorization::node {
namespace {

using namespace api::core_v1;

void add(std::vector<std::string>& out, const std::string& name) {
  if (!name.empty()) out.push_back(name);
}
template <class Source>
void add_ref(std::vector<std::string>& out, const Source& source) {
  if (source && source->secret_ref) add(out, source->secret_ref->name);
}
void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

template <class Visit>
void each_container(const PodSpec& spec, Visit visit) {
  for (const auto& container : spec.init_containers) visit(container.env_from, container.env);
  for (const auto& container : spec.containers) visit(container.env_from, container.env);
  for (const auto& container : spec.ephemeral_containers) visit(container.env_from, container.env);
}

void add_volume_secrets(const Volume& volume, std::vector<std::string>& out) {
  if (volume.azure_file) add(out, volume.azure_file->secret_name);
  add_ref(out, volume.cephfs);
  add_ref(out, volume.cinder);
  add_ref(out, volume.flex_volume);
  add_ref(out, volume.rbd);
  add_ref(out, volume.scale_io);
  add_ref(out, volume.iscsi);
  add_ref(out, volume.storageos);
  if (volume.secret) add(out, volume.secret->secret_name);
  if (volume.csi && volume.csi->node_publish_secret_ref) add(out, volume.csi->node_publish_secret_ref->name);
  if (volume.projected)
    for (const auto& source : volume.projected->sources)
      if (source.secret) add(out, source.secret->name);
}

std::string claim_ns(const PersistentVolume& volume) { return volume.spec.claim_ref ? volume.spec.claim_ref->namespace_ : std::string(); }

}  // namespace

std::vector<std::string> secret_names(const Pod& pod) {
  std::vector<std::string> out;
  for (const auto& reference : pod.spec.image_pull_secrets) add(out, reference.name);
  each_container(pod.spec, [&](const auto& env_from, const auto& env) {
    for (const auto& source : env_from)
      if (source.secret_ref) add(out, source.secret_ref->name);
    for (const auto& variable : env)
      if (variable.value_from && variable.value_from->secret_key_ref) add(out, variable.value_from->secret_key_ref->name);
  });
  for (const auto& volume : pod.spec.volumes) add_volume_secrets(volume, out);
  sort_unique(out);
  return out;
}

std::vector<std::string> config_map_names(const Pod& pod) {
  std::vector<std::string> out;
  each_container(pod.spec, [&](const auto& env_from, const auto& env) {
    for (const auto& source : env_from)
      if (source.config_map_ref) add(out, source.config_map_ref->name);
    for (const auto& variable : env)
      if (variable.value_from && variable.value_from->config_map_key_ref) add(out, variable.value_from->config_map_key_ref->name);
  });
  for (const auto& volume : pod.spec.volumes) {
    if (volume.config_map) add(out, volume.config_map->name);
    if (volume.projected)
      for (const auto& source : volume.projected->sources)
        if (source.config_map) add(out, source.config_map->name);
  }
  sort_unique(out);
  return out;
}

PodReferences references_of(const Pod& pod) {
  PodReferences out;
  if (pod.metadata.annotations.contains(mirror_annotation)) return out;
  out.secrets = secret_names(pod);
  out.config_maps = config_map_names(pod);
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

#include "rules/pod_references.h"

#include <algorithm>

namespace pintle::rules {

namespace {

using namespace api::core_v1;

template <class List>
void each_of_containers(const List& containers, const char* list, const VisitStored& visit) {
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const auto& from = containers[i].env_from;
    for (std::size_t k = 0; k < from.size(); ++k) {
      if (from[k].secret_ref) visit(StoredKind::Secret, from[k].secret_ref->name, {list, i, ".envFrom", k, ".secretRef"});
      if (from[k].config_map_ref) visit(StoredKind::ConfigMap, from[k].config_map_ref->name, {list, i, ".envFrom", k, ".configMapRef"});
    }
    const auto& env = containers[i].env;
    for (std::size_t k = 0; k < env.size(); ++k) {
      const auto& source = env[k].value_from;
      if (!source) continue;
      if (source->secret_key_ref) visit(StoredKind::Secret, source->secret_key_ref->name, {list, i, ".env", k, ".valueFrom.secretKeyRef"});
      if (source->config_map_key_ref) {
        visit(StoredKind::ConfigMap, source->config_map_key_ref->name, {list, i, ".env", k, ".valueFrom.configMapKeyRef"});
      }
    }
  }
}

void each_of_volume(const Volume& volume, std::size_t i, const VisitStored& visit) {
  constexpr const char* list = "spec.volumes";
  // Of drivers whose secrets are the API's.
  const auto driver = [&](const auto& source, const char* field) {
    if (source && source->secret_ref) visit(StoredKind::Secret, source->secret_ref->name, {list, i, field});
  };
  if (volume.secret) visit(StoredKind::Secret, volume.secret->secret_name, {list, i, ".secret"});
  if (volume.config_map) visit(StoredKind::ConfigMap, volume.config_map->name, {list, i, ".configMap"});
  driver(volume.cephfs, ".cephfs.secretRef");
  driver(volume.cinder, ".cinder.secretRef");
  driver(volume.flex_volume, ".flexVolume.secretRef");
  driver(volume.rbd, ".rbd.secretRef");
  driver(volume.scale_io, ".scaleIO.secretRef");
  driver(volume.iscsi, ".iscsi.secretRef");
  driver(volume.storageos, ".storageos.secretRef");
  if (volume.azure_file && !volume.azure_file->secret_name.empty()) {
    visit(StoredKind::Secret, volume.azure_file->secret_name, {list, i, ".azureFile"});
  }
  if (volume.csi && volume.csi->node_publish_secret_ref) {
    visit(StoredKind::Secret, volume.csi->node_publish_secret_ref->name, {list, i, ".csi.nodePublishSecretRef"});
  }
  if (!volume.projected) return;
  const auto& sources = volume.projected->sources;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    if (sources[k].secret) visit(StoredKind::Secret, sources[k].secret->name, {list, i, ".projected.sources", k, ".secret"});
    if (sources[k].config_map) visit(StoredKind::ConfigMap, sources[k].config_map->name, {list, i, ".projected.sources", k, ".configMap"});
  }
}

std::vector<std::string> names_of(const Pod& pod, StoredKind wanted) {
  std::vector<std::string> out;
  each_stored_reference(pod.spec, [&](StoredKind kind, const std::string& name, const PodField&) {
    if (kind == wanted && !name.empty()) out.push_back(name);
  });
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

// In the order in which they are told of.
enum class Rank : uint8_t { ServiceAccount, Secret, ConfigMap, ResourceClaim, Other, None };

class First {
 public:
  void tell(Rank rank, const char* kind, const PodField& field) {
    if (rank >= rank_) return;
    rank_ = rank;
    found = ApiReference{kind, field.text()};
  }
  std::optional<ApiReference> found;

 private:
  Rank rank_ = Rank::None;
};

void tell_of_volume(const Volume& volume, std::size_t i, First& first) {
  const auto other = [&](bool there, const char* kind, const char* field) {
    if (there) first.tell(Rank::Other, kind, {"spec.volumes", i, field});
  };
  other(bool(volume.csi), "csidrivers (via CSI volumes)", ".csi");
  other(bool(volume.glusterfs), "endpoints (via glusterFS volumes)", ".glusterfs");
  other(bool(volume.persistent_volume_claim), "persistentvolumeclaims", ".persistentVolumeClaim");
  other(bool(volume.ephemeral), "persistentvolumeclaims (via ephemeral volumes)", ".ephemeral");
  other(bool(volume.azure_file), "secrets (via azureFile volumes)", ".azureFile");
  if (!volume.projected) return;
  for (std::size_t k = 0; k < volume.projected->sources.size(); ++k) {
    const VolumeProjection& source = volume.projected->sources[k];
    const auto projected = [&](bool there, const char* kind, const char* field) {
      if (there) first.tell(Rank::Other, kind, {"spec.volumes", i, ".projected.sources", k, field});
    };
    projected(bool(source.service_account_token), "serviceaccounts (via projected volumes)", ".serviceAccountToken");
    projected(bool(source.cluster_trust_bundle), "clustertrustbundles", ".clusterTrustBundle");
    projected(bool(source.pod_certificate), "podcertificates", ".podCertificate");
  }
}

}  // namespace

std::string PodField::text() const {
  const auto indexed = [](const char* name, std::size_t at) { return at == whole ? std::string(name) : name + ("[" + std::to_string(at) + "]"); };
  return indexed(list, index) + indexed(inner, inner_index) + last;
}

void each_stored_reference(const PodSpec& spec, const VisitStored& visit) {
  for (const LocalObjectReference& reference : spec.image_pull_secrets) visit(StoredKind::Secret, reference.name, {"spec.imagePullSecrets"});
  each_of_containers(spec.init_containers, "spec.initContainers", visit);
  each_of_containers(spec.containers, "spec.containers", visit);
  each_of_containers(spec.ephemeral_containers, "spec.ephemeralContainers", visit);
  for (std::size_t i = 0; i < spec.volumes.size(); ++i) each_of_volume(spec.volumes[i], i, visit);
}

std::vector<std::string> secret_names(const Pod& pod) { return names_of(pod, StoredKind::Secret); }
std::vector<std::string> config_map_names(const Pod& pod) { return names_of(pod, StoredKind::ConfigMap); }

std::optional<ApiReference> api_reference(const Pod& pod) {
  First first;
  const PodSpec& spec = pod.spec;
  if (!spec.service_account_name.empty()) first.tell(Rank::ServiceAccount, "serviceaccounts", {"spec.serviceAccountName"});
  if (!spec.service_account.empty()) first.tell(Rank::ServiceAccount, "serviceaccounts", {"spec.serviceAccount"});  // its older name
  each_stored_reference(spec, [&first](StoredKind kind, const std::string&, const PodField& field) {
    const bool secret = kind == StoredKind::Secret;
    first.tell(secret ? Rank::Secret : Rank::ConfigMap, secret ? "secrets" : "configmaps", field);
  });
  if (!spec.resource_claims.empty()) first.tell(Rank::ResourceClaim, "resourceclaims", {"spec.resourceClaims"});
  for (std::size_t i = 0; i < spec.volumes.size(); ++i) tell_of_volume(spec.volumes[i], i, first);
  return std::move(first.found);
}

}  // namespace pintle::rules

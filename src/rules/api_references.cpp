#include "rules/api_references.h"

namespace pintle::rules {

namespace {

using namespace api::core_v1;

// In the order in which they are told of.
enum class Rank : uint8_t { ServiceAccount, Secret, ConfigMap, ResourceClaim, Other, None };

class Walk {
 public:
  std::optional<ApiReference> found;

  void pod(const PodSpec& spec) {
    if (!spec.service_account_name.empty()) tell(Rank::ServiceAccount, "serviceaccounts", "spec.serviceAccountName");
    if (!spec.service_account.empty()) tell(Rank::ServiceAccount, "serviceaccounts", "spec.serviceAccount");  // its older name
    if (!spec.image_pull_secrets.empty()) secret("spec.imagePullSecrets");
    if (!spec.resource_claims.empty()) tell(Rank::ResourceClaim, "resourceclaims", "spec.resourceClaims");
    containers(spec.init_containers, "spec.initContainers");
    containers(spec.containers, "spec.containers");
    containers(spec.ephemeral_containers, "spec.ephemeralContainers");
    for (std::size_t i = 0; i < spec.volumes.size(); ++i) volume(spec.volumes[i], place("spec.volumes", i));
  }

 private:
  static std::string place(const std::string& list, std::size_t i) { return list + "[" + std::to_string(i) + "]"; }

  void tell(Rank rank, const char* kind, std::string field) {
    if (rank >= rank_) return;
    rank_ = rank;
    found = ApiReference{kind, std::move(field)};
  }
  void secret(std::string field) { tell(Rank::Secret, "secrets", std::move(field)); }
  void config_map(std::string field) { tell(Rank::ConfigMap, "configmaps", std::move(field)); }

  template <class List>
  void containers(const List& all, const std::string& field) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string at = place(field, i);
      for (std::size_t k = 0; k < all[i].env_from.size(); ++k) {
        if (all[i].env_from[k].secret_ref) secret(place(at + ".envFrom", k) + ".secretRef");
        if (all[i].env_from[k].config_map_ref) config_map(place(at + ".envFrom", k) + ".configMapRef");
      }
      for (std::size_t k = 0; k < all[i].env.size(); ++k) {
        const auto& from = all[i].env[k].value_from;
        if (from && from->secret_key_ref) secret(place(at + ".env", k) + ".valueFrom.secretKeyRef");
        if (from && from->config_map_key_ref) config_map(place(at + ".env", k) + ".valueFrom.configMapKeyRef");
      }
    }
  }

  // Drivers whose secrets are the API's.
  void driver_secrets(const Volume& volume, const std::string& field) {
    const auto look = [&](const auto& source, const char* name) {
      if (source && source->secret_ref) secret(field + "." + name + ".secretRef");
    };
    look(volume.cephfs, "cephfs");
    look(volume.cinder, "cinder");
    look(volume.flex_volume, "flexVolume");
    look(volume.rbd, "rbd");
    look(volume.scale_io, "scaleIO");
    look(volume.iscsi, "iscsi");
    look(volume.storageos, "storageos");
    if (volume.azure_file && !volume.azure_file->secret_name.empty()) secret(field + ".azureFile");
    if (volume.csi && volume.csi->node_publish_secret_ref) secret(field + ".csi.nodePublishSecretRef");
  }

  void volume(const Volume& volume, const std::string& field) {
    if (volume.secret) secret(field + ".secret");
    if (volume.config_map) config_map(field + ".configMap");
    driver_secrets(volume, field);
    if (volume.csi) tell(Rank::Other, "csidrivers (via CSI volumes)", field + ".csi");
    if (volume.glusterfs) tell(Rank::Other, "endpoints (via glusterFS volumes)", field + ".glusterfs");
    if (volume.persistent_volume_claim) tell(Rank::Other, "persistentvolumeclaims", field + ".persistentVolumeClaim");
    if (volume.ephemeral) tell(Rank::Other, "persistentvolumeclaims (via ephemeral volumes)", field + ".ephemeral");
    if (volume.azure_file) tell(Rank::Other, "secrets (via azureFile volumes)", field + ".azureFile");
    if (!volume.projected) return;
    for (std::size_t i = 0; i < volume.projected->sources.size(); ++i) {
      const VolumeProjection& source = volume.projected->sources[i];
      const std::string at = place(field + ".projected.sources", i);
      if (source.secret) secret(at + ".secret");
      if (source.config_map) config_map(at + ".configMap");
      if (source.service_account_token) tell(Rank::Other, "serviceaccounts (via projected volumes)", at + ".serviceAccountToken");
      if (source.cluster_trust_bundle) tell(Rank::Other, "clustertrustbundles", at + ".clusterTrustBundle");
      if (source.pod_certificate) tell(Rank::Other, "podcertificates", at + ".podCertificate");
    }
  }

  Rank rank_ = Rank::None;
};

}  // namespace

std::optional<ApiReference> api_reference(const Pod& pod) {
  Walk walk;
  walk.pod(pod.spec);
  return std::move(walk.found);
}

}  // namespace pintle::rules

#include "kubelet/static_pods/api_reference.h"

namespace pintle::kubelet::static_pods {

namespace {

using namespace api::core_v1;
using Found = std::optional<ApiReference>;

template <class List, class Look>
Found first_of(const List& list, const std::string& field, Look look) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (Found found = look(list[i], field + "[" + std::to_string(i) + "]")) return found;
  return std::nullopt;
}

Found of_env_source(const EnvFromSource& from, const std::string& field) {
  if (from.secret_ref) return ApiReference{"secrets", field + ".secretRef"};
  if (from.config_map_ref) return ApiReference{"configmaps", field + ".configMapRef"};
  return std::nullopt;
}

Found of_variable(const EnvVar& variable, const std::string& field) {
  if (!variable.value_from) return std::nullopt;
  if (variable.value_from->secret_key_ref) return ApiReference{"secrets", field + ".valueFrom.secretKeyRef"};
  if (variable.value_from->config_map_key_ref) return ApiReference{"configmaps", field + ".valueFrom.configMapKeyRef"};
  return std::nullopt;
}

template <class AnyContainer>
Found of_container(const AnyContainer& container, const std::string& field) {
  Found found = first_of(container.env_from, field + ".envFrom", of_env_source);
  return found ? found : first_of(container.env, field + ".env", of_variable);
}

Found of_projection(const VolumeProjection& source, const std::string& field) {
  if (source.secret) return ApiReference{"secrets (via projected volumes)", field + ".secret"};
  if (source.config_map) return ApiReference{"configmaps (via projected volumes)", field + ".configMap"};
  if (source.service_account_token) return ApiReference{"serviceaccounts (via projected volumes)", field + ".serviceAccountToken"};
  if (source.cluster_trust_bundle) return ApiReference{"clustertrustbundles", field + ".clusterTrustBundle"};
  if (source.pod_certificate) return ApiReference{"podcertificates", field + ".podCertificate"};
  return std::nullopt;
}

// Drivers whose secrets are the API's.
Found secret_of_volume(const Volume& volume, const std::string& field) {
  Found found;
  const auto look = [&](const auto& source, const char* name) {
    if (!found && source && source->secret_ref) found = ApiReference{"secrets", field + "." + name + ".secretRef"};
  };
  look(volume.cephfs, "cephfs");
  look(volume.cinder, "cinder");
  look(volume.flex_volume, "flexVolume");
  look(volume.rbd, "rbd");
  look(volume.scale_io, "scaleIO");
  look(volume.iscsi, "iscsi");
  look(volume.storageos, "storageos");
  return found;
}

Found of_volume(const Volume& volume, const std::string& field) {
  if (volume.secret) return ApiReference{"secrets (via secret volumes)", field + ".secret"};
  if (volume.config_map) return ApiReference{"configmaps (via configmap volumes)", field + ".configMap"};
  if (volume.csi) return ApiReference{"csidrivers (via CSI volumes)", field + ".csi"};
  if (volume.glusterfs) return ApiReference{"endpoints (via glusterFS volumes)", field + ".glusterfs"};
  if (volume.persistent_volume_claim) return ApiReference{"persistentvolumeclaims", field + ".persistentVolumeClaim"};
  if (volume.ephemeral) return ApiReference{"persistentvolumeclaims (via ephemeral volumes)", field + ".ephemeral"};
  if (volume.azure_file) return ApiReference{"secrets (via azureFile volumes)", field + ".azureFile"};
  if (volume.projected) return first_of(volume.projected->sources, field + ".projected.sources", of_projection);
  return secret_of_volume(volume, field);
}

}  // namespace

std::optional<ApiReference> api_reference(const Pod& pod) {
  const PodSpec& spec = pod.spec;
  if (!spec.service_account_name.empty()) return ApiReference{"serviceaccounts", "spec.serviceAccountName"};
  if (!spec.service_account.empty()) return ApiReference{"serviceaccounts", "spec.serviceAccount"};  // its older name
  if (!spec.image_pull_secrets.empty()) return ApiReference{"secrets", "spec.imagePullSecrets"};
  if (!spec.resource_claims.empty()) return ApiReference{"resourceclaims", "spec.resourceClaims"};
  if (Found found = first_of(spec.init_containers, "spec.initContainers", of_container<Container>)) return found;
  if (Found found = first_of(spec.containers, "spec.containers", of_container<Container>)) return found;
  if (Found found = first_of(spec.ephemeral_containers, "spec.ephemeralContainers", of_container<EphemeralContainer>)) return found;
  return first_of(spec.volumes, "spec.volumes", of_volume);
}

}  // namespace pintle::kubelet::static_pods

#include <array>
#include <set>
#include <string_view>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/volume_claim.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using namespace apimachinery;

constexpr int32_t mode_max = 0777;
constexpr int64_t token_seconds_min = 600;
constexpr int64_t token_seconds_max = int64_t{1} << 32;

void validate_mode(const std::optional<int32_t>& mode, const FieldPath& path, FieldErrors& errors) {
  if (mode && (*mode < 0 || *mode > mode_max)) errors.invalid(path, *mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

// A relative path that stays below its root.
void validate_local_path(std::string_view local, const FieldPath& path, FieldErrors& errors) {
  if (local.starts_with('/')) errors.invalid(path, local, "must be a relative path");
  for (std::size_t start = 0; start <= local.size();) {
    const std::size_t end = std::min(local.find('/', start), local.size());
    if (local.substr(start, end - start) == "..") {
      errors.invalid(path, local, "must not contain '..'");
      break;
    }
    start = end + 1;
  }
  if (local.starts_with("..") && !local.starts_with("../") && local != "..") errors.invalid(path, local, "must not start with '..'");
}

void validate_items(const std::vector<core::KeyToPath>& items, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const FieldPath at = path.index(i);
    if (items[i].key.empty()) errors.required(at.child("key"));
    if (items[i].path.empty()) errors.required(at.child("path"));
    validate_local_path(items[i].path, at.child("path"), errors);
    validate_mode(items[i].mode, at.child("mode"), errors);
  }
}

void validate_downward_file(const core::DownwardAPIVolumeFile& file, const FieldPath& path, FieldErrors& errors) {
  if (file.path.empty()) errors.required(path.child("path"));
  validate_local_path(file.path, path.child("path"), errors);
  if (file.field_ref) {
    constexpr std::array<std::string_view, 5> supported{"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
                                                        "metadata.uid"};
    const std::string_view field = std::string_view(file.field_ref->field_path).substr(0, file.field_ref->field_path.find('['));
    if (field.empty()) {
      errors.required(path.child("fieldRef", "fieldPath"));
    } else if (std::find(supported.begin(), supported.end(), field) == supported.end()) {
      errors.not_supported(path.child("fieldRef", "fieldPath"), file.field_ref->field_path, supported);
    }
    if (file.resource_field_ref) errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (file.resource_field_ref) {
    if (file.resource_field_ref->container_name.empty()) errors.required(path.child("resourceFieldRef", "containerName"));
    if (file.resource_field_ref->resource.empty()) errors.required(path.child("resourceFieldRef", "resource"));
  } else {
    errors.required(path, "one of fieldRef and resourceFieldRef is required");
  }
  validate_mode(file.mode, path.child("mode"), errors);
}

void validate_projected(const core::ProjectedVolumeSource& projected, const FieldPath& path, FieldErrors& errors) {
  validate_mode(projected.default_mode, path.child("defaultMode"), errors);
  std::set<std::string_view> paths;
  const auto unique = [&](std::string_view file, const FieldPath& at) {
    if (!file.empty() && !paths.insert(file).second) errors.invalid(at, file, "conflicting duplicate paths");
  };
  for (std::size_t i = 0; i < projected.sources.size(); ++i) {
    const core::VolumeProjection& source = projected.sources[i];
    const FieldPath at = path.child("sources").index(i);
    int given = 0;
    const auto first = [&](std::string_view name) {
      if (++given > 1) errors.forbidden(at.child(name), "may not specify more than 1 volume type per source");
      return given == 1;
    };
    if (source.secret && first("secret")) {
      if (source.secret->name.empty()) errors.required(at.child("secret", "name"));
      validate_items(source.secret->items, at.child("secret", "items"), errors);
      for (const core::KeyToPath& item : source.secret->items) unique(item.path, at);
    }
    if (source.config_map && first("configMap")) {
      if (source.config_map->name.empty()) errors.required(at.child("configMap", "name"));
      validate_items(source.config_map->items, at.child("configMap", "items"), errors);
      for (const core::KeyToPath& item : source.config_map->items) unique(item.path, at);
    }
    if (source.downward_api && first("downwardAPI"))
      for (std::size_t n = 0; n < source.downward_api->items.size(); ++n) {
        validate_downward_file(source.downward_api->items[n], at.child("downwardAPI"), errors);
        unique(source.downward_api->items[n].path, at);
      }
    if (source.service_account_token && first("serviceAccountToken")) {
      const auto& token = *source.service_account_token;
      if (token.expiration_seconds.value_or(token_seconds_min) < token_seconds_min) {
        errors.invalid(at.child("serviceAccountToken", "expirationSeconds"), *token.expiration_seconds,
                       "may not specify a duration less than 10 minutes");
      } else if (token.expiration_seconds.value_or(0) > token_seconds_max) {
        errors.invalid(at.child("serviceAccountToken", "expirationSeconds"), *token.expiration_seconds,
                       "may not specify a duration larger than 2^32 seconds");
      }
      if (token.path.empty()) {
        errors.required(at.child("serviceAccountToken", "path"));
      } else {
        validate_local_path(token.path, at.child("serviceAccountToken", "path"), errors);
      }
      unique(token.path, at);
    }
    if (source.cluster_trust_bundle) first("clusterTrustBundle");
    if (source.pod_certificate) first("podCertificate");
    if (given == 0) errors.required(at, "must specify a volume type");
  }
}

void validate_host_path(const core::HostPathVolumeSource& source, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 8> types{"",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
                                                  "File", "FileOrCreate", "Socket"};
  if (source.path.empty()) {
    errors.required(path.child("path"));
    return;
  }
  if (source.path.find("..") != std::string::npos) errors.invalid(path.child("path"), source.path, "must not contain '..'");
  if (source.type && std::find(types.begin(), types.end(), *source.type) == types.end())
    errors.not_supported(path.child("type"), *source.type, types);
}

void validate_csi(const core::CSIVolumeSource& source, const FieldPath& path, FieldErrors& errors) {
  if (source.driver.empty()) {
    errors.required(path.child("driver"));
  } else {
    errors.invalid_all(path.child("driver"), source.driver, check_dns_subdomain(source.driver));
  }
  if (source.node_publish_secret_ref && source.node_publish_secret_ref->name.empty()) errors.required(path.child("nodePublishSecretRef", "name"));
}

// One volume's source. Kinds whose drivers left Kubernetes are only counted.
void validate_source(const core::Volume& volume, const FieldPath& path, FieldErrors& errors) {
  int given = 0;
  const auto first = [&](bool present, std::string_view name) {
    if (!present) return false;
    if (++given > 1) errors.forbidden(path.child(name), "may not specify more than 1 volume type");
    return given == 1;
  };
  if (first(volume.empty_dir.has_value(), "emptyDir") && volume.empty_dir->size_limit && volume.empty_dir->size_limit->sign() < 0)
    errors.forbidden(path.child("emptyDir", "sizeLimit"), "SizeLimit field must be a valid resource quantity");
  if (first(volume.host_path.has_value(), "hostPath")) validate_host_path(*volume.host_path, path.child("hostPath"), errors);
  first(volume.git_repo.has_value(), "gitRepo");
  first(volume.gce_persistent_disk.has_value(), "gcePersistentDisk");
  first(volume.aws_elastic_block_store.has_value(), "awsElasticBlockStore");
  if (first(volume.secret.has_value(), "secret")) {
    if (volume.secret->secret_name.empty()) errors.required(path.child("secret", "secretName"));
    validate_mode(volume.secret->default_mode, path.child("secret", "defaultMode"), errors);
    validate_items(volume.secret->items, path.child("secret", "items"), errors);
  }
  if (first(volume.nfs.has_value(), "nfs")) {
    if (volume.nfs->server.empty()) errors.required(path.child("nfs", "server"));
    if (volume.nfs->path.empty()) errors.required(path.child("nfs", "path"));
    if (!volume.nfs->path.starts_with('/')) errors.invalid(path.child("nfs", "path"), volume.nfs->path, "must be an absolute path");
  }
  if (first(volume.iscsi.has_value(), "iscsi")) {
    if (volume.iscsi->target_portal.empty()) errors.required(path.child("iscsi", "targetPortal"));
    if (volume.iscsi->iqn.empty()) errors.required(path.child("iscsi", "iqn"));
  }
  first(volume.glusterfs.has_value(), "glusterfs");
  first(volume.flocker.has_value(), "flocker");
  if (first(volume.persistent_volume_claim.has_value(), "persistentVolumeClaim") && volume.persistent_volume_claim->claim_name.empty())
    errors.required(path.child("persistentVolumeClaim", "claimName"));
  first(volume.rbd.has_value(), "rbd");
  first(volume.cinder.has_value(), "cinder");
  first(volume.cephfs.has_value(), "cephfs");
  first(volume.quobyte.has_value(), "quobyte");
  if (first(volume.downward_api.has_value(), "downwardAPI")) {
    validate_mode(volume.downward_api->default_mode, path.child("downwardAPI", "defaultMode"), errors);
    for (const core::DownwardAPIVolumeFile& file : volume.downward_api->items) validate_downward_file(file, path.child("downwardAPI"), errors);
  }
  first(volume.fc.has_value(), "fc");
  first(volume.flex_volume.has_value(), "flexVolume");
  if (first(volume.config_map.has_value(), "configMap")) {
    if (volume.config_map->name.empty()) errors.required(path.child("configMap", "name"));
    validate_mode(volume.config_map->default_mode, path.child("configMap", "defaultMode"), errors);
    validate_items(volume.config_map->items, path.child("configMap", "items"), errors);
  }
  first(volume.azure_file.has_value(), "azureFile");
  first(volume.vsphere_volume.has_value(), "vsphereVolume");
  first(volume.photon_persistent_disk.has_value(), "photonPersistentDisk");
  first(volume.portworx_volume.has_value(), "portworxVolume");
  first(volume.azure_disk.has_value(), "azureDisk");
  first(volume.storageos.has_value(), "storageos");
  if (first(volume.projected.has_value(), "projected")) validate_projected(*volume.projected, path.child("projected"), errors);
  first(volume.scale_io.has_value(), "scaleIO");
  if (first(volume.csi.has_value(), "csi")) validate_csi(*volume.csi, path.child("csi"), errors);
  if (first(volume.ephemeral.has_value(), "ephemeral")) {
    if (!volume.ephemeral->volume_claim_template) {
      errors.required(path.child("ephemeral", "volumeClaimTemplate"));
    } else {
      validate_claim_spec(volume.ephemeral->volume_claim_template->spec, path.child("ephemeral", "volumeClaimTemplate").child("spec"), errors);
    }
  }
  first(volume.image.has_value(), "image");
  if (given == 0) errors.required(path, "must specify a volume type");
}

}  // namespace

VolumeTable validate_volumes(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  VolumeTable table;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.volumes.size(); ++i) {
    const core::Volume& volume = spec.volumes[i];
    const FieldPath at = path.index(i);
    FieldErrors own;
    validate_source(volume, at, own);
    if (volume.name.empty()) {
      own.required(at.child("name"));
    } else {
      const Faults faults = check_dns_label(volume.name);
      own.invalid_all(at.child("name"), volume.name, faults);
      if (faults.empty() && !names.insert(volume.name).second) own.duplicate(at.child("name"), volume.name);
    }
    if (own.empty()) {
      table.try_emplace(volume.name, VolumeInfo{volume.persistent_volume_claim.has_value() || volume.ephemeral.has_value()});
    } else {
      errors.append(std::move(own));
    }
  }
  return table;
}

}  // namespace pintle::apiserver::resources

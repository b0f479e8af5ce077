#include "kubelet/referenced_objects/referenced_objects.h"

namespace pintle::kubelet::referenced_objects {

namespace core = api::core_v1;

namespace {

// Container and EphemeralContainerCommon alike.
template <class AnyContainer>
void add_environment(const AnyContainer& container, ObjectNames& out) {
  for (const core::EnvFromSource& source : container.env_from) {
    if (source.config_map_ref) out.config_maps.insert(source.config_map_ref->name);
    if (source.secret_ref) out.secrets.insert(source.secret_ref->name);
  }
  for (const core::EnvVar& variable : container.env) {
    if (!variable.value_from) continue;
    if (variable.value_from->config_map_key_ref) out.config_maps.insert(variable.value_from->config_map_key_ref->name);
    if (variable.value_from->secret_key_ref) out.secrets.insert(variable.value_from->secret_key_ref->name);
  }
}

void add_volume(const core::Volume& volume, ObjectNames& out) {
  if (volume.config_map) out.config_maps.insert(volume.config_map->name);
  if (volume.secret) out.secrets.insert(volume.secret->secret_name);
  if (!volume.projected) return;
  for (const core::VolumeProjection& source : volume.projected->sources) {
    if (source.config_map) out.config_maps.insert(source.config_map->name);
    if (source.secret) out.secrets.insert(source.secret->name);
  }
}

}  // namespace

ObjectNames referenced_names(const core::Pod& pod) {
  ObjectNames out;
  for (const core::Container& container : pod.spec.containers) add_environment(container, out);
  for (const core::Container& container : pod.spec.init_containers) add_environment(container, out);
  for (const core::EphemeralContainer& container : pod.spec.ephemeral_containers) add_environment(container, out);
  for (const core::Volume& volume : pod.spec.volumes) add_volume(volume, out);
  for (const core::LocalObjectReference& secret : pod.spec.image_pull_secrets) out.secrets.insert(secret.name);
  out.config_maps.erase("");
  out.secrets.erase("");
  return out;
}

}  // namespace pintle::kubelet::referenced_objects

#include "rules/pod_references.h"

#include <algorithm>

namespace pintle::rules {
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

}  // namespace pintle::rules

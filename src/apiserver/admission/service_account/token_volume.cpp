#include "apiserver/admission/service_account/token_volume.h"

#include <algorithm>

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

// The characters that generated names are made of: neither vowels nor digits that look like letters.
constexpr std::string_view name_characters = "bcdfghjklmnpqrstvwxz2456789";
constexpr int name_suffix_length = 5;
constexpr int32_t volume_mode = 0644;
constexpr int64_t token_expiration_seconds = 3607;

Volume token_volume(std::string name) {
  Volume volume;
  volume.name = std::move(name);
  auto& projected = volume.projected.emplace();
  projected.default_mode = volume_mode;
  projected.sources.resize(3);
  auto& token = projected.sources[0].service_account_token.emplace();
  token.path = "token";
  token.expiration_seconds = token_expiration_seconds;
  auto& ca = projected.sources[1].config_map.emplace();
  ca.name = "kube-root-ca.crt";
  ca.items.resize(1);
  ca.items[0].key = ca.items[0].path = "ca.crt";
  auto& ns = projected.sources[2].downward_api.emplace();
  ns.items.resize(1);
  ns.items[0].path = "namespace";
  auto& field = ns.items[0].field_ref.emplace();
  field.api_version = "v1";
  field.field_path = "metadata.namespace";
  return volume;
}

bool mount_in(std::vector<Container>& containers, const std::string& volume_name) {
  bool mounted = false;
  for (auto& container : containers) {
    const auto taken = [](const VolumeMount& mount) { return mount.mount_path == token_mount_path; };
    if (std::any_of(container.volume_mounts.begin(), container.volume_mounts.end(), taken)) continue;
    VolumeMount mount;
    mount.name = volume_name;
    mount.read_only = true;
    mount.mount_path = token_mount_path;
    container.volume_mounts.push_back(std::move(mount));
    mounted = true;
  }
  return mounted;
}

}  // namespace

void mount_token_volume(Pod& pod, rt::Random& random) {
  std::string name;
  const auto is_ours = [](const Volume& volume) { return volume.name.starts_with(token_volume_prefix); };
  const auto existing = std::find_if(pod.spec.volumes.begin(), pod.spec.volumes.end(), is_ours);
  const bool has_volume = existing != pod.spec.volumes.end();
  if (has_volume) {
    name = existing->name;
  } else {
    name = token_volume_prefix;
    for (int i = 0; i < name_suffix_length; ++i) name.push_back(name_characters[random.below(name_characters.size())]);
  }
  const bool in_init = mount_in(pod.spec.init_containers, name);
  const bool in_main = mount_in(pod.spec.containers, name);
  if (!has_volume && (in_init || in_main)) pod.spec.volumes.push_back(token_volume(std::move(name)));
}

}  // namespace pintle::apiserver::admission

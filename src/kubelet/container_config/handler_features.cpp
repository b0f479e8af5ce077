#include "kubelet/container_config/handler_features.h"

#include <algorithm>

namespace pintle::kubelet::container_config {

HandlerFeatures handler_features(const api::cri_v1::StatusResponse& status, std::string_view handler) {
  const auto found = std::ranges::find(status.runtime_handlers, handler, &api::cri_v1::RuntimeHandler::name);
  if (found == status.runtime_handlers.end() || !found->features) return {};
  return {found->features->recursive_read_only_mounts, found->features->user_namespaces};
}

bool wants_handler_features(const api::core_v1::Pod& pod) {
  if (!pod.spec.host_users.value_or(true)) return true;
  const auto asks = [](const auto& container) {
    return std::ranges::any_of(container.volume_mounts, [](const api::core_v1::VolumeMount& mount) {
      return mount.recursive_read_only && *mount.recursive_read_only != "Disabled";
    });
  };
  return std::ranges::any_of(pod.spec.containers, asks) || std::ranges::any_of(pod.spec.init_containers, asks) ||
         std::ranges::any_of(pod.spec.ephemeral_containers, asks);
}

}  // namespace pintle::kubelet::container_config

#include "kubelet/types/pod_state.h"

#include <algorithm>

namespace pintle::kubelet {

const RuntimeContainer* PodState::latest(std::string_view name) const {
  const auto found = std::find_if(containers.begin(), containers.end(), [&](const auto& c) { return c.name == name; });
  return found == containers.end() ? nullptr : &*found;
}

const RuntimeContainer* PodState::active(std::string_view name) const {
  const RuntimeContainer* newest = latest(name);
  return newest && sandbox() && newest->sandbox_id == sandbox()->id ? newest : nullptr;
}

const RuntimeContainer* PodState::previous(std::string_view name) const {
  const RuntimeContainer* newest = latest(name);
  for (const auto& container : containers) {
    if (container.name == name && &container != newest && container.phase == ContainerPhase::Exited) return &container;
  }
  return nullptr;
}

std::vector<std::string> PodState::ips_of(const RuntimeContainer& container) const {
  const auto found = std::ranges::find(sandboxes, container.sandbox_id, &SandboxState::id);
  return found == sandboxes.end() ? std::vector<std::string>() : found->ips;
}

bool PodState::any_running() const {
  return std::any_of(containers.begin(), containers.end(), [](const auto& c) { return c.phase == ContainerPhase::Running; });
}

}  // namespace pintle::kubelet

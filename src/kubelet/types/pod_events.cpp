#include "kubelet/types/pod_events.h"

#include <algorithm>

namespace pintle::kubelet {

namespace {
template <class List>
bool has(const List& containers, std::string_view name) {
  return std::any_of(containers.begin(), containers.end(), [&](const auto& container) { return container.name == name; });
}
}  // namespace

api::core_v1::ObjectReference container_reference(const api::core_v1::Pod& pod, std::string_view container) {
  auto reference = client::reference_to(pod);
  if (container.empty()) return reference;
  std::string_view list = "containers";
  if (has(pod.spec.init_containers, container)) list = "initContainers";
  if (has(pod.spec.ephemeral_containers, container)) list = "ephemeralContainers";
  reference.field_path.append("spec.").append(list).append("{").append(container).append("}");
  return reference;
}

void PodEvents::normal(const api::core_v1::Pod& pod, std::string_view container, std::string_view reason, std::string message) {
  if (recorder_) recorder_->normal(container_reference(pod, container), reason, std::move(message));
}

void PodEvents::warning(const api::core_v1::Pod& pod, std::string_view container, std::string_view reason, std::string message,
                        FlatMap<std::string> annotations) {
  if (recorder_) recorder_->warning(container_reference(pod, container), reason, std::move(message), std::move(annotations));
}

}  // namespace pintle::kubelet

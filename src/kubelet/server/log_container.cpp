#include "kubelet/server/log_container.h"

#include <algorithm>

#include <fmt/format.h>

namespace pintle::kubelet::server {

namespace {

namespace core = api::core_v1;

template <class List>
auto* named(List& list, std::string_view name) {
  const auto it = std::ranges::find_if(list, [&](const auto& item) { return item.name == name; });
  return it == list.end() ? nullptr : &*it;
}

Unexpected<Status> waiting(std::string_view container, std::string_view pod, std::string_view why) {
  return bad_request(fmt::format("container \"{}\" in pod \"{}\" is waiting to start{}", container, pod, why));
}

}  // namespace

bool has_container(const core::Pod& pod, std::string_view name) {
  return named(pod.spec.containers, name) != nullptr || named(pod.spec.init_containers, name) != nullptr ||
         named(pod.spec.ephemeral_containers, name) != nullptr;
}

const core::ContainerStatus* container_status(const core::Pod& pod, std::string_view name) {
  for (const auto* list : {&pod.status.container_statuses, &pod.status.init_container_statuses, &pod.status.ephemeral_container_statuses})
    if (const auto* status = named(*list, name)) return status;
  return nullptr;
}

std::string_view bare_container_id(std::string_view id) {
  const auto scheme = id.find("://");
  return scheme == id.npos ? id : id.substr(scheme + 3);
}

Result<std::string> find_log_container(const core::Pod& pod, std::string_view name, bool previous) {
  const std::string& pod_name = pod.metadata.name;
  const core::ContainerStatus* status = container_status(pod, name);
  if (status == nullptr) return bad_request(fmt::format("container \"{}\" in pod \"{}\" is not available", name, pod_name));
  const auto& last = status->last_state.terminated;
  const auto& state = status->state;
  const bool has_last = last && !last->container_id.empty();
  const auto of = [](std::string_view id) { return std::string(bare_container_id(id)); };
  if (previous) {
    if (!has_last) return bad_request(fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", name, pod_name));
    return of(last->container_id);
  }
  if (state.running) return of(status->container_id);
  if (state.terminated && !state.terminated->container_id.empty()) return of(state.terminated->container_id);
  if (has_last) return of(last->container_id);
  if (state.terminated || last) return bad_request(fmt::format("container \"{}\" in pod \"{}\" is terminated", name, pod_name));
  if (!state.waiting) return waiting(name, pod_name, " - no logs yet");
  const std::string& reason = state.waiting->reason;
  if (reason == "ErrImagePull") return waiting(name, pod_name, ": image can't be pulled");
  if (reason == "ImagePullBackOff") return waiting(name, pod_name, ": trying and failing to pull image");
  return waiting(name, pod_name, ": " + reason);
}

Result<std::string> find_running_container(const core::Pod& pod, std::string_view name) {
  const core::ContainerStatus* status = container_status(pod, name);
  if (status == nullptr || !status->state.running || status->container_id.empty()) return internal(fmt::format("container not found (\"{}\")", name));
  return std::string(bare_container_id(status->container_id));
}

}  // namespace pintle::kubelet::server

#include "kubelet/types/pod.h"

namespace pintle::kubelet {

using api::core_v1::Pod;

namespace {
constexpr int32_t system_critical_priority = 2'000'000'000;  // below it are the priorities that users may give
}  // namespace

bool is_mirror_pod(const Pod& pod) { return pod.metadata.annotations.contains(annotations::config_mirror); }

bool is_static_pod(const Pod& pod) {
  const std::string* source = pod.metadata.annotations.get(annotations::config_source);
  return source && *source != "api";
}

bool is_critical_pod(const Pod& pod) {
  if (is_static_pod(pod) || is_mirror_pod(pod)) return true;
  return pod.spec.priority && *pod.spec.priority >= system_critical_priority;
}

bool is_node_critical_pod(const Pod& pod) { return is_critical_pod(pod) && pod.spec.priority_class_name == "system-node-critical"; }

std::string pod_full_name(const Pod& pod) { return pod.metadata.name + "_" + pod.metadata.namespace_; }

std::string format_pod(const Pod& pod) { return pod_full_name(pod) + "(" + pod.metadata.uid + ")"; }

}  // namespace pintle::kubelet

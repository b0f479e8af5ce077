// What every part of the kubelet says of a pod: how it is handed on, how it is named, of which kind it is. Pure.
//
// A static pod (of any source but "api") carries the annotations kubernetes.io/config.source and kubernetes.io/config.hash, and its UID
// is that hash, as upstream makes them. Its mirror in the API carries kubernetes.io/config.mirror and is never run.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::kubelet {

using PodPtr = std::shared_ptr<const api::core_v1::Pod>;

namespace annotations {
inline constexpr std::string_view config_source = "kubernetes.io/config.source";
inline constexpr std::string_view config_hash = "kubernetes.io/config.hash";
inline constexpr std::string_view config_mirror = "kubernetes.io/config.mirror";
inline constexpr std::string_view config_seen = "kubernetes.io/config.seen";
}  // namespace annotations

bool is_mirror_pod(const api::core_v1::Pod& pod);
bool is_static_pod(const api::core_v1::Pod& pod);
bool is_critical_pod(const api::core_v1::Pod& pod);       // static, mirror, or of a system priority
bool is_node_critical_pod(const api::core_v1::Pod& pod);  // priorityClassName system-node-critical

// "name_namespace": what a static pod and its mirror have in common.
std::string pod_full_name(const api::core_v1::Pod& pod);
// "name_namespace(uid)": as messages name a pod.
std::string format_pod(const api::core_v1::Pod& pod);

}  // namespace pintle::kubelet

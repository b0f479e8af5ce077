// Security contexts: what of the pod's and the container's applies, in the runtime's terms. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kubelet/container_config/container_config.h"

namespace pintle::kubelet::container_config {

// The container's fields over the pod's.
api::core_v1::SecurityContext effective_security_context(const api::core_v1::Pod& pod, const api::core_v1::Container& container);

// Forbidden when runAsNonRoot is set and the container would run as root, or nobody can tell.
Result<Unit> check_non_root(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const api::core_v1::SecurityContext& effective,
                            std::optional<int64_t> image_uid, const std::string& image_username);

Result<api::cri_v1::LinuxContainerSecurityContext> make_security_context(const ContainerInputs& inputs);

// Network, process, IPC and user namespaces of the pod's containers.
Result<api::cri_v1::NamespaceOption> namespace_options(const api::core_v1::Pod& pod, const NodeConfig& node,
                                                       const std::optional<UserNamespaceRange>& range);

// "Merge" or "Strict". Error: another word.
Result<int32_t> supplemental_groups_policy(const api::core_v1::PodSecurityContext& context);

}  // namespace pintle::kubelet::container_config

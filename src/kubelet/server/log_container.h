// Which container's log a request means, by the pod's status.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::server {

// Whether the pod's specification has a container of that name, of whichever kind.
bool has_container(const api::core_v1::Pod& pod, std::string_view name);
// Its status; nullptr: none yet.
const api::core_v1::ContainerStatus* container_status(const api::core_v1::Pod& pod, std::string_view name);

// "containerd://0123" -> "0123".
std::string_view bare_container_id(std::string_view id);

// The container whose log answers the request: the running one, the last that ended, or with `previous` the one before.
// BadRequest with upstream's words where there is none yet.
Result<std::string> find_log_container(const api::core_v1::Pod& pod, std::string_view name, bool previous);

// The running container of that name. InternalError with upstream's words otherwise.
Result<std::string> find_running_container(const api::core_v1::Pod& pod, std::string_view name);

}  // namespace pintle::kubelet::server

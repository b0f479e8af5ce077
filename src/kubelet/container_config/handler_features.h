// What the runtime's handlers (of RuntimeClasses) can do, for the pods that ask it of them. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"

namespace pintle::kubelet::container_config {

struct HandlerFeatures {
  bool recursive_read_only = false;
  bool user_namespaces = false;
};

// Of the handler with this name ("": the runtime's default) as the runtime's status tells; nothing where it tells nothing of it.
HandlerFeatures handler_features(const api::cri_v1::StatusResponse& status, std::string_view handler);
// The pod has hostUsers false, or a mount that is to be recursively read-only (if possible).
bool wants_handler_features(const api::core_v1::Pod& pod);

}  // namespace pintle::kubelet::container_config

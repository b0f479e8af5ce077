// What the plugins of a container's devices want in it, as its configuration takes it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/gen/cri_v1.h"
#include "base/flat_map.h"

namespace pintle::kubelet::devices {

struct ContainerDevices {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<api::cri_v1::Mount> mounts;
  std::vector<api::cri_v1::Device> devices;
  FlatMap<std::string> annotations;
  std::vector<std::string> cdi_devices;  // their full names
};

}  // namespace pintle::kubelet::devices

// What the Node tells of the resources that plugins bring, or brought.
#pragma once

#include "rules/pod_resources.h"

namespace pintle::kubelet::devices {

struct NodeDevices {
  rules::ResourceList capacity;
  rules::ResourceList allocatable;
};

}  // namespace pintle::kubelet::devices

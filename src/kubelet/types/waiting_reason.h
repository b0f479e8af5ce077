// WaitingReason: why a container does not run, when it is not simply being created: ErrImagePull, CrashLoopBackOff,
// CreateContainerConfigError ... Also why a pod is refused or a resize waits. What a step of starting a container returns when it fails
// (Expected<T, WaitingReason>): unlike a Status it goes as it is into the pod's status.
#pragma once

#include <string>

namespace pintle::kubelet {

struct WaitingReason {
  std::string reason;
  std::string message;
};

}  // namespace pintle::kubelet

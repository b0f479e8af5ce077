// follow_container_events: tells when a container or sandbox has started, stopped or gone.
#pragma once

#include <functional>
#include <string>

#include "cri/runtime_client.h"

namespace pintle::cri {

struct ContainerEvent {
  enum class Kind : uint8_t { Created, Started, Stopped, Deleted } kind = Kind::Started;
  std::string container_id;  // or a sandbox's id
  std::string pod_uid;       // "": the source does not say
  // The runtime's answer to ContainerStatus may lag behind: containerd publishes the end of a process before its CRI plugin
  // has noted it.
  bool may_lag = false;
};

struct ContainerEventHandlers {
  // The stream is open: list once now, as events of before are not told.
  std::function<void()> subscribed;
  std::function<void(const ContainerEvent&)> event;
};

// Runs until the stream breaks (an error) or `ctx` is done. Uses GetContainerEvents; where the runtime does not know it, the event service of
// containerd on the same socket; MethodNotAllowed where there is neither. On the client's executor.
rt::Task<Result<Unit>> follow_container_events(RuntimeClient& client, rt::Context ctx, ContainerEventHandlers handlers);

}  // namespace pintle::cri

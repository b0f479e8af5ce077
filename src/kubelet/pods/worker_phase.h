// How far a pod's worker has come with it, and when it goes on. Pure.
#pragma once

#include <cstdint>

namespace pintle::kubelet::pods {

// One after the other, never back. A worker begins with Syncing, whatever it finds: a pod that is to end is looked at and ended.
enum class WorkerPhase : uint8_t {
  Syncing,      // its containers are brought up and kept as its spec says
  Terminating,  // they are being stopped
  Terminated,   // none runs and none will; its volumes and its cgroup are being removed
  Finished,     // nothing but its dead containers is left; it waits until its source lets it go
};

struct PhaseInputs {
  // Why a pod ends.
  bool removed = false;    // its source does not name it any more
  bool deleted = false;    // metadata.deletionTimestamp
  bool ended = false;      // by the kubelet: evicted, rejected, past its deadline, the node shuts down
  bool terminal = false;   // its status says Succeeded or Failed
  bool completed = false;  // its spec leaves nothing to run
  // What has come of it.
  bool stopped = false;    // the runtime has no running container and no ready sandbox of it
  bool torn_down = false;  // its volumes and its cgroup are gone
};

// The phase that follows; `phase` itself while there is no reason to go on.
WorkerPhase next_phase(WorkerPhase phase, const PhaseInputs& inputs);

}  // namespace pintle::kubelet::pods

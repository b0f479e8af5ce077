#include "kubelet/pods/worker_phase.h"

#include "base/check.h"

namespace pintle::kubelet::pods {

WorkerPhase next_phase(WorkerPhase phase, const PhaseInputs& inputs) {
  switch (phase) {
    case WorkerPhase::Syncing: {
      const bool ends = inputs.removed || inputs.deleted || inputs.ended || inputs.terminal || inputs.completed;
      return ends ? WorkerPhase::Terminating : phase;
    }
    case WorkerPhase::Terminating: return inputs.stopped ? WorkerPhase::Terminated : phase;
    case WorkerPhase::Terminated: return inputs.torn_down ? WorkerPhase::Finished : phase;
    case WorkerPhase::Finished: return phase;
  }
  CHECK(false, "a worker's phase that there is not");
}

}  // namespace pintle::kubelet::pods

// plan_pod: what has to be done for a pod, from its spec and what the runtime has. Pure: no clock, no I/O.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/probes/probe_manager.h"
#include "kubelet/runtime/crash_backoff.h"
#include "kubelet/types/pod_state.h"

namespace pintle::kubelet::runtime {

enum class KillReason : uint8_t { Stopping, LivenessProbe, StartupProbe, SpecChanged, Unknown, PodEnds };

struct ContainerKill {
  std::string id;
  std::string name;
  KillReason reason = KillReason::Stopping;
  std::string message;  // of the Killing event
};

enum class ContainerRole : uint8_t { Init, Sidecar, Main, Ephemeral };

struct ContainerStart {
  std::string name;
  ContainerRole role = ContainerRole::Main;
  uint32_t attempt = 0;
};

// A container that waits out its crash loop.
struct ContainerWait {
  std::string name;
  rt::WallTime until{};
  rt::Duration delay{};  // the back-off that it serves
};

// A container that is ended at once, if it runs, and removed, as all of its pod begin anew.
struct ContainerReset {
  std::string id;
  std::string name;
  bool kill = false;
  bool source = false;  // its end is why
};

struct PodPlan {
  bool kill_pod = false;  // kill every container and stop the sandbox, before anything else
  bool create_sandbox = false;
  uint32_t sandbox_attempt = 0;
  std::vector<ContainerKill> kill;
  std::vector<ContainerStart> start;  // in this order
  std::vector<ContainerWait> wait;
  // Not empty: these go, in this order, and nothing else is done. Those whose end is why come last, so that whoever is interrupted knows.
  std::vector<ContainerReset> reset;
  // The pod's containers are about to begin anew (reset), or wait for that.
  bool restarts_all = false;
  // Everything has run: what stands is stopped, and nothing comes after it.
  bool ends_pod() const { return kill_pod && !create_sandbox; }
  bool idle() const { return !kill_pod && !create_sandbox && kill.empty() && start.empty() && reset.empty(); }
};

struct PlanInputs {
  const api::core_v1::Pod& pod;
  const PodState& state;
  std::function<probes::ProbeState(const std::string& container_id)> probes;
  const CrashBackoffs& backoffs;
  rt::WallTime now;
  bool restart_all = false;                         // the feature RestartAllContainersOnContainerExits
  const api::core_v1::PodStatus* status = nullptr;  // as it was generated last; nullptr: the pod's own
};
PodPlan plan_pod(const PlanInputs& inputs);

// --- facts about a pod that others need too ----------------------------------------------------------------------------
// Whether a container that ended so is started again.
bool should_restart(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const RuntimeContainer* latest);
// The init containers have done their part: plain containers may run.
bool is_initialized(const api::core_v1::Pod& pod, const PodState& state, const std::function<probes::ProbeState(const std::string&)>& probes);
// Its startup probe, if any, has succeeded, and it runs.
bool is_started(const api::core_v1::Container& container, const RuntimeContainer& running, const probes::ProbeState& probe);

// In which order containers are killed: all of one group together; a group after the ones before it have ended.
// Plain containers first, then sidecars from the last to the first.
std::vector<std::vector<std::string>> kill_order(const api::core_v1::Pod& pod, const PodState& state);

}  // namespace pintle::kubelet::runtime

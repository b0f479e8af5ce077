// generate_status: the status of a pod as the API shows it, from its spec, what the runtime has, probes, and what was said before.
// Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/probes/probe_manager.h"
#include "kubelet/types/pod_state.h"
#include "kubelet/types/waiting_reason.h"
#include "os/cgroup.h"

namespace pintle::kubelet::status {

struct StatusInputs {
  const api::core_v1::Pod& pod;
  // The status that was generated last (or the API's, after a restart).
  const api::core_v1::PodStatus& previous;
  const PodState& state;
  std::function<probes::ProbeState(const std::string& container_id)> probes;
  std::map<std::string, WaitingReason, std::less<>> waiting;  // by container
  std::vector<std::string> node_ips;
  // What running containers were given, by id; those that are not there have what the spec says.
  std::map<std::string, api::core_v1::ResourceRequirements, std::less<>> applied_resources;
  std::optional<os::CgroupLimits> cgroup;           // of the pod's own; nullopt: it has none
  std::optional<bool> restarts_all;                 // all containers are to begin anew; nullopt: they never do
  bool restarted_all = false;                       // those that are gone were removed for that
  std::optional<WaitingReason> resize_pending;      // Deferred or Infeasible
  std::optional<WaitingReason> resize_in_progress;  // reason "Error" with its message, or neither
  // Set when the pod was ended by the kubelet (evicted, rejected, deadline): phase Failed with these.
  std::string failed_reason;
  std::string failed_message;
  bool terminating = false;  // containers are being stopped
  bool terminated = false;   // none runs any more and none will be started
  rt::WallTime now;
};
api::core_v1::PodStatus generate_status(const StatusInputs& inputs);

// Pending, Running, Succeeded, Failed or Unknown.
std::string pod_phase(const api::core_v1::Pod& pod, const api::core_v1::PodStatus& status, bool terminated);

}  // namespace pintle::kubelet::status

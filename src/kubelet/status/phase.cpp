// A pod's phase from the states of its containers.
#include <algorithm>

#include "kubelet/resources/pod_resources.h"
#include "kubelet/runtime/restart_policy.h"
#include "kubelet/status/generate.h"

namespace pintle::kubelet::status {

using namespace api::core_v1;

namespace {

struct Counts {
  int pending_init = 0;
  int failed_init = 0;
  int running = 0;
  int waiting = 0;
  int stopped = 0;
  int succeeded = 0;
};

const ContainerStatus* find(const std::vector<ContainerStatus>& statuses, std::string_view name) {
  const auto found = std::find_if(statuses.begin(), statuses.end(), [&](const auto& s) { return s.name == name; });
  return found == statuses.end() ? nullptr : &*found;
}

void count_init(const Pod& pod, const Container& container, const ContainerStatus* status, Counts& counts) {
  const bool sidecar = rules::is_sidecar(container);
  if (!status) {
    ++counts.pending_init;
  } else if (status->state.running) {
    if (!sidecar || !status->started.value_or(false)) ++counts.pending_init;
  } else if (status->state.terminated) {
    if (!sidecar && status->state.terminated->exit_code != 0) {
      (runtime::restarts_after_exit(pod, container, status->state.terminated->exit_code) ? counts.pending_init : counts.failed_init)++;
    }
  } else if (status->last_state.terminated) {
    if (!sidecar && status->last_state.terminated->exit_code != 0) {
      (runtime::restarts_after_exit(pod, container, status->last_state.terminated->exit_code) ? counts.pending_init : counts.failed_init)++;
    }
  } else {
    ++counts.pending_init;
  }
}

void count_main(const ContainerStatus* status, Counts& counts) {
  if (status && status->state.running) {
    ++counts.running;
  } else if (status && status->state.terminated) {
    ++counts.stopped;
    if (status->state.terminated->exit_code == 0) ++counts.succeeded;
  } else if (status && status->last_state.terminated) {
    ++counts.stopped;
  } else {
    ++counts.waiting;
  }
}

Counts count(const Pod& pod, const PodStatus& status) {
  Counts counts;
  for (const auto& container : pod.spec.containers) count_main(find(status.container_statuses, container.name), counts);
  const bool initialized = counts.running + counts.stopped > 0;
  for (const auto& container : pod.spec.init_containers) {
    if (initialized) break;
    count_init(pod, container, find(status.init_container_statuses, container.name), counts);
  }
  return counts;
}

}  // namespace

std::string pod_phase(const Pod& pod, const PodStatus& status, bool terminated) {
  const Counts counts = count(pod, status);
  if (counts.failed_init > 0 || counts.pending_init > 0 || counts.waiting > 0) return terminated ? "Failed" : "Pending";
  // An end is told when everything has stopped, sidecars too.
  if (counts.running > 0 || !terminated) return "Running";
  return counts.stopped == counts.succeeded ? "Succeeded" : "Failed";
}

}  // namespace pintle::kubelet::status

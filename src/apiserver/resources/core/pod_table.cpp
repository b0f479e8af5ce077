#include <fmt/format.h>

#include <algorithm>

#include "apiserver/resources/core/pod.h"
#include "rules/conditions.h"
#include "rules/pod_resources.h"
#include "rules/pod_state.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

// Counts and reason of one row, gathered from the container statuses.
struct Summary {
  std::string reason;
  int64_t ready = 0;
  int64_t total = 0;
  int64_t restarts = 0;
  int64_t sidecar_restarts = 0;
  api::Time last_restart;
  api::Time last_sidecar_restart;
};

bool names_sidecar(const core::PodSpec& spec, std::string_view name) {
  return std::any_of(spec.init_containers.begin(), spec.init_containers.end(),
                     [&](const core::Container& c) { return c.name == name && rules::is_sidecar(c); });
}

void later(api::Time& kept, const core::ContainerStatus& status) {
  if (!status.last_state.terminated) return;
  const api::Time& finished = status.last_state.terminated->finished_at;
  if (kept.seconds < finished.seconds) kept = finished;
}

std::string ended_reason(const core::ContainerStateTerminated& ended, std::string_view prefix) {
  if (!ended.reason.empty()) return fmt::format("{}{}", prefix, ended.reason);
  return ended.signal != 0 ? fmt::format("{}Signal:{}", prefix, ended.signal) : fmt::format("{}ExitCode:{}", prefix, ended.exit_code);
}

// True if an init container is still at work: the row shows that one.
bool summarise_init(const core::Pod& pod, Summary& summary) {
  for (std::size_t i = 0; i < pod.status.init_container_statuses.size(); ++i) {
    const core::ContainerStatus& status = pod.status.init_container_statuses[i];
    summary.restarts += status.restart_count;
    later(summary.last_restart, status);
    const bool sidecar = names_sidecar(pod.spec, status.name);
    if (sidecar) {
      summary.sidecar_restarts += status.restart_count;
      later(summary.last_sidecar_restart, status);
    }
    if (status.state.terminated && status.state.terminated->exit_code == 0) continue;
    if (sidecar && status.started.value_or(false)) {
      if (status.ready) ++summary.ready;
      continue;
    }
    if (status.state.terminated) {
      summary.reason = ended_reason(*status.state.terminated, "Init:");
    } else if (status.state.waiting && !status.state.waiting->reason.empty() && status.state.waiting->reason != "PodInitializing") {
      summary.reason = "Init:" + status.state.waiting->reason;
    } else {
      summary.reason = fmt::format("Init:{}/{}", i, pod.spec.init_containers.size());
    }
    return true;
  }
  return false;
}

void summarise_containers(const core::Pod& pod, Summary& summary) {
  summary.restarts = summary.sidecar_restarts;
  summary.last_restart = summary.last_sidecar_restart;
  bool running = false;
  for (auto it = pod.status.container_statuses.rbegin(); it != pod.status.container_statuses.rend(); ++it) {
    summary.restarts += it->restart_count;
    later(summary.last_restart, *it);
    if (it->state.waiting && !it->state.waiting->reason.empty()) {
      summary.reason = it->state.waiting->reason;
    } else if (it->state.terminated) {
      summary.reason = ended_reason(*it->state.terminated, "");
    } else if (it->ready && it->state.running) {
      running = true;
      ++summary.ready;
    }
  }
  // Some container goes on although another has completed.
  if (summary.reason == "Completed" && running) {
    const core::PodCondition* ready = rules::find_condition(pod.status.conditions, "Ready");
    summary.reason = ready && ready->status == "True" ? "Running" : "NotReady";
  }
}

Summary summarise(const core::Pod& pod) {
  Summary summary;
  summary.total = static_cast<int64_t>(pod.spec.containers.size());
  for (const core::Container& container : pod.spec.init_containers)
    if (rules::is_sidecar(container)) ++summary.total;
  summary.reason = pod.status.reason.empty() ? pod.status.phase : pod.status.reason;
  if (const core::PodCondition* scheduled = rules::find_condition(pod.status.conditions, "PodScheduled");
      scheduled && scheduled->reason == "SchedulingGated")
    summary.reason = "SchedulingGated";
  const core::PodCondition* initialized = rules::find_condition(pod.status.conditions, "Initialized");
  const bool initializing = summarise_init(pod, summary);
  if (!initializing || (initialized && initialized->status == "True")) summarise_containers(pod, summary);
  if (pod.metadata.deletion_timestamp) {
    if (pod.status.reason == "NodeLost") {
      summary.reason = "Unknown";
    } else if (!rules::is_terminal(pod)) {
      summary.reason = "Terminating";
    }
  }
  return summary;
}

std::string or_none(std::string_view text) { return text.empty() ? "<none>" : std::string(text); }

}  // namespace

void pod_table_cells(const core::Pod& pod, registry::TableCells& cells) {
  const Summary summary = summarise(pod);
  std::string address = pod.status.pod_ip;
  if (!pod.status.pod_ips.empty()) address = pod.status.pod_ips[0].ip;
  std::string gates = "<none>";
  if (!pod.spec.readiness_gates.empty()) {
    std::size_t true_gates = 0;
    for (const core::PodReadinessGate& gate : pod.spec.readiness_gates) {
      const core::PodCondition* condition = rules::find_condition(pod.status.conditions, gate.condition_type);
      if (condition && condition->status == "True") ++true_gates;
    }
    gates = fmt::format("{}/{}", true_gates, pod.spec.readiness_gates.size());
  }
  cells.emplace_back(pod.metadata.name);
  cells.emplace_back(fmt::format("{}/{}", summary.ready, summary.total));
  cells.emplace_back(summary.reason);
  cells.push_back(summary.restarts != 0 && !summary.last_restart.zero() ? registry::TableCell::counted(summary.restarts, summary.last_restart)
                                                                        : registry::TableCell(std::to_string(summary.restarts)));
  cells.push_back(registry::TableCell::age(pod.metadata.creation_timestamp));
  cells.emplace_back(or_none(address));
  cells.emplace_back(or_none(pod.spec.node_name));
  cells.emplace_back(or_none(pod.status.nominated_node_name));
  cells.emplace_back(gates);
}

}  // namespace pintle::apiserver::resources

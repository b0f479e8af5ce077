#include "kubelet/status/conditions.h"

#include <algorithm>
#include <array>

#include "kubelet/resources/pod_resources.h"
#include "kubelet/status/container_status.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::kubelet::status {

using namespace api::core_v1;

namespace {

constexpr std::array<std::string_view, 8> own_conditions{
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "PodResizePending", "PodResizeInProgress",
    "AllContainersRestarting"};

struct Verdict {
  bool holds = true;
  std::string reason;
  std::string message;
};

const ContainerStatus* find(const std::vector<ContainerStatus>& statuses, std::string_view name) {
  const auto found = std::find_if(statuses.begin(), statuses.end(), [&](const auto& s) { return s.name == name; });
  return found == statuses.end() ? nullptr : &*found;
}

// "containers with unknown status: [a b], containers with unready status: [c]"
std::string list_message(const std::vector<std::string>& unknown, std::string_view what, const std::vector<std::string>& names) {
  const auto join = [](const std::vector<std::string>& list) {
    std::string out = "[";
    for (const auto& name : list) out += (out.size() > 1 ? " " : "") + name;
    return out + "]";
  };
  std::string out;
  if (!unknown.empty()) out = "containers with unknown status: " + join(unknown);
  if (!names.empty()) out += (out.empty() ? "" : ", ") + std::string("containers with ").append(what) + " status: " + join(names);
  return out;
}

Verdict initialized(const Pod& pod, const PodStatus& status) {
  if (status.phase == "Succeeded") return {true, "PodCompleted", ""};
  const bool started = std::any_of(status.container_statuses.begin(), status.container_statuses.end(),
                                   [](const auto& s) { return s.state.running || s.state.terminated || s.last_state.terminated; });
  std::vector<std::string> unknown;
  std::vector<std::string> incomplete;
  for (const auto& container : pod.spec.init_containers) {
    const ContainerStatus* one = find(status.init_container_statuses, container.name);
    if (!one) {
      unknown.push_back(container.name);
    } else if (rules::is_sidecar(container) ? !one->started.value_or(false) : !one->ready) {
      incomplete.push_back(container.name);
    }
  }
  if (started || (unknown.empty() && incomplete.empty())) return {};
  return {false, "ContainersNotInitialized", list_message(unknown, "incomplete", incomplete)};
}

Verdict terminal_verdict(const PodStatus& status) { return {false, status.phase == "Succeeded" ? "PodCompleted" : "PodFailed", ""}; }

Verdict containers_ready(const Pod& pod, const PodStatus& status) {
  if (rules::is_terminal_phase(status.phase)) return terminal_verdict(status);
  std::vector<std::string> unknown;
  std::vector<std::string> unready;
  const auto look = [&](const Container& container, const ContainerStatus* one) {
    if (!one)
      unknown.push_back(container.name);
    else if (!one->ready)
      unready.push_back(container.name);
  };
  for (const auto& container : pod.spec.init_containers) {
    if (rules::is_sidecar(container)) look(container, find(status.init_container_statuses, container.name));
  }
  for (const auto& container : pod.spec.containers) look(container, find(status.container_statuses, container.name));
  if (unknown.empty() && unready.empty()) return {};
  return {false, "ContainersNotReady", list_message(unknown, "unready", unready)};
}

Verdict ready(const Pod& pod, const Verdict& containers) {
  if (!containers.holds) return containers;
  std::string messages;
  for (const auto& gate : pod.spec.readiness_gates) {
    const PodCondition* condition = rules::find_condition(pod.status.conditions, gate.condition_type);
    std::string message;
    if (!condition) {
      message = "corresponding condition of pod readiness gate \"" + gate.condition_type + "\" does not exist.";
    } else if (condition->status != "True") {
      message = "the status of pod readiness gate \"" + gate.condition_type + "\" is not \"True\", but " + condition->status;
    }
    if (!message.empty()) messages += (messages.empty() ? "" : ", ") + message;
  }
  if (messages.empty()) return {};
  return {false, "ReadinessGatesNotReady", std::move(messages)};
}

Verdict ready_to_start(const Pod& pod, const StatusInputs& inputs) {
  const SandboxState* sandbox = inputs.state.sandbox();
  return {sandbox && sandbox->ready && (pod.spec.host_network || !sandbox->ips.empty()), "", ""};
}

PodCondition make(std::string_view type, Verdict verdict, const StatusInputs& inputs) {
  PodCondition out;
  out.type = type;
  out.observed_generation = inputs.pod.metadata.generation;
  out.status = verdict.holds ? "True" : "False";
  out.reason = std::move(verdict.reason);
  out.message = std::move(verdict.message);
  const PodCondition* old = rules::find_condition(inputs.previous.conditions, type);
  out.last_transition_time = old && old->status == out.status ? old->last_transition_time : to_time(inputs.now);
  return out;
}

}  // namespace

bool is_kubelet_condition(std::string_view type) { return std::find(own_conditions.begin(), own_conditions.end(), type) != own_conditions.end(); }

std::vector<PodCondition> pod_conditions(const StatusInputs& inputs, const PodStatus& status) {
  const Pod& pod = inputs.pod;
  Verdict containers = containers_ready(pod, status);
  std::vector<PodCondition> out;
  out.push_back(make(own_conditions[0], ready_to_start(pod, inputs), inputs));
  out.push_back(make(own_conditions[1], initialized(pod, status), inputs));
  out.push_back(make(own_conditions[2], ready(pod, containers), inputs));
  out.push_back(make(own_conditions[3], std::move(containers), inputs));
  out.push_back(make(own_conditions[4], Verdict(), inputs));
  if (inputs.restarts_all) {
    Verdict restarts{false, "", ""};
    if (*inputs.restarts_all) restarts = {true, "RestartAllContainersStarted", "container exited with restart policy rule"};
    out.push_back(make(own_conditions[7], std::move(restarts), inputs));
  }
  if (inputs.resize_pending) out.push_back(make(own_conditions[5], {true, inputs.resize_pending->reason, inputs.resize_pending->message}, inputs));
  if (inputs.resize_in_progress)
    out.push_back(make(own_conditions[6], {true, inputs.resize_in_progress->reason, inputs.resize_in_progress->message}, inputs));
  for (const auto& condition : pod.status.conditions) {
    if (!is_kubelet_condition(condition.type)) out.push_back(condition);
  }
  for (const auto& condition : inputs.previous.conditions) {
    if (!is_kubelet_condition(condition.type) && !rules::find_condition(out, condition.type)) out.push_back(condition);
  }
  return out;
}

PodCondition disruption_by_kubelet(std::string message) {
  PodCondition out;
  out.type = "DisruptionTarget";
  out.status = "True";
  out.reason = "TerminationByKubelet";
  out.message = std::move(message);
  return out;
}

void set_condition(PodStatus& status, PodCondition condition, rt::WallTime now) {
  condition.last_transition_time = to_time(now);
  rules::set_condition(status.conditions, std::move(condition));
}

}  // namespace pintle::kubelet::status

#include "kubelet/runtime/plan.h"

#include <algorithm>

#include "kubelet/container_config/container_config.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/runtime/restart_policy.h"

namespace pintle::kubelet::runtime {

using namespace api::core_v1;
using ProbeLookup = std::function<probes::ProbeState(const std::string&)>;

namespace {

bool ended(const RuntimeContainer& container) { return container.phase == ContainerPhase::Exited; }

bool any_main_created(const Pod& pod, const PodState& state) {
  return std::any_of(pod.spec.containers.begin(), pod.spec.containers.end(), [&](const Container& c) { return state.active(c.name) != nullptr; });
}

// An init container that ended well has done its part for as long as the sandbox lives.
bool completed(const RuntimeContainer* latest) { return latest && ended(*latest) && latest->exit_code == 0; }

class Planner {
 public:
  explicit Planner(const PlanInputs& in) : in_(in), pod_(in.pod), state_(in.state) {}

  PodPlan plan() {
    if (in_.restart_all && plan_reset()) return std::move(plan_);
    if (sandbox_is_gone()) return plan_new_sandbox();
    start_ephemeral();
    if (!plan_init_containers()) return std::move(plan_);
    if (plan_main_containers() == 0 && !main_starts_) end_pod();
    return std::move(plan_);
  }

 private:
  bool sandbox_is_gone() const {
    const SandboxState* sandbox = state_.sandbox();
    if (!sandbox || !sandbox->ready) return true;
    if (std::count_if(state_.sandboxes.begin(), state_.sandboxes.end(), [](const auto& s) { return s.ready; }) > 1) return true;
    if (sandbox->host_network != pod_.spec.host_network) return true;
    return !pod_.spec.host_network && sandbox->ips.empty();
  }

  bool starts_reset(const Container& container, const RuntimeContainer& one) const {
    const RuntimeContainer* latest = state_.latest(container.name);
    return latest && latest->id == one.id && ended(one) && restarts_all_after_exit(container, one.exit_code);
  }

  // True: a container ended in a way that makes all of them begin anew, in the sandbox that there is.
  bool plan_reset() {
    if (pod_.metadata.deletion_timestamp) return false;
    std::vector<ContainerReset> sources;
    bool late = false;
    for (const auto* list : {&pod_.spec.containers, &pod_.spec.init_containers}) {
      for (const Container& container : *list) {
        for (const RuntimeContainer& one : state_.containers) {
          if (one.name != container.name) continue;
          if (starts_reset(container, one)) {
            sources.push_back({one.id, one.name, false, true});
            late |= waits(container, one);
          } else {
            plan_.reset.push_back({one.id, one.name, one.phase == ContainerPhase::Running || one.phase == ContainerPhase::Unknown, false});
          }
        }
      }
    }
    plan_.restarts_all = !sources.empty();
    if (sources.empty() || late) {
      plan_.reset.clear();
    } else {
      std::ranges::move(sources, std::back_inserter(plan_.reset));
    }
    return plan_.restarts_all;
  }

  // Everything begins again in a new sandbox, unless there is nothing left to run.
  PodPlan plan_new_sandbox() {
    const SandboxState* old = state_.sandbox();
    if (nothing_left()) {
      plan_.kill_pod = state_.any_running() || (old && old->ready);
      return std::move(plan_);
    }
    plan_.kill_pod = old != nullptr || state_.any_running();
    plan_.create_sandbox = true;
    plan_.sandbox_attempt = old ? old->attempt + 1 : 0;
    return std::move(plan_);
  }

  bool nothing_left() const {
    if (init_failed_for_good()) return true;
    if (pod_.spec.restart_policy == "Never" && state_.sandbox() && !state_.containers.empty()) return true;
    return std::none_of(pod_.spec.containers.begin(), pod_.spec.containers.end(), [&](const Container& container) {
      const RuntimeContainer* latest = state_.latest(container.name);
      return !latest || !ended(*latest) || should_restart(pod_, container, latest);
    });
  }

  bool init_failed_for_good() const {
    for (const auto& container : pod_.spec.init_containers) {
      if (rules::is_sidecar(container)) continue;
      const RuntimeContainer* latest = state_.latest(container.name);
      if (latest && ended(*latest) && latest->exit_code != 0 && !restarts_after_exit(pod_, container, latest->exit_code)) return true;
    }
    return false;
  }

  void start_ephemeral() {
    for (const auto& container : pod_.spec.ephemeral_containers) {
      if (!state_.latest(container.name)) plan_.start.push_back({container.name, ContainerRole::Ephemeral, 0});
    }
  }

  // True: the pod is initialized, plain containers may run.
  bool plan_init_containers() {
    const auto& inits = pod_.spec.init_containers;
    const bool was_initialized = any_main_created(pod_, state_);
    std::size_t first = 0;
    for (std::size_t i = 0; i < inits.size(); ++i) {
      if (state_.active(inits[i].name)) first = i;
    }
    for (std::size_t i = 0; i < inits.size(); ++i) {
      const Container& container = inits[i];
      if (rules::is_sidecar(container)) {
        if (!plan_sidecar(container) && !was_initialized) return false;
      } else if (!was_initialized && i >= first && !plan_init(container)) {
        return false;
      }
    }
    return true;
  }

  // True: the next one may go on.
  bool plan_sidecar(const Container& container) {
    const RuntimeContainer* active = state_.active(container.name);
    if (active && active->phase == ContainerPhase::Running) {
      if (kill_if_unhealthy(container, *active, ContainerRole::Sidecar)) return true;
      return is_started(container, *active, in_.probes(active->id));
    }
    if (pod_.metadata.deletion_timestamp) return true;
    start(container, ContainerRole::Sidecar);
    return false;
  }

  bool plan_init(const Container& container) {
    const RuntimeContainer* active = state_.active(container.name);
    if (completed(active)) return true;
    if (active && active->phase == ContainerPhase::Running) return false;
    if (active && active->phase == ContainerPhase::Unknown)
      kill(*active, KillReason::Unknown, "Init container is in unknown state, try killing it before restart");
    if (active && ended(*active) && !restarts_after_exit(pod_, container, active->exit_code)) {
      end_pod();
      return false;
    }
    start(container, ContainerRole::Init);
    return false;
  }

  // How many go on running.
  std::size_t plan_main_containers() {
    std::size_t kept = 0;
    for (const auto& container : pod_.spec.containers) {
      const RuntimeContainer* active = state_.active(container.name);
      if (active && active->phase == ContainerPhase::Running) {
        if (!kill_if_unhealthy(container, *active, ContainerRole::Main)) ++kept;
        continue;
      }
      const RuntimeContainer* latest = state_.latest(container.name);
      if (!should_restart(pod_, container, latest)) continue;
      if (active && active->phase == ContainerPhase::Unknown) {
        kill(*active, KillReason::Unknown, "Container is in unknown state, try killing it before restart");
      }
      start(container, ContainerRole::Main);
    }
    return kept;
  }

  // Kills a running container that is to be replaced or has failed a probe, and starts it again if its policy says so.
  bool kill_if_unhealthy(const Container& container, const RuntimeContainer& running, ContainerRole role) {
    const probes::ProbeState probe = in_.probes(running.id);
    const std::string what = "Container " + container.name;
    KillReason reason{};
    std::string message;
    bool again = role == ContainerRole::Sidecar || restarts_after_failure(pod_, container);
    if (!running.hash.empty() && running.hash != container_config::container_hash(container)) {
      reason = KillReason::SpecChanged;
      message = what + " definition changed";
      again = true;
    } else if (probe.liveness == probes::ProbeOutcome::Failure) {
      reason = KillReason::LivenessProbe;
      message = what + " failed liveness probe";
    } else if (probe.startup == probes::ProbeOutcome::Failure) {
      reason = KillReason::StartupProbe;
      message = what + " failed startup probe";
    } else {
      return false;
    }
    if (again) message += ", will be restarted";
    kill(running, reason, std::move(message));
    if (again) {
      plan_.start.push_back({container.name, role, running.attempt + 1});
      main_starts_ |= role == ContainerRole::Main;
    }
    return true;
  }

  void kill(const RuntimeContainer& container, KillReason reason, std::string message) {
    plan_.kill.push_back({container.id, container.name, reason, std::move(message)});
  }

  bool waits(const Container& container, const RuntimeContainer& latest) {
    const auto wait =
        in_.backoffs.waiting(CrashBackoffs::key(container.name, container_config::container_hash(container)), latest.finished_at, in_.now);
    if (wait) plan_.wait.push_back({container.name, wait->until, wait->delay});
    return wait.has_value();
  }

  void start(const Container& container, ContainerRole role) {
    const RuntimeContainer* latest = state_.latest(container.name);
    main_starts_ |= role == ContainerRole::Main;
    if (latest && ended(*latest) && waits(container, *latest)) return;
    plan_.start.push_back({container.name, role, next_attempt(container.name, latest)});
  }

  // A container that the runtime has forgotten goes on counting from the status.
  uint32_t next_attempt(const std::string& name, const RuntimeContainer* latest) const {
    if (latest) return latest->attempt + 1;
    const PodStatus& said = in_.status ? *in_.status : pod_.status;
    for (const auto* statuses : {&said.container_statuses, &said.init_container_statuses}) {
      for (const auto& status : *statuses) {
        // One that waits is counted already.
        if (status.name == name) return static_cast<uint32_t>(status.restart_count) + (status.container_id.empty() ? 0 : 1);
      }
    }
    return 0;
  }

  void end_pod() {
    plan_.kill_pod = true;
    plan_.start.clear();
    plan_.kill.clear();
    plan_.wait.clear();
  }

  const PlanInputs& in_;
  const Pod& pod_;
  const PodState& state_;
  PodPlan plan_;
  bool main_starts_ = false;
};

}  // namespace

PodPlan plan_pod(const PlanInputs& inputs) { return Planner(inputs).plan(); }

bool should_restart(const Pod& pod, const Container& container, const RuntimeContainer* latest) {
  if (pod.metadata.deletion_timestamp) return false;
  if (!latest || latest->phase == ContainerPhase::Created || latest->phase == ContainerPhase::Unknown) return true;
  if (latest->phase == ContainerPhase::Running) return false;
  return restarts_after_exit(pod, container, latest->exit_code);
}

bool is_started(const Container& container, const RuntimeContainer& running, const probes::ProbeState& probe) {
  return running.phase == ContainerPhase::Running && (!container.startup_probe || probe.startup == probes::ProbeOutcome::Success);
}

bool is_initialized(const Pod& pod, const PodState& state, const ProbeLookup& probes) {
  if (any_main_created(pod, state)) return true;
  for (const auto& container : pod.spec.init_containers) {
    const RuntimeContainer* active = state.active(container.name);
    if (rules::is_sidecar(container)) {
      if (!active || !is_started(container, *active, probes(active->id))) return false;
    } else if (!completed(active)) {
      return false;
    }
  }
  return true;
}

std::vector<std::vector<std::string>> kill_order(const Pod& pod, const PodState& state) {
  // One that was made and never started has nothing to stop: the runtime would leave it as it is, and it goes with its sandbox.
  const auto stops = [](const RuntimeContainer& container) {
    return container.phase == ContainerPhase::Running || container.phase == ContainerPhase::Unknown;
  };
  std::vector<std::vector<std::string>> out(1);
  std::vector<std::string> taken;
  const auto& inits = pod.spec.init_containers;
  std::vector<std::vector<std::string>> sidecars;
  for (auto container = inits.rbegin(); container != inits.rend(); ++container) {
    if (!rules::is_sidecar(*container)) continue;
    std::vector<std::string> group;
    for (const auto& running : state.containers) {
      if (running.name == container->name && stops(running)) group.push_back(running.id);
    }
    taken.insert(taken.end(), group.begin(), group.end());
    if (!group.empty()) sidecars.push_back(std::move(group));
  }
  for (const auto& running : state.containers) {
    if (!stops(running) || std::find(taken.begin(), taken.end(), running.id) != taken.end()) continue;
    out.front().push_back(running.id);
  }
  if (out.front().empty()) out.clear();
  std::move(sidecars.begin(), sidecars.end(), std::back_inserter(out));
  return out;
}

}  // namespace pintle::kubelet::runtime

#include "kubelet/status/container_status.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/runtime/plan.h"
#include "kubelet/types/pod_state.h"

namespace pintle::kubelet::status {

using namespace api::core_v1;

namespace {

constexpr int32_t killed_exit_code = 137;

const ContainerStatus* find_status(const std::vector<ContainerStatus>& statuses, std::string_view name) {
  const auto found = std::find_if(statuses.begin(), statuses.end(), [&](const auto& s) { return s.name == name; });
  return found == statuses.end() ? nullptr : &*found;
}

// "containerd://0123".
std::string full_id(const PodState& state, const RuntimeContainer& container) { return state.runtime_name + "://" + container.id; }

ContainerStateTerminated terminated_state(const PodState& state, const RuntimeContainer& container) {
  ContainerStateTerminated out;
  out.exit_code = container.exit_code;
  out.reason = container.reason;
  if (out.reason.empty()) out.reason = container.exit_code == 0 ? "Completed" : "Error";
  out.message = container.message;
  out.started_at = to_time(container.started_at);
  out.finished_at = to_time(container.finished_at);
  out.container_id = full_id(state, container);
  return out;
}

class Statuses {
 public:
  Statuses(const StatusInputs& in, StatusKind kind) : in_(in), kind_(kind) {}

  ContainerStatus make(const Container& container) {
    const RuntimeContainer* latest = in_.state.latest(container.name);
    const ContainerStatus* old = find_status(previous(), container.name);
    ContainerStatus out;
    if (!latest && old && in_.restarted_all && !old->container_id.empty() && kind_ != StatusKind::Ephemeral) return removed(container, *old);
    if (!latest && old && old->state.terminated && !will_start(container, nullptr)) return *old;
    out.name = container.name;
    out.image = container.image;
    if (latest) {
      fill_from(*latest, out);
    } else {
      fill_unstarted(container, old, out);
    }
    fill_previous(container.name, old, out);
    apply_waiting(container, latest, out);
    fill_readiness(container, latest, out);
    fill_spec(container, latest, out);
    return out;
  }

 private:
  const std::vector<ContainerStatus>& previous() const {
    if (kind_ == StatusKind::Init) return in_.previous.init_container_statuses;
    return kind_ == StatusKind::Ephemeral ? in_.previous.ephemeral_container_statuses : in_.previous.container_statuses;
  }

  void fill_from(const RuntimeContainer& container, ContainerStatus& out) {
    if (!container.image.empty()) out.image = container.image;
    out.image_id = container.image_id;
    out.container_id = full_id(in_.state, container);
    out.restart_count = static_cast<int32_t>(container.attempt);
    if (container.user) {
      auto& user = out.user.ensure().linux.ensure();
      user.uid = container.user->uid;
      user.gid = container.user->gid;
      user.supplemental_groups = container.user->supplemental_groups;
    }
    switch (container.phase) {
      case ContainerPhase::Running: out.state.running.emplace().started_at = to_time(container.started_at); break;
      case ContainerPhase::Exited: out.state.terminated = terminated_state(in_.state, container); break;
      case ContainerPhase::Created: out.state.waiting.emplace().reason = "ContainerCreating"; break;
      case ContainerPhase::Unknown: out.state.terminated = lost("The container could not be located when the pod was terminated"); break;
    }
  }

  void fill_unstarted(const Container& container, const ContainerStatus* old, ContainerStatus& out) {
    const bool initializing = !in_.pod.spec.init_containers.empty();  // of whatever kind this one is
    out.state.waiting.emplace().reason = initializing ? "PodInitializing" : "ContainerCreating";
    if (!old || !old->state.running) {
      if (old) out.restart_count = old->restart_count;
      return;
    }
    // It ran, and the runtime has lost it.
    out.restart_count = old->restart_count;
    ContainerStateTerminated gone = lost("The container could not be located when the pod was deleted.  The container used to be Running");
    if (in_.terminated || !will_start(container, nullptr)) {
      out.state = {};
      out.state.terminated = std::move(gone);
    } else {
      out.last_state.terminated = std::move(gone);
      ++out.restart_count;
    }
  }

  // It made room for a new start of the whole pod, and counts as started once more.
  ContainerStatus removed(const Container& container, const ContainerStatus& old) {
    constexpr std::string_view reason = "RestartingAllContainers";
    constexpr std::string_view message = "The container is removed because RestartAllContainers in place";
    ContainerStatus out;
    out.name = container.name;
    out.image = container.image;
    out.restart_count = old.restart_count + 1;
    auto& waiting = out.state.waiting.emplace();
    waiting.reason = reason;
    waiting.message = message;
    auto& last = out.last_state.terminated.emplace();
    last.exit_code = killed_exit_code;
    last.reason = reason;
    last.message = message;
    fill_readiness(container, nullptr, out);
    fill_spec(container, nullptr, out);
    return out;
  }

  static ContainerStateTerminated lost(std::string message) {
    ContainerStateTerminated out;
    out.exit_code = killed_exit_code;
    out.reason = "ContainerStatusUnknown";
    out.message = std::move(message);
    return out;
  }

  // The state before the present one: the container before, or what was said of it when the runtime has forgotten.
  void fill_previous(std::string_view name, const ContainerStatus* old, ContainerStatus& out) {
    if (out.last_state.terminated) return;
    if (const RuntimeContainer* before = in_.state.previous(name)) {
      out.last_state.terminated = terminated_state(in_.state, *before);
    } else if (old && old->restart_count == out.restart_count) {
      out.last_state = old->last_state;
    } else if (old && old->restart_count < out.restart_count && old->state.terminated) {
      out.last_state.terminated = old->state.terminated;
    }
  }

  bool will_start(const Container& container, const RuntimeContainer* latest) const {
    if (in_.terminating || in_.terminated || kind_ == StatusKind::Ephemeral) return false;
    if (kind_ == StatusKind::Init && !rules::is_sidecar(container) && latest && latest->phase == ContainerPhase::Exited && latest->exit_code == 0)
      return false;
    return runtime::should_restart(in_.pod, container, latest);
  }

  // A container that could not be started, or waits to be: Waiting with the reason.
  void apply_waiting(const Container& container, const RuntimeContainer* latest, ContainerStatus& out) {
    const auto reason = in_.waiting.find(container.name);
    if (reason == in_.waiting.end() || (latest && latest->phase == ContainerPhase::Running)) return;
    if (kind_ == StatusKind::Ephemeral ? latest != nullptr : !will_start(container, latest)) return;
    if (out.state.terminated) out.last_state = out.state;
    out.state = {};
    auto& waiting = out.state.waiting.emplace();
    waiting.reason = reason->second.reason;
    waiting.message = reason->second.message;
  }

  void fill_readiness(const Container& container, const RuntimeContainer* latest, ContainerStatus& out) {
    const bool running = out.state.running.has_value();
    if (kind_ == StatusKind::Ephemeral) return;
    if (kind_ == StatusKind::Init && !rules::is_sidecar(container)) {
      out.started = running;
      out.ready = out.state.terminated && out.state.terminated->exit_code == 0;
      return;
    }
    const probes::ProbeState probe = latest ? in_.probes(latest->id) : probes::ProbeState();
    out.started = running && latest && runtime::is_started(container, *latest, probe);
    out.ready = *out.started && (!container.readiness_probe || probe.readiness == probes::ProbeOutcome::Success);
  }

  void fill_spec(const Container& container, const RuntimeContainer* latest, ContainerStatus& out) {
    if (latest && latest->phase == ContainerPhase::Running && kind_ != StatusKind::Ephemeral) {
      out.allocated_resources = container.resources.requests;
      const auto applied = in_.applied_resources.find(latest->id);
      out.resources = applied == in_.applied_resources.end() ? container.resources : applied->second;
      out.resources->claims.clear();
    }
    for (const auto& mount : container.volume_mounts) {
      VolumeMountStatus status;
      status.name = mount.name;
      status.mount_path = mount.mount_path;
      status.read_only = mount.read_only;
      const bool recursive = latest && std::ranges::find(latest->recursive_read_only, mount.mount_path) != latest->recursive_read_only.end();
      if (mount.read_only) status.recursive_read_only = recursive ? "Enabled" : "Disabled";
      out.volume_mounts.push_back(std::move(status));
    }
  }

  const StatusInputs& in_;
  const StatusKind kind_;
};

}  // namespace

api::Time to_time(rt::WallTime time) { return time == rt::WallTime() ? api::Time() : apimachinery::to_api_time(time); }

std::vector<ContainerStatus> container_statuses(const StatusInputs& inputs, StatusKind kind) {
  Statuses statuses(inputs, kind);
  std::vector<ContainerStatus> out;
  if (kind == StatusKind::Ephemeral) {
    for (const auto& container : inputs.pod.spec.ephemeral_containers) out.push_back(statuses.make(container_config::plain_container(container)));
    return out;
  }
  for (const auto& container : kind == StatusKind::Init ? inputs.pod.spec.init_containers : inputs.pod.spec.containers)
    out.push_back(statuses.make(container));
  return out;
}

}  // namespace pintle::kubelet::status

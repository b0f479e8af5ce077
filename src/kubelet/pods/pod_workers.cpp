#include "kubelet/pods/pod_workers.h"

#include <algorithm>
#include <utility>

#include "component/log.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/runtime/observe.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/pod_state.h"

namespace pintle::kubelet::pods {

namespace log = component::log;

namespace {
constexpr std::size_t early_ends_max = 256;  // then the oldest are forgotten: containers of others
}  // namespace

PodWorkers::PodWorkers(PodWorkerDeps deps, sources::PodConfig& config) : deps_(std::move(deps)), config_(config) {
  deps_.observed = [this](const std::string& uid, const PodState& state) { observed(uid, state); };
  config_.on_change([this](const PodPtr& pod, bool removed) { pod_changed(pod, removed); });
}

void PodWorkers::observed(const std::string& uid, const PodState& state) {
  for (const auto& container : state.containers) {
    pod_of_container_[container.id] = uid;
    const auto early = std::find(early_ends_.begin(), early_ends_.end(), container.id);
    if (early == early_ends_.end()) continue;
    early_ends_.erase(early);
    const auto worker = workers_.find(uid);
    if (container.phase == ContainerPhase::Running && worker != workers_.end()) worker->second->expect_end(container.id);
  }
  changes_.increment();
  weigh_classes();
}

void PodWorkers::pod_changed(const PodPtr& pod, bool removed) {
  if (is_mirror_pod(*pod)) {
    if (removed) return;
    for (const auto& [uid, worker] : workers_) {
      if (is_static_pod(*worker->pod()) && pod_full_name(*worker->pod()) == pod_full_name(*pod)) deps_.statuses.mirror_appeared(worker->pod());
    }
    return;
  }
  const auto found = workers_.find(pod->metadata.uid);
  if (removed) {
    if (found == workers_.end()) return;
    found->second->remove();
    return room_changed();
  }
  if (found != workers_.end()) {
    found->second->update(pod);
    return weigh_classes();
  }
  start(pod, PodState(), false);
}

void PodWorkers::room_changed() {
  weigh_classes();
  for (const auto& [uid, worker] : workers_) worker->retry_resize();
}

void PodWorkers::start(PodPtr pod, PodState adopted, bool orphan) {
  const std::string uid = pod->metadata.uid;
  auto worker = std::make_unique<PodWorker>(deps_, pod, std::move(adopted));
  PodWorker* raw = worker.get();
  if (orphan) {
    raw->remove();
  } else if (raw->fresh() && admission_) {
    if (auto refused = admission_(*pod)) raw->reject(std::move(refused->reason), std::move(refused->message));
  }
  workers_.emplace(uid, std::move(worker));
  tasks_.spawn(run(uid, raw));
  weigh_classes();
}

void PodWorkers::weigh_classes() {
  if (!deps_.cgroups || tasks_.context().done()) return;  // the kubelet stops: pods and their weights stay
  weigh_again_ = true;
  if (std::exchange(weighing_, true)) return;
  tasks_.spawn(write_weights());
}

rt::Task<void> PodWorkers::write_weights() {
  while (std::exchange(weigh_again_, false)) {
    const uint64_t shares = cgroups::burstable_shares(active(""));
    if (shares == burstable_shares_) continue;
    Result<Unit> written = Unit{};
    co_await deps_.runtime.run_blocking([&] { written = deps_.cgroups->set_burstable_shares(shares); });
    if (written)
      burstable_shares_ = shares;
    else
      log::warning("The weight of Burstable pods was not written", {{"err", written.error().message}});
  }
  weighing_ = false;
}

rt::Task<void> PodWorkers::run(std::string uid, PodWorker* worker) {
  const bool gone = co_await worker->run(tasks_.context());
  if (!gone) co_return;  // the kubelet stops
  std::erase_if(pod_of_container_, [&](const auto& entry) { return entry.second == uid; });
  workers_.erase(uid);
  changes_.increment();
  room_changed();
  // A static pod that was taken away and put back in the meantime.
  if (const PodPtr again = config_.find(uid)) start(again, PodState(), false);
}

std::vector<const api::core_v1::Pod*> PodWorkers::active(std::string_view except_uid) const {
  std::vector<const api::core_v1::Pod*> out;
  for (const auto& [uid, worker] : workers_) {
    if (uid != except_uid && worker->active()) out.push_back(worker->pod().get());
  }
  return out;
}

void PodWorkers::end(std::string_view uid, PodEnd end) {
  const auto found = workers_.find(uid);
  if (found != workers_.end()) found->second->end(std::move(end));
}

void PodWorkers::container_event(const cri::ContainerEvent& event) {
  std::string uid = event.pod_uid;
  if (uid.empty()) {
    const auto found = pod_of_container_.find(event.container_id);
    if (found != pod_of_container_.end()) {
      uid = found->second;
    } else {
      for (const auto& [candidate, worker] : workers_) {
        const SandboxState* sandbox = worker->state().sandbox();
        if (sandbox && sandbox->id == event.container_id) uid = candidate;
      }
    }
  }
  const auto worker = workers_.find(uid);
  if (worker == workers_.end()) {
    if (event.kind != cri::ContainerEvent::Kind::Stopped) return;
    early_ends_.push_back(event.container_id);
    if (early_ends_.size() > early_ends_max) early_ends_.pop_front();
    return;
  }
  if (event.kind == cri::ContainerEvent::Kind::Stopped && event.may_lag) {
    worker->second->expect_end(event.container_id);
  } else {
    worker->second->wake();
  }
}

void PodWorkers::probe_changed(const std::string& uid) {
  const auto found = workers_.find(uid);
  if (found != workers_.end()) found->second->wake();
}

void PodWorkers::objects_changed(const std::vector<std::string>& uids) {
  for (const auto& uid : uids) {
    const auto found = workers_.find(uid);
    if (found != workers_.end()) found->second->objects_changed();
  }
}

void PodWorkers::look_again() {
  for (const auto& [uid, worker] : workers_) worker->wake();
  if (!config_.complete() || looking_for_orphans_) return;
  looking_for_orphans_ = true;
  tasks_.spawn(remove_orphans());
}

// What is there of pods that no source wants: left by an earlier kubelet, or dropped while this one did not run.
rt::Task<void> PodWorkers::remove_orphans() {
  auto known = co_await runtime::observe_all(deps_.cri, tasks_.context());
  looking_for_orphans_ = false;
  if (!known) {
    log::info(1, "Looking for pods that nobody wants failed", {{"err", known.error().message}});
    co_return;
  }
  for (const auto& uid : deps_.volumes.pods_on_disk()) (*known)[uid].uid = uid;
  if (deps_.cgroups) {
    for (const auto& uid : deps_.cgroups->pods()) (*known)[uid].uid = uid;
  }
  if (deps_.devices) {
    for (const auto& [uid, containers] : deps_.devices->allocations().all()) (*known)[uid].uid = uid;
  }
  if (deps_.claims) {
    for (const auto& uid : deps_.claims->pods()) (*known)[uid].uid = uid;
  }
  if (deps_.memory) {
    for (const auto& [uid, containers] : deps_.memory->state().of_pods) (*known)[uid].uid = uid;
  }
  if (deps_.cpus) {
    for (const auto& [uid, containers] : deps_.cpus->state().of_pods) (*known)[uid].uid = uid;
  }
  for (auto& [uid, state] : *known) {
    if (workers_.contains(uid) || config_.find(uid)) continue;
    auto pod = std::make_shared<api::core_v1::Pod>();
    pod->metadata.uid = uid;
    pod->metadata.name = state.name;
    pod->metadata.namespace_ = state.namespace_name;
    log::info(1, "Removing a pod that nobody wants", {{"pod", format_pod(*pod)}});
    start(std::move(pod), std::move(state), true);
  }
}

rt::Task<void> PodWorkers::remove_dead(rt::Context ctx) {
  std::vector<std::string> ended;
  for (const auto& [uid, worker] : workers_)
    if (worker->finished()) ended.push_back(uid);
  for (const std::string& uid : ended) {
    const PodWorker* worker = find(uid);
    if (!worker || ctx.done()) continue;
    const PodPtr pod = worker->pod();
    auto left = co_await runtime::observe_pod(deps_.cri, ctx, uid, worker->state());
    if (!left || (left->containers.empty() && left->sandboxes.empty())) continue;
    const auto removed = co_await deps_.pods.remove_pod(ctx, std::move(*left), pod->metadata.namespace_, pod->metadata.name);
    if (!removed)
      log::info(1, "Removing the containers of a pod that has ended failed", {{"pod", format_pod(*pod)}, {"err", removed.error().message}});
  }
}

std::vector<logs::ContainerLog> PodWorkers::running_logs() const {
  std::vector<logs::ContainerLog> out;
  for (const auto& [uid, worker] : workers_)
    for (const auto& container : worker->state().containers)
      if (container.phase == ContainerPhase::Running && !container.log_path.empty()) out.push_back({container.id, container.log_path});
  return out;
}

std::vector<std::string> PodWorkers::volume_images() const {
  std::vector<std::string> out;
  for (const auto& [uid, worker] : workers_)
    for (const auto& volume : worker->pod()->spec.volumes)
      if (volume.image && !worker->finished()) out.push_back(volume.image->reference);
  return out;
}

const PodWorker* PodWorkers::find(std::string_view uid) const {
  const auto found = workers_.find(uid);
  return found == workers_.end() ? nullptr : found->second.get();
}

api::core_v1::Pod PodWorkers::current(const PodWorker& worker, const status::StatusManager& statuses) {
  api::core_v1::Pod pod = *worker.pod();
  if (const auto* status = statuses.get(pod.metadata.uid)) pod.status = *status;
  return pod;
}

const PodWorker* PodWorkers::of_container(std::string_view container_id, const RuntimeContainer** container) const {
  const auto uid = pod_of_container_.find(container_id);
  const PodWorker* worker = uid == pod_of_container_.end() ? nullptr : find(uid->second);
  if (!worker) return nullptr;
  const auto& containers = worker->state().containers;
  const auto found = std::find_if(containers.begin(), containers.end(), [&](const auto& c) { return c.id == container_id; });
  if (found == containers.end()) return nullptr;
  if (container) *container = &*found;
  return worker;
}

rt::Task<void> PodWorkers::stop() { co_await tasks_.close(); }

}  // namespace pintle::kubelet::pods

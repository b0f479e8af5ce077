// PodWorkers: a worker for each pod of PodConfig, and for whatever is left of pods that nobody wants any more. Belongs to the
// kubelet's executor.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cri/container_events.h"
#include "kubelet/logs/log_rotation.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/sources/pod_config.h"
#include "rt/version.h"

namespace pintle::kubelet::pods {

class PodWorkers {
 public:
  // `deps.observed` is set here. `config` outlives it; its listener is taken.
  PodWorkers(PodWorkerDeps deps, sources::PodConfig& config);

  // The end of a pod, decided by the kubelet; no effect if there is no such pod.
  void end(std::string_view uid, PodEnd end);
  void container_event(const cri::ContainerEvent& event);
  void probe_changed(const std::string& uid);
  void objects_changed(const std::vector<std::string>& uids);
  // Every worker looks at the runtime again; what the runtime or the disk has of unknown pods is removed, once all sources have told.
  void look_again();

  const PodWorker* find(std::string_view uid) const;
  const std::map<std::string, std::unique_ptr<PodWorker>, std::less<>>& all() const { return workers_; }
  // The pod with the status as it is now.
  static api::core_v1::Pod current(const PodWorker& worker, const status::StatusManager& statuses);
  // The pod and container of an id; nullptr: unknown.
  const PodWorker* of_container(std::string_view container_id, const RuntimeContainer** container = nullptr) const;
  // Moves with each look at a pod.
  rt::Version& changes() { return changes_; }
  // Decides whether a new pod may run here; reason and message if not.
  using Admission = std::function<std::optional<WaitingReason>(const api::core_v1::Pod& pod)>;
  void set_admission(Admission admission) { admission_ = std::move(admission); }
  // Removes from the runtime what is left of pods that have ended, though they still exist in the API: their dead containers with their
  // logs, their sandboxes.
  rt::Task<void> remove_dead(rt::Context ctx);
  // Where running containers log to.
  std::vector<logs::ContainerLog> running_logs() const;
  // The images that volumes of pods are made of, as the pods name them.
  std::vector<std::string> volume_images() const;
  // Pods whose requests count on this node (PodWorker::active), but for the one with this uid.
  std::vector<const api::core_v1::Pod*> active(std::string_view except_uid) const;
  rt::Task<void> stop();

 private:
  void pod_changed(const PodPtr& pod, bool removed);
  void observed(const std::string& uid, const PodState& state);
  // A pod does not count on this node any more.
  void room_changed();
  void start(PodPtr pod, PodState adopted, bool orphan);
  rt::Task<void> run(std::string uid, PodWorker* worker);
  rt::Task<void> remove_orphans();
  // The weight of Burstable pods together follows from those that are active. Written in the background, one write at a time.
  void weigh_classes();
  rt::Task<void> write_weights();

  PodWorkerDeps deps_;
  sources::PodConfig& config_;
  Admission admission_;
  std::map<std::string, std::unique_ptr<PodWorker>, std::less<>> workers_;
  std::map<std::string, std::string, std::less<>> pod_of_container_;
  std::deque<std::string> early_ends_;  // of containers that no look has seen yet: they ended at once
  bool looking_for_orphans_ = false;
  bool weighing_ = false;
  bool weigh_again_ = false;
  std::optional<uint64_t> burstable_shares_;  // that were written last
  rt::Version changes_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::pods

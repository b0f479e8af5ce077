// Carries out what becomes of released volumes, each in a task of its own: directories of the manager's machine are removed, and pods scrub what
// is recycled. Belongs to the binder's executor; stop() it before its end. What was under way then is begun again by the next manager.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/framework/controller.h"
#include "controller/volume_binder/plan.h"

namespace pintle::controller::volume_binder {

constexpr std::size_t reclaims_at_once_max = 16;                // the others wait for their turn
constexpr auto reclaim_retry = std::chrono::seconds(15);        // after a failure; upstream's --pvclaimbinder-sync-period
constexpr auto removal_slice = std::chrono::milliseconds(500);  // how long one piece of a removal keeps a thread

class VolumeReclaimer final : public Contained {
 public:
  // `volumes`: the queue that a volume's name comes into when there is something to be said about it.
  VolumeReclaimer(ControllerDeps deps, client::WorkQueue& volumes);
  // Begins it unless it has begun, or failed a short while ago. Said once, at its end: what came of it. Errors' messages are the event's.
  std::optional<Result<Unit>> progress(const VolumePtr& volume, ReclaimPlan::Action action);
  // The volume is gone, or nothing is to be done about it: what is under way ends.
  void abandon(const std::string& volume);
  rt::Task<void> stop();

 private:
  struct Operation {
    rt::Context context = rt::Context::background();
    std::optional<Result<Unit>> outcome;
    rt::Event pod_changed;
  };
  rt::Task<void> run(VolumePtr volume, ReclaimPlan::Action action, std::shared_ptr<Operation> operation);
  rt::Task<Result<Unit>> remove(rt::Context ctx, std::string path);
  rt::Task<Result<Unit>> recycle(VolumePtr volume, std::shared_ptr<Operation> operation);
  rt::Task<Result<Unit>> replace_old_pod(rt::Context ctx, api::core_v1::Pod pod);
  rt::Task<Result<Unit>> wait_for_end(api::core_v1::Pod pod, std::shared_ptr<Operation> operation);
  // What is said about the pod is said about the volume.
  rt::Task<void> hear_events(rt::Context ctx, VolumePtr volume, api::core_v1::Pod pod);
  void pod_changed(const api::core_v1::Pod& pod);

  ControllerDeps deps_;
  client::WorkQueue& volumes_;
  std::map<std::string, std::shared_ptr<Operation>> operations_;  // by volume
  std::set<std::string> waiting_;                                 // for a turn
  std::map<std::string, rt::TimePoint> not_before_;               // of those that failed
  std::size_t running_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::controller::volume_binder

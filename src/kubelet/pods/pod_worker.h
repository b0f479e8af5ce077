// PodWorker: one pod's life on this node, in one coroutine: brought up and kept as its spec says, ended when it is deleted or has
// finished, cleaned up when the API or its file has let it go. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/probes/probe_manager.h"
#include "kubelet/runtime/pod_runtime.h"
#include "kubelet/runtime/resize.h"
#include "kubelet/status/status_manager.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/pod_events.h"
#include "kubelet/types/pod_state.h"
#include "kubelet/types/waiting_reason.h"
#include "kubelet/volumes/volume_manager.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet {

struct PodWorkerDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  PodRuntime& pods;
  ImagePuller& images;
  VolumeManager& volumes;
  ProbeManager& probes;
  StatusManager& statuses;
  PodEvents& events;
  PodCgroups* cgroups = nullptr;  // nullptr: none
  ReferencedObjects* objects = nullptr;
  client::Client* client = nullptr;
  std::function<std::vector<std::string>()> node_ips;
  // What the runtime calls itself; nullptr: nobody asks (tests).
  std::function<rt::Task<Result<std::string>>(rt::Context ctx)> runtime_name;
  rt::Duration crash_backoff_initial = kubelet::crash_backoff_initial;
  rt::Duration crash_backoff_max = kubelet::crash_backoff_max;
  // Whether a pod with other resources than before fits; nullptr: always.
  std::function<std::optional<WaitingReason>(const api::core_v1::Pod& pod)> admit_resize;
  // Told when containers of the pod have come or gone (whose ids the kubelet maps to pods).
  std::function<void(const std::string& uid, const PodState& state)> observed;
};

// The kubelet ends a pod: eviction, shutdown, rejection.
struct PodEnd {
  std::string reason;  // status.reason: "Evicted"
  std::string message;
  std::optional<int64_t> grace_seconds;
  std::optional<api::core_v1::PodCondition> condition;  // DisruptionTarget
};

class PodWorker {
 public:
  PodWorker(PodWorkerDeps& deps, PodPtr pod, PodState adopted);

  // Runs until the pod is gone from its source and from the runtime, or `ctx` is done (the kubelet stops; the pod goes on).
  rt::Task<void> run(rt::Context ctx);
  void update(PodPtr pod);
  // Its source has dropped it.
  void remove();
  void end(PodEnd end);
  // Something about it happened: look again.
  void wake();
  // A container is said to have ended, though the runtime may not say so yet.
  void expect_end(const std::string& container_id);
  // What it refers to has changed: what failed for it is tried at once.
  void objects_changed();
  // A resize that did not fit may fit now.
  void retry_resize();
  // Rejected before it ever ran.
  void reject(std::string reason, std::string message);

  const PodPtr& pod() const { return pod_; }
  const PodState& state() const { return state_; }
  // No container runs and none will.
  bool terminated() const { return terminated_; }
  // What it asks for counts on this node. Not that of a pod that was refused, or that the API knows as ended, of which nothing runs.
  bool active() const;
  // The kubelet has ended it, or it is nobody's.
  bool ended() const { return end_ || removed_; }
  // Nor is anything left of its volumes.
  bool cleaned_up() const { return cleaned_up_; }
  bool gone() const { return gone_; }

 private:
  struct Retry {
    rt::TimePoint at;
    bool on_change = false;  // a change of a referenced object ends the wait
  };

  // --- phases (pod_worker.cpp) ---
  rt::Task<void> run_phase(rt::Context ctx);
  rt::Task<void> adopt_volumes(rt::Context ctx);
  rt::Task<void> terminate_phase(rt::Context ctx);
  rt::Task<void> finish_phase(rt::Context ctx);
  rt::Task<void> kill_all(rt::Context ctx, bool* done);
  rt::Task<void> clean_up(rt::Context ctx);
  rt::Task<void> delete_from_api(rt::Context ctx);
  bool ending() const;
  bool past_deadline();
  std::optional<int64_t> kill_grace() const;

  // --- one pass (pod_sync.cpp) ---
  rt::Task<bool> observe(rt::Context ctx);
  void note_applied();
  rt::Task<bool> resize(rt::Context ctx);
  rt::Task<Result<Unit>> resize_cgroup(api::core_v1::Pod pod);
  void follow_probes();
  PodPlan plan();
  void drop_unready(PodPlan& plan);
  rt::Task<void> apply(rt::Context ctx, PodPlan plan);
  rt::Task<bool> prepare(rt::Context ctx);
  rt::Task<void> start_one(rt::Context ctx, ContainerStart start);
  void note_waits(const PodPlan& plan);
  void failed(const std::string& what, const WaitingReason& reason);
  void publish();
  std::optional<rt::TimePoint> next_look(const PodPlan& plan) const;
  rt::Task<void> wait(rt::Context ctx, std::optional<rt::TimePoint> until);
  ProbeState probe_state(const std::string& id) const;

  PodWorkerDeps& deps_;
  PodPtr pod_;
  PodState state_;
  api::core_v1::PodStatus status_;  // generated last, or the API's
  CrashBackoffs backoffs_;
  std::map<std::string, WaitingReason, std::less<>> waiting_;
  std::map<std::string, Retry, std::less<>> retries_;  // by container; "": the sandbox
  std::map<std::string, int> lagging_;                 // containers that are said to have ended: looks so far
  std::set<std::string> probed_;
  std::set<std::string> reported_backoff_;
  AppliedResources applied_;
  PodPtr wanted_;  // as the API has it, while its resize does not fit
  std::optional<WaitingReason> resize_pending_;
  std::optional<WaitingReason> resize_in_progress_;
  std::optional<PodEnd> end_;
  rt::Context pass_ = rt::Context::background();  // of the running apply(): cancelled by what ends the pod
  rt::Event wake_;
  bool finished_ = false;  // nothing is left to run
  bool rejected_ = false;
  bool removed_ = false;
  bool terminating_ = false;
  bool terminated_ = false;
  bool cleaned_up_ = false;
  bool gone_ = false;
};

}  // namespace pintle::kubelet

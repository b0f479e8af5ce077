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
#include "kubelet/allocation/pod_allocator.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/cpu_manager/cpu_manager.h"
#include "kubelet/devices/device_manager.h"
#include "kubelet/dynamic_resources/claim_manager.h"
#include "kubelet/pods/worker_phase.h"
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

namespace pintle::kubelet::pods {

struct PodWorkerDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  runtime::PodRuntime& pods;
  images::ImagePuller& images;
  volumes::VolumeManager& volumes;
  probes::ProbeManager& probes;
  status::StatusManager& statuses;
  PodEvents& events;
  cgroups::PodCgroups* cgroups = nullptr;  // nullptr: none
  referenced_objects::ReferencedObjects* objects = nullptr;
  devices::DeviceManager* devices = nullptr;  // nullptr, each: none
  cpu_manager::CpuManager* cpus = nullptr;
  dynamic_resources::ClaimManager* claims = nullptr;
  memory_manager::MemoryManager* memory = nullptr;
  allocation::PodAllocator* allocator = nullptr;  // over those two
  bool device_health = false;                     // feature ResourceHealthStatus
  client::Client* client = nullptr;
  std::function<std::vector<std::string>()> node_ips;
  // What the runtime calls itself; nullptr: nobody asks (tests).
  std::function<rt::Task<Result<std::string>>(rt::Context ctx)> runtime_name;
  rt::Duration crash_backoff_initial = kubelet::runtime::crash_backoff_initial;
  rt::Duration crash_backoff_max = kubelet::runtime::crash_backoff_max;
  bool resize_init_containers = false;  // feature InPlacePodVerticalScalingInitContainers
  bool resize_pod_level = false;        // feature InPlacePodLevelResourcesVerticalScaling
  bool restart_all = false;             // feature RestartAllContainersOnContainerExits
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
  bool rejected = false;                                // before it ever ran
};

class PodWorker {
 public:
  PodWorker(PodWorkerDeps& deps, PodPtr pod, PodState adopted);

  // Runs until the pod is gone from its source and from the runtime; false: `ctx` was done before (the kubelet stops; the pod goes on).
  rt::Task<bool> run(rt::Context ctx);
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
  // Its claims could not be prepared, and are tried again.
  bool awaits_drivers() const { return awaits_drivers_; }
  // A resize that did not fit may fit now.
  void retry_resize();
  // Rejected before it ever ran.
  void reject(std::string reason, std::string message);

  const PodPtr& pod() const { return pod_; }
  const PodState& state() const { return state_; }
  // No container runs and none will.
  bool terminated() const { return phase_ >= WorkerPhase::Terminated; }
  // Nor is anything left of its volumes.
  bool finished() const { return phase_ == WorkerPhase::Finished; }
  // What it asks for counts on this node. Not that of a pod that was refused, or that the API knows as ended, of which nothing runs; nor
  // that of a pod that its source has dropped (deleted by force), even while it is being ended: its room was promised to others.
  bool active() const;
  // The kubelet has ended it, or it is nobody's.
  bool ended() const { return end_ || removed_; }
  // No kubelet has begun with it.
  bool fresh() const { return !pod_->status.start_time && !pod_->metadata.deletion_timestamp; }

 private:
  struct Retry {
    rt::TimePoint at;
    bool on_change = false;  // a change of a referenced object ends the wait
  };

  // A resize that does not fit (yet), or is being carried out.
  struct Resize {
    PodPtr wanted;  // the pod as the API has it, while it does not fit
    std::optional<WaitingReason> pending;
    std::optional<WaitingReason> in_progress;
  };

  // Gives it what the node hands out one by one, before anything of it starts, or rejects it.
  rt::Task<void> allocate(rt::Context ctx);
  // An earlier life of the kubelet began with it, and something of it is to be started.
  rt::Task<bool> starts_again(rt::Context ctx);

  // --- phases (pod_worker.cpp): each returns when the next one is due, or with `ctx` ---
  rt::Task<void> sync(rt::Context ctx);
  rt::Task<void> terminate(rt::Context ctx);
  rt::Task<void> tear_down(rt::Context ctx);
  // Its claims are taken back: nothing of it runs, and the API is not told so before.
  rt::Task<void> unprepare_claims(rt::Context ctx);
  rt::Task<void> let_go(rt::Context ctx);
  // Goes on to the next phase if what is known of the pod, with what the phase has `found`, says so.
  void advance(PhaseInputs found);
  PhaseInputs with_reasons(PhaseInputs found) const;
  bool ending() const { return next_phase(WorkerPhase::Syncing, with_reasons({})) != WorkerPhase::Syncing; }
  void end_past_deadline();
  rt::Task<void> adopt_volumes(rt::Context ctx);
  rt::Task<void> follow_kill(rt::Context ctx, rt::Context killing, std::optional<int64_t> grace_seconds);
  rt::Task<void> remove_from_runtime(rt::Context ctx);
  rt::Task<void> delete_from_api(rt::Context ctx);
  std::optional<int64_t> kill_grace() const;

  // --- one pass (pod_sync.cpp) ---
  rt::Task<bool> observe(rt::Context ctx);
  void note_applied();
  rt::Task<bool> resize(rt::Context ctx);
  rt::Task<Result<Unit>> resize_cgroup(api::core_v1::Pod pod);
  void follow_probes();
  runtime::PodPlan plan();
  void drop_unready(runtime::PodPlan& plan);
  rt::Task<void> apply(rt::Context ctx, runtime::PodPlan plan);
  rt::Task<void> reset(rt::Context ctx, std::vector<runtime::ContainerReset> resets);
  rt::Task<bool> prepare(rt::Context ctx);
  rt::Task<bool> prepare_claims(rt::Context ctx);
  rt::Task<void> start_one(rt::Context ctx, runtime::ContainerStart start);
  void note_waits(const runtime::PodPlan& plan);
  void failed(const std::string& what, const WaitingReason& reason);
  void publish();
  std::optional<rt::TimePoint> next_look(const runtime::PodPlan& plan) const;
  rt::Task<void> wait(rt::Context ctx, std::optional<rt::TimePoint> until);
  probes::ProbeState probe_state(const std::string& id) const;

  // What retries_ has beside containers.
  static constexpr const char* sandbox_retry = "";
  static constexpr const char* resize_retry = "/resize";
  static constexpr rt::Duration observe_retry_after = std::chrono::seconds(1);

  PodWorkerDeps& deps_;
  PodPtr pod_;
  PodState state_;
  api::core_v1::PodStatus status_;  // generated last, or the API's
  runtime::CrashBackoffs backoffs_;
  std::map<std::string, WaitingReason, std::less<>> waiting_;
  std::map<std::string, Retry, std::less<>> retries_;  // by container, or one of the names above
  std::map<std::string, int> lagging_;                 // containers that are said to have ended: looks so far
  std::set<std::string> probed_;
  std::set<std::string> reported_backoff_;
  runtime::Applied applied_;
  bool restarts_all_ = false;   // all its containers are to begin anew
  bool restarted_all_ = false;  // containers were removed for that since the status was generated last
  Resize resize_;
  WorkerPhase phase_ = WorkerPhase::Syncing;
  bool awaits_drivers_ = false;
  bool removed_ = false;                          // by its source
  std::optional<PodEnd> end_;                     // by the kubelet
  rt::Context pass_ = rt::Context::background();  // of the running apply(): cancelled by what ends the pod
  rt::Event wake_;
};

}  // namespace pintle::kubelet::pods

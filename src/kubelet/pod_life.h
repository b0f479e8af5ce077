// PodLife: the pods of this node from the moment a source names them until nothing of them is left: who wants them, a worker for each,
// their probes, statuses and logs. Belongs to the kubelet's executor.
#pragma once

#include <memory>

#include "kubelet/allocation/pod_allocator.h"
#include "kubelet/changes.h"
#include "kubelet/cpu_manager/cpu_placement.h"
#include "kubelet/logs/log_rotation.h"
#include "kubelet/node_runtime.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/probes/probe_manager.h"
#include "kubelet/runtime/pleg.h"
#include "kubelet/sources/pod_config.h"
#include "kubelet/status/status_manager.h"
#include "rt/sync.h"

namespace pintle::kubelet {

struct PodLifeDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  NodeRuntime& node;
  ClusterAccess& cluster;
  allocation::PodAllocator& allocator;
  Changes& changes;
  const KubeletOptions& options;
  const NodeFacts& facts;
  rt::TaskGroup& tasks;  // closed before anything is stopped
};

struct PodLife {
  explicit PodLife(PodLifeDeps deps);
  // The API is a source of pods. Before its informers are started; no effect without an API server.
  void follow_api();
  // What the runtime tells reaches the workers, and logs are rotated.
  void follow_runtime();
  rt::Task<void> stop();

  const PodLifeDeps deps;
  sources::PodConfig config;
  const std::unique_ptr<probes::ProbeManager> probes;
  status::StatusManager statuses;
  pods::PodWorkers workers;
  logs::LogRotator logs;
  runtime::Pleg pleg;
  cpu_manager::CpuPlacement placement;

 private:
  pods::PodWorkerDeps worker_deps();
  runtime::PlegDeps pleg_deps();
  rt::Task<void> first_pods(client::Informer<api::core_v1::Pod> assigned);
  rt::Task<void> follow_events();
  rt::Task<void> look_later();
  // Running containers are where they shall be, however that changes.
  rt::Task<void> follow_cpus(rt::Context ctx);
  std::optional<WaitingReason> admit_resize(const api::core_v1::Pod& pod) const;
};

}  // namespace pintle::kubelet

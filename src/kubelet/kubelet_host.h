// Host: the kubelet as its HTTP server sees it (server/host.h).
#pragma once

#include <optional>

#include "cri/runtime_client.h"
#include "kubelet/allocation/pod_allocator.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/csi_drivers/csi_drivers.h"
#include "kubelet/devices/device_manager.h"
#include "kubelet/dynamic_resources/claim_manager.h"
#include "kubelet/eviction/manager.h"
#include "kubelet/pod_resources_api/server.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/runtime/pleg.h"
#include "kubelet/server/host.h"
#include "kubelet/stats/summary.h"
#include "kubelet/volumes/volume_usage.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

struct HostDeps {
  rt::Runtime& runtime;
  const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration;
  cri::RuntimeClient& cri;
  pods::PodWorkers& workers;
  status::StatusManager& statuses;
  const runtime::Pleg& pleg;
  const eviction::EvictionManager& eviction;
  const images::ImageCollector& images;
  const images::CredentialProviders& credential_providers;
  volumes::VolumeUsages& volume_usages;
  const devices::DeviceManager& devices;
  const csi_drivers::CsiDrivers& csi;
  const dynamic_resources::ClaimManager& claims;
  const allocation::PodAllocator& allocator;
  const pod_resources_api::PodResourcesServer& pod_resources;
  os::Cgroups* cgroups = nullptr;  // nullptr: the node's usage is not told
  std::string node_name;
  std::string root_dir;
  std::string provisioned_driver;  // KubeletOptions'
  std::string checkpoints_dir;
  bool checkpoints = false;  // feature ContainerCheckpoint
};

class Host final : public server::KubeletHost {
 public:
  explicit Host(HostDeps deps);

  rt::Task<std::vector<api::core_v1::Pod>> pods() override;
  rt::Task<std::optional<api::core_v1::Pod>> pod(std::string namespace_name, std::string name) override;
  rt::Task<Result<std::vector<api::core_v1::Pod>>> running_pods(rt::Context ctx) override;
  rt::Task<Result<std::string>> container_log_path(rt::Context ctx, std::string container_id) override;
  rt::Task<Result<Unit>> wait_container_end(rt::Context ctx, std::string container_id) override;
  rt::Task<Result<server::ExecSyncResult>> exec_sync(rt::Context ctx, std::string container_id, std::vector<std::string> command) override;
  bool has_checkpoints() const override { return deps_.checkpoints; }
  rt::Task<Result<std::string>> checkpoint(rt::Context ctx, api::core_v1::Pod pod, std::string container, int64_t timeout_seconds) override;
  rt::Task<Result<std::string>> exec_url(rt::Context ctx, server::StreamRequest request) override;
  rt::Task<Result<std::string>> attach_url(rt::Context ctx, server::StreamRequest request) override;
  rt::Task<Result<std::string>> port_forward_url(rt::Context ctx, api::core_v1::Pod pod, std::vector<int32_t> ports) override;
  rt::Task<Result<api::kubeletstats_v1alpha1::Summary>> stats_summary(rt::Context ctx, bool only_cpu_and_memory) override;
  std::string metrics() override;
  rt::Task<Result<std::string>> cadvisor_metrics(rt::Context ctx) override;
  rt::Task<Result<std::string>> resource_metrics(rt::Context ctx) override;
  std::string probe_metrics() override;
  rt::Task<std::optional<Result<std::string>>> csi_controller_call(rt::Context ctx, std::string driver, std::string method,
                                                                   std::string request) override;
  const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration() const override { return deps_.configuration; }
  std::string node_name() const override { return deps_.node_name; }
  std::string unhealthy() const override { return deps_.pleg.hung() ? "syncloop" : ""; }
  std::string log_directory() const override { return deps_.configuration.enable_system_log_handler.value_or(true) ? "/var/log" : ""; }

 private:
  struct Sample {
    rt::TimePoint at;
    uint64_t cpu_ns;
  };
  rt::Task<Result<stats::StatsInputs>> gather(rt::Context ctx, bool only_cpu_and_memory);
  uint64_t nano_cores(uint64_t cpu_ns);

  HostDeps deps_;
  rt::WallTime started_;
  std::optional<Sample> last_sample_;
};

}  // namespace pintle::kubelet

// PodResourcesServer: the pod resources API (v1, and List of v1alpha1) on a socket of the node: who monitors devices asks there which container
// has which. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/podresources_v1.h"
#include "component/metrics.h"
#include "kubelet/cpu_manager/cpu_manager.h"
#include "kubelet/devices/device_manager.h"
#include "kubelet/dynamic_resources/claim_manager.h"
#include "kubelet/memory_manager/memory_manager.h"
#include "net/grpc/server.h"
#include "rt/rate_limiter.h"
#include "rt/runtime.h"

namespace pintle::kubelet::pod_resources_api {

// Requests, of all clients together; then ResourceExhausted. Upstream's numbers.
constexpr double requests_per_second_max = 100;
constexpr double requests_burst_max = 10;

struct PodResourcesServerDeps {
  rt::Runtime& runtime;
  std::string folder;  // ROOT/pod-resources
  const devices::DeviceManager& devices;
  const dynamic_resources::ClaimManager& claims;
  const cpu_manager::CpuManager& cpus;
  const memory_manager::MemoryManager& memory;
  // Pods that have not ended.
  std::function<std::vector<const api::core_v1::Pod*>()> active_pods;
  // nullptr: there is none.
  std::function<const api::core_v1::Pod*(const std::string& namespace_name, const std::string& name)> pod;
};

class PodResourcesServer {
 public:
  explicit PodResourcesServer(PodResourcesServerDeps deps);

  // Serves from now on; what keeps it from doing so is logged.
  rt::Task<void> start();
  rt::Task<void> stop();
  void write_metrics(std::string& out) const;

 private:
  using ListRequest = api::podresources_v1::ListPodResourcesRequest;
  using ListResponse = api::podresources_v1::ListPodResourcesResponse;
  using GetRequest = api::podresources_v1::GetPodResourcesRequest;
  using GetResponse = api::podresources_v1::GetPodResourcesResponse;
  using AllocatableRequest = api::podresources_v1::AllocatableResourcesRequest;
  using AllocatableResponse = api::podresources_v1::AllocatableResourcesResponse;

  rt::Task<Result<ListResponse>> list(rt::Context ctx, ListRequest request);
  rt::Task<Result<ListResponse>> list_v1alpha1(rt::Context ctx, ListRequest request);
  rt::Task<Result<GetResponse>> get(rt::Context ctx, GetRequest request);
  rt::Task<Result<AllocatableResponse>> allocatable(rt::Context ctx, AllocatableRequest request);
  Result<ListResponse> all(const std::string& version);
  Result<Unit> admit(const std::string& version, component::metrics::CounterVec& of_method);

  PodResourcesServerDeps deps_;
  net::grpc::Server server_;
  rt::RateLimiter limiter_;
  component::metrics::Registry metrics_;
  component::metrics::CounterVec requests_, lists_, gets_, allocatables_, get_errors_;
};

}  // namespace pintle::kubelet::pod_resources_api

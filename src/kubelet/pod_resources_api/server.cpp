#include "kubelet/pod_resources_api/server.h"

#include "component/log.h"
#include "kubelet/pod_resources_api/listing.h"
#include "net/grpc/code.h"
#include "os/path.h"
#include "rpc/typed_server.h"

namespace pintle::kubelet::pod_resources_api {

namespace log = component::log;

namespace {

constexpr uint32_t pod_resources_folder_mode = 0750;  // as upstream's
const std::string v1 = "v1";
const std::string v1alpha1 = "v1alpha1";

component::metrics::Description counted(std::string_view name, std::string_view help) { return {name, help, {"server_api_version"}}; }

}  // namespace

PodResourcesServer::PodResourcesServer(PodResourcesServerDeps deps)
    : deps_(std::move(deps)),
      server_(deps_.runtime),
      limiter_(deps_.runtime.clock(), requests_per_second_max, requests_burst_max),
      requests_(metrics_, counted("kubelet_pod_resources_endpoint_requests_total",
                                  "[ALPHA] Cumulative number of requests to the PodResource endpoint. Broken down by server api version.")),
      lists_(metrics_, counted("kubelet_pod_resources_endpoint_requests_list",
                               "[ALPHA] Number of requests to the PodResource List endpoint. Broken down by server api version.")),
      gets_(metrics_, counted("kubelet_pod_resources_endpoint_requests_get",
                              "[ALPHA] Number of requests to the PodResource Get endpoint. Broken down by server api version.")),
      allocatables_(metrics_,
                    counted("kubelet_pod_resources_endpoint_requests_get_allocatable",
                            "[ALPHA] Number of requests to the PodResource GetAllocatableResources endpoint. Broken down by server api version.")),
      get_errors_(metrics_,
                  counted("kubelet_pod_resources_endpoint_errors_get",
                          "[ALPHA] Number of requests to the PodResource Get endpoint which returned error. Broken down by server api version.")) {
  rpc::on_unary(server_, "/v1.PodResourcesLister/List", *this, &PodResourcesServer::list);
  rpc::on_unary(server_, "/v1.PodResourcesLister/Get", *this, &PodResourcesServer::get);
  rpc::on_unary(server_, "/v1.PodResourcesLister/GetAllocatableResources", *this, &PodResourcesServer::allocatable);
  rpc::on_unary(server_, "/v1alpha1.PodResourcesLister/List", *this, &PodResourcesServer::list_v1alpha1);
}

rt::Task<void> PodResourcesServer::start() {
  const std::string path = deps_.folder + "/kubelet.sock";
  Result<Unit> ready = Unit{};
  co_await deps_.runtime.run_blocking([&] {
    ready = os::make_directories(deps_.folder, pod_resources_folder_mode);
    if (ready) (void)deps_.runtime.disk().remove(path);  // of an earlier life
  });
  if (ready) ready = server_.start(path);
  if (!ready) log::error("The pod resources API is not served", ready.error(), {{"path", path}});
}

rt::Task<void> PodResourcesServer::stop() { return server_.stop(); }

void PodResourcesServer::write_metrics(std::string& out) const { out += metrics_.write(); }

Result<Unit> PodResourcesServer::admit(const std::string& version, component::metrics::CounterVec& of_method) {
  if (!limiter_.try_take()) return Unexpected(net::grpc::to_status(net::grpc::Code::ResourceExhausted, "rejected by rate limit"));
  requests_.with({version}).add();
  of_method.with({version}).add();
  return Unit{};
}

Result<PodResourcesServer::ListResponse> PodResourcesServer::all(const std::string& version) {
  TRY(admit(version, lists_));
  ListResponse out;
  for (const auto* pod : deps_.active_pods())
    out.pod_resources.push_back(
        resources_of(*pod, ResourceSources{deps_.devices.allocations(), deps_.cpus.state(), deps_.claims, deps_.memory.state()}));
  return out;
}

rt::Task<Result<PodResourcesServer::ListResponse>> PodResourcesServer::list(rt::Context, ListRequest) { co_return all(v1); }

// The older form has devices alone, under the same numbers.
rt::Task<Result<PodResourcesServer::ListResponse>> PodResourcesServer::list_v1alpha1(rt::Context, ListRequest) {
  auto out = all(v1alpha1);
  if (!out) co_return Unexpected(std::move(out).error());
  for (auto& pod : out->pod_resources) {
    for (auto& container : pod.containers) {
      container.cpu_ids.clear();
      container.memory.clear();
      container.dynamic_resources.clear();
      for (auto& device : container.devices) device.topology.reset();
    }
  }
  co_return std::move(*out);
}

rt::Task<Result<PodResourcesServer::GetResponse>> PodResourcesServer::get(rt::Context, GetRequest request) {
  CO_TRY(admit(v1, gets_));
  const auto* pod = deps_.pod(request.pod_namespace, request.pod_name);
  if (!pod) {
    get_errors_.with({v1}).add();
    co_return Unexpected(
        net::grpc::to_status(net::grpc::Code::Unknown, "pod " + request.pod_name + " in namespace " + request.pod_namespace + " not found"));
  }
  GetResponse out;
  out.pod_resources = resources_of(*pod, ResourceSources{deps_.devices.allocations(), deps_.cpus.state(), deps_.claims, deps_.memory.state()});
  co_return std::move(out);
}

rt::Task<Result<PodResourcesServer::AllocatableResponse>> PodResourcesServer::allocatable(rt::Context, AllocatableRequest) {
  CO_TRY(admit(v1, allocatables_));
  AllocatableResponse out;
  out.devices = pod_resources_api::allocatable(deps_.devices.devices());
  out.memory = pod_resources_api::memory_of(deps_.memory.allocatable());
  const CpuSet cpus = deps_.cpus.allocatable();
  out.cpu_ids.assign(cpus.begin(), cpus.end());
  co_return std::move(out);
}

}  // namespace pintle::kubelet::pod_resources_api

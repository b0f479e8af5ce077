#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "kubelet/pod_resources_api/listing.h"
#include "kubelet/pod_resources_api/server.h"
#include "kubelet/testing.h"
#include "net/grpc/code.h"
#include "rpc/typed_call.h"
#include "rt/testing.h"

namespace pintle::kubelet::pod_resources_api {
namespace {

using namespace api::podresources_v1;
using api::core_v1::Pod;

std::string shown(const std::vector<ContainerDevices>& devices) {
  std::string out;
  for (const auto& one : devices) {
    out += fmt::format("{}:{}", one.resource_name, fmt::join(one.device_ids, ","));
    if (one.topology)
      for (const auto& node : one.topology->nodes) out += fmt::format("@{}", node.id);
    out += ' ';
  }
  return out;
}

std::string shown(const PodResources& pod) {
  std::string out = pod.namespace_ + "/" + pod.name + ": ";
  for (const auto& container : pod.containers) {
    out += container.name + " [" + shown(container.devices) + fmt::format("{}", fmt::join(container.cpu_ids, ","));
    for (const auto& memory : container.memory) out += fmt::format(" {}:{}@{}", memory.memory_type, memory.size, memory.topology->nodes.size());
    out += "] ";
  }
  return out;
}

Pod sample() {
  return testing::pod_of(
      "{metadata: {name: p, namespace: ns, uid: u}, spec: {initContainers: [{name: i}, {name: s, restartPolicy: Always}], containers: [{name: a}, "
      "{name: b}]}}");
}

devices::Allocations given() {
  devices::Allocations out;
  devices::Allocation one;
  one.by_numa_node = {{devices::no_numa_node, {"z"}}, {0, {"x", "y"}}, {1, {"x"}}};
  out.put("u", "a", "e/d", one);
  one.by_numa_node = {{devices::no_numa_node, {"q"}}};
  out.put("u", "i", "e/d", one);
  out.put("u", "s", "e/d", one);
  return out;
}

TEST(PodResourcesListing, TellsEachDeviceAndNode) {
  const DevicesOfNode node = {{"e/d", {{"a", {true, {}}}, {"b", {false, {}}}, {"c", {true, {0, 1}}}}}};
  EXPECT_EQ(shown(allocatable(node)), "e/d:a e/d:c@0 e/d:c@1 ");
}

rt::Task<void> tells_what_containers_have() {
  cpu_manager::CpuState cpus;
  cpus.of_pods["u"]["a"] = {2, 5};
  memory_manager::MemoryState memory;
  memory.of_pods["u"]["a"] = {{{0, 1}, "memory", 4096}};
  dynamic_resources::ClaimManager claims({rt::Executor::current().runtime(), ::testing::TempDir() + "pintle-pod-resources"});
  EXPECT_EQ(shown(resources_of(sample(), {given(), cpus, claims, memory})),
            "ns/p: s [e/d:q ] a [e/d:z e/d:x@0 e/d:y@0 e/d:x@1 2,5 memory:4096@2] b [] ");
  co_await claims.stop();
}
TEST(PodResourcesListing, TellsWhatContainersHave) { rt::testing::run_task(tells_what_containers_have()); }

rt::Task<void> answers() {
  auto& runtime = rt::Executor::current().runtime();
  const Pod pod = sample();
  const std::string folder = ::testing::TempDir() + "pintle-pod-resources";
  devices::DeviceManager devices(devices::DeviceManagerDeps{runtime, folder + "/none"});
  cpu_manager::CpuManagerOptions of_cpus;
  of_cpus.root_dir = folder;
  std::filesystem::create_directories(folder);
  std::filesystem::remove(folder + "/cpu_manager_state");
  std::filesystem::remove(folder + "/memory_manager_state");
  const auto cpus = std::move(*cpu_manager::CpuManager::make(runtime, of_cpus));
  dynamic_resources::ClaimManager claims({runtime, folder});
  memory_manager::MemoryManagerOptions of_memory;
  of_memory.root_dir = folder;
  const auto memory = std::move(*memory_manager::MemoryManager::make(runtime, of_memory));
  PodResourcesServerDeps deps{runtime, folder, devices, claims, *cpus, *memory};
  deps.active_pods = [&] { return std::vector<const Pod*>{&pod}; };
  deps.pod = [&](const std::string& space, const std::string& name) { return space == "ns" && name == "p" ? &pod : nullptr; };
  PodResourcesServer server(std::move(deps));
  co_await server.start();
  auto channel = std::move(*net::grpc::Channel::make(runtime, {.target = folder + "/kubelet.sock"}));
  const auto ctx = rt::Context::background().with_timeout(std::chrono::seconds(20));
  const auto list = co_await rpc::call<ListPodResourcesResponse>(*channel, ctx, rt::Duration(), "/v1.PodResourcesLister/List", "");
  EXPECT_EQ(shown(list->pod_resources.at(0)), "ns/p: s [] a [] b [] ");
  const auto older = co_await rpc::call<ListPodResourcesResponse>(*channel, ctx, rt::Duration(), "/v1alpha1.PodResourcesLister/List", "");
  EXPECT_EQ(older->pod_resources.size(), 1u);
  GetPodResourcesRequest request;
  request.pod_namespace = "ns";
  request.pod_name = "p";
  const auto one = co_await rpc::call<GetPodResourcesResponse>(*channel, ctx, rt::Duration(), "/v1.PodResourcesLister/Get", rpc::encode(request));
  EXPECT_EQ(shown(*one->pod_resources), "ns/p: s [] a [] b [] ");
  request.pod_name = "q";
  const auto none = co_await rpc::call<GetPodResourcesResponse>(*channel, ctx, rt::Duration(), "/v1.PodResourcesLister/Get", rpc::encode(request));
  EXPECT_EQ(none.error().message, "rpc error: code = Unknown desc = pod q in namespace ns not found");
  const auto all =
      co_await rpc::call<AllocatableResourcesResponse>(*channel, ctx, rt::Duration(), "/v1.PodResourcesLister/GetAllocatableResources", "");
  EXPECT_TRUE(all && all->devices.empty());
  std::string metrics;
  server.write_metrics(metrics);
  EXPECT_TRUE(metrics.contains("kubelet_pod_resources_endpoint_requests_total{server_api_version=\"v1\"} 4\n")) << metrics;
  // Who asks too often is refused.
  Result<ListPodResourcesResponse> refused = ListPodResourcesResponse{};
  for (int i = 0; i < 10'000 && refused; ++i)
    refused = co_await rpc::call<ListPodResourcesResponse>(*channel, ctx, rt::Duration(), "/v1.PodResourcesLister/List", "");
  EXPECT_EQ(refused.error().message, "rpc error: code = ResourceExhausted desc = rejected by rate limit");
  co_await channel->close();
  co_await server.stop();
  co_await claims.stop();
  co_await devices.stop();
  co_await memory->stop();
  co_await cpus->stop();
}
TEST(PodResourcesServer, Answers) { rt::testing::run_task(answers()); }

}  // namespace
}  // namespace pintle::kubelet::pod_resources_api

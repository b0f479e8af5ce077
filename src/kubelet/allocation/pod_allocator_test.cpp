// Pods against the CPUs of a machine with two NUMA nodes.
#include "kubelet/allocation/pod_allocator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kubelet/testing.h"
#include "rt/testing.h"

namespace pintle::kubelet::allocation {
namespace {

using api::core_v1::Pod;

// CPUs 0-3 on node 0, 4-7 on node 1, one thread a core.
std::string two_nodes() {
  const std::string root = ::testing::TempDir() + "pintle-two-nodes";
  std::filesystem::remove_all(root);
  const auto put = [&](const std::string& path, const std::string& text) {
    const std::string whole = root + "/devices/system/" + path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << text << "\n";
  };
  put("cpu/online", "0-7");
  put("node/online", "0-1");
  put("node/node0/cpulist", "0-3");
  put("node/node1/cpulist", "4-7");
  for (int cpu = 0; cpu < 8; ++cpu) {
    put(fmt::format("cpu/cpu{}/topology/physical_package_id", cpu), std::to_string(cpu / 4));
    put(fmt::format("cpu/cpu{}/topology/thread_siblings_list", cpu), std::to_string(cpu));
  }
  return root;
}

// A Guaranteed pod with a container for each number of CPUs.
PodPtr asks(std::string uid, std::vector<int> cpus) {
  std::string containers;
  for (const int count : cpus) {
    const std::string amounts = fmt::format("{{cpu: '{}', memory: 1Mi}}", count);
    containers += fmt::format("{{name: c{}, resources: {{requests: {}, limits: {}}}}},", containers.size(), amounts, amounts);
  }
  return std::make_shared<Pod>(testing::pod_of("{metadata: {uid: " + uid + "}, spec: {containers: [" + containers + "]}}"));
}

struct Step {
  std::vector<int> cpus;
  const char* outcome;  // of each container, or the reason
};

rt::Task<void> check(std::string policy, std::string scope, std::vector<Step> steps) {
  auto& runtime = rt::Executor::current().runtime();
  const std::string sysfs = two_nodes(), root = ::testing::TempDir() + "pintle-allocation";
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root);
  cpu_manager::CpuManagerOptions of_cpus;
  of_cpus.policy = "static";
  of_cpus.reserved_cpus = "0";
  of_cpus.reserved_milli = 1000;
  of_cpus.root_dir = root;
  of_cpus.sysfs = sysfs;
  const auto cpus = std::move(*cpu_manager::CpuManager::make(runtime, of_cpus));
  devices::DeviceManager devices(devices::DeviceManagerDeps{runtime, root + "/device-plugins"});
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  config.topology_manager_policy = policy;
  config.topology_manager_scope = scope;
  const auto memory = std::move(*memory_manager::MemoryManager::make(runtime, {.root_dir = root}));
  PodAllocator allocator(devices, *cpus, *memory, *topology_settings(config, sysfs));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const PodPtr pod = asks(fmt::format("u{}", i), steps[i].cpus);
    const auto given = co_await allocator.allocate(rt::Context::background(), pod);
    std::string outcome = given ? "" : given.error().reason;
    for (const auto& container : pod->spec.containers) {
      const std::string own = format_cpu_set(cpus->own_cpus(pod->metadata.uid, container.name));
      if (!own.empty()) outcome += (outcome.empty() ? "" : " ") + own;
    }
    EXPECT_EQ(outcome, steps[i].outcome) << policy << " " << scope << " " << i;
  }
  co_await devices.stop();
  co_await memory->stop();
  co_await cpus->stop();
}

void check_policy(std::string policy, std::string scope, std::vector<Step> steps) { rt::testing::run_task(check(policy, scope, std::move(steps))); }

TEST(PodAllocator, Policies) {
  check_policy("none", "container", {{{2}, "1-2"}, {{3}, "3-5"}, {{3}, "UnexpectedAdmissionError"}});
  check_policy("best-effort", "container", {{{2}, "1-2"}, {{3}, "4-6"}, {{2}, "3,7"}});
  check_policy("restricted", "container", {{{2}, "1-2"}, {{3}, "4-6"}, {{2}, "TopologyAffinityError"}, {{1}, "3"}});
  check_policy("single-numa-node", "container", {{{2}, "1-2"}, {{5}, "TopologyAffinityError"}, {{2, 2}, "4-5 6-7"}, {{1}, "3"}});
}

TEST(PodAllocator, Scopes) {
  // Each container on one node, and not the same one; or both on one.
  check_policy("single-numa-node", "container", {{{2}, "1-2"}, {{3, 1}, "4-6 3"}});
  check_policy("single-numa-node", "pod", {{{2}, "1-2"}, {{3, 1}, "4-6 7"}, {{1}, "3"}});
  check_policy("single-numa-node", "pod", {{{3, 2}, "TopologyAffinityError"}, {{3}, "1-3"}});
}

}  // namespace
}  // namespace pintle::kubelet::allocation

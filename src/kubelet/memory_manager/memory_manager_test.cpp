// The policy by tables, on recorded trees of sysfs; the record beside what upstream's own package wrote.
#include "kubelet/memory_manager/memory_manager.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/split.h"
#include "kubelet/testing.h"
#include "rt/testing.h"

namespace pintle::kubelet::memory_manager {
namespace {

using api::core_v1::Pod;
using testing::pod_of;
constexpr uint64_t mib = 1 << 20;

void put_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

// Nodes of so many MiB each; huge pages of 2 MiB on the first.
std::string tree_of(const std::vector<int>& nodes, int huge_pages) {
  const std::string root = ::testing::TempDir() + fmt::format("pintle-memory-{}-{}", fmt::join(nodes, "-"), huge_pages);
  const std::filesystem::path of = root + "/devices/system/node";
  put_file(of / "online", nodes.size() == 1 ? "0\n" : fmt::format("0-{}\n", nodes.size() - 1));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto node = of / fmt::format("node{}", i);
    put_file(node / "meminfo", fmt::format("Node {} MemTotal:       {} kB\nNode {} MemFree:        1 kB\n", i, nodes[i] * 1024, i));
    put_file(node / "hugepages/hugepages-2048kB/nr_hugepages", fmt::format("{}\n", i == 0 ? huge_pages : 0));
    put_file(node / "hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
  }
  return root;
}

std::vector<api::kubeletconfig_v1beta1::MemoryReservation> reserving(const std::vector<std::pair<int, std::string>>& nodes) {
  std::vector<api::kubeletconfig_v1beta1::MemoryReservation> out;
  for (const auto& [node, memory] : nodes) {
    auto& one = out.emplace_back();
    one.numa_node = node;
    one.limits["memory"] = *api::Quantity::parse(memory);
  }
  return out;
}

TEST(NodeMemory, IsRead) {
  const auto sizes = read_node_memory(tree_of({512, 256}, 10), 7);
  EXPECT_EQ(
      fmt::format("{}", sizes),
      R"({0: {"hugepages-1Gi": 0, "hugepages-2Mi": 20971520, "memory": 536870912}, 1: {"hugepages-1Gi": 0, "hugepages-2Mi": 0, "memory": 268435456}})");
  EXPECT_EQ(fmt::format("{}", read_node_memory("/nowhere", 7)), R"({0: {"memory": 7}})");
}

void check_reserved(const std::vector<std::pair<int, std::string>>& nodes, std::string_view of_node, std::string_view refusal) {
  rules::ResourceList reserved;
  if (!of_node.empty()) reserved["memory"] = *api::Quantity::parse(of_node);
  const auto made = reserved_by_node(reserving(nodes), reserved, {{0, {{"memory", 1}}}, {1, {{"memory", 1}}}});
  EXPECT_EQ(made ? "" : made.error().message, refusal);
}

TEST(NodeMemory, ReservationsMustAddUp) {
  check_reserved({{0, "100Mi"}, {1, "50Mi"}}, "150Mi", "");
  check_reserved({{0, "100Mi"}, {2, "50Mi"}}, "150Mi",
                 "the reserved memory configuration references a NUMA node 2 that does not exist on this machine");
  check_reserved({{0, "100Mi"}, {1, "50Mi"}}, "100Mi",
                 "the total amount \"150Mi\" of type \"memory\" is not equal to the value \"100Mi\" determined by Node Allocatable feature");
  check_reserved({}, "", "[memorymanager] you should specify the system reserved memory");
}

// What upstream's package wrote for the state below, and for none.
constexpr std::string_view upstreams =
    R"({"policyName":"Static","machineState":{"0":{"numberOfAssignments":2,"memoryMap":{"hugepages-2Mi":{"total":0,"systemReserved":0,"allocatable":0,"reserved":0,"free":0},"memory":{"total":10,"systemReserved":1,"allocatable":9,"reserved":3,"free":6}},"cells":[0,1]},"1":{"numberOfAssignments":2,"memoryMap":{"memory":{"total":10,"systemReserved":0,"allocatable":0,"reserved":0,"free":0}},"cells":[0,1]}},"entries":{"uid":{"c":[{"numaAffinity":[0,1],"type":"memory","size":3},{"numaAffinity":[0,1],"type":"hugepages-2Mi","size":0}]}},"checksum":310671826})";
constexpr std::string_view upstreams_empty = R"({"policyName":"Static","machineState":{},"checksum":3940083781})";

TEST(MemoryStateFile, IsUpstreams) {
  const auto read = decode_memory_state(upstreams);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->machine.at(0).of.at("memory").free, 6u);
  EXPECT_EQ(read->find("uid", "c")->size(), 2u);
  const auto again = decode_memory_state(encode_memory_state(*read));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->machine, read->machine);
  EXPECT_EQ(again->of_pods, read->of_pods);
  EXPECT_TRUE(encode_memory_state(*read).contains("310671826"));
  const auto empty = decode_memory_state(upstreams_empty);
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_TRUE(encode_memory_state(*empty).contains("3940083781"));
}

TEST(MemoryStateFile, RefusesOtherForms) {
  std::string other(upstreams);
  other.replace(other.find("\"free\":6"), 8, "\"free\":7");
  EXPECT_EQ(decode_memory_state(other).error().reason, Reason::Conflict);
  for (const char* text : {"", "{}", R"({"checksum":1})", R"({"checksum":1,"machineState":{"x":{}}})", R"({"checksum":1,"machineState":{"0":{}}})",
                           R"({"checksum":1,"machineState":{},"entries":{"u":{"c":{}}}})",
                           R"({"checksum":1,"machineState":{},"entries":{"u":{"c":[{"numaAffinity":[-1],"type":"memory","size":3}]}}})"})
    EXPECT_EQ(decode_memory_state(text).error().reason, Reason::BadRequest) << text;
}

// Containers by their memory in MiB, "i" before that of an init container, "h" behind huge pages; " " between them.
Pod asks(const std::string& uid, const std::string& containers, std::string_view qos = "Guaranteed") {
  std::string init, apps;
  int index = 0;
  for (const std::string_view word : split_words(containers, ' ')) {
    const bool is_init = word.starts_with('i'), huge = word.ends_with('h');
    const std::string size(word.substr(is_init ? 1 : 0, word.size() - (is_init ? 1 : 0) - (huge ? 1 : 0)));
    const std::string amounts = fmt::format("{{cpu: 1, memory: {}Mi{}}}", huge ? "1" : size, huge ? ", hugepages-2Mi: " + size + "Mi" : "");
    (is_init ? init : apps) +=
        fmt::format("{{name: c{}, resources: {{requests: {}{}}}}}, ", index++, amounts, qos == "Guaranteed" ? ", limits: " + amounts : "");
  }
  Pod pod = pod_of(fmt::format("{{metadata: {{name: p, namespace: ns}}, spec: {{initContainers: [{}], containers: [{}]}}}}", init, apps));
  pod.metadata.uid = uid;
  return pod;
}

struct Machine {
  explicit Machine(const std::vector<int>& nodes, int huge_pages = 0)
      : policy(*StaticPolicy::make(untouched(read_node_memory(tree_of(nodes, huge_pages), 0), {{0, {{"memory", 12 * mib}}}}))),
        state(*policy.begin({})) {}
  // The nodes of each container's memory, and how much is free on each node; or why not.
  std::string give(const Pod& pod, std::optional<std::set<int64_t>> nodes = std::nullopt, bool preferred = false) {
    ReusableMemory reusable;
    std::string out;
    for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
      for (const auto& container : *list) {
        const auto given = policy.allocate(pod, container, {nodes, preferred}, reusable, state);
        if (!given) return given.error().message;
        const Blocks* has = state.find(pod.metadata.uid, container.name);
        out += has ? fmt::format("{} ", fmt::join(has->front().nodes, ",")) : "- ";
      }
    }
    return out + free();
  }
  std::string free() const {
    std::string out;
    for (const auto& [id, node] : state.machine) out += fmt::format("{}/", node.of.at("memory").free / mib);
    return out;
  }
  StaticPolicy policy;
  MemoryState state;
};

TEST(StaticMemory, OneNodeIfItDoes) {
  Machine machine({112, 100});
  EXPECT_EQ(machine.free(), "100/100/");
  EXPECT_EQ(machine.give(asks("a", "60")), "0 40/100/");
  EXPECT_EQ(machine.give(asks("a", "60")), "0 40/100/") << "it has it";
  EXPECT_EQ(machine.give(asks("b", "60")), "1 40/40/");
  EXPECT_EQ(machine.give(asks("c", "60")), "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available")
      << "both nodes are given one by one";
  EXPECT_EQ(machine.give(asks("d", "60", "Burstable")), "- 40/40/");
  EXPECT_TRUE(machine.policy.release("a", machine.state));
  EXPECT_FALSE(machine.policy.release("a", machine.state));
  EXPECT_EQ(machine.give(asks("e", "20 30")), "0 0 50/40/");
}

TEST(StaticMemory, GroupsOfNodes) {
  Machine machine({112, 100, 100});
  EXPECT_EQ(machine.give(asks("a", "150")), "0,1 0/50/100/");
  EXPECT_EQ(machine.give(asks("b", "60")), "2 0/50/40/") << "a node of a group is not given alone";
  EXPECT_EQ(machine.give(asks("c", "50")), "0,1 0/0/40/") << "but within it";
  EXPECT_EQ(machine.give(asks("d", "50")), "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available");
  machine.policy.release("a", machine.state);
  EXPECT_EQ(machine.state.machine.at(0).cells.size(), 2u) << "another is there still";
  machine.policy.release("c", machine.state);
  EXPECT_EQ(machine.state.machine.at(0).cells.size(), 1u);
  EXPECT_EQ(machine.free(), "100/100/40/");
}

TEST(StaticMemory, WhereTheTopologyWantsIt) {
  Machine machine({112, 100});
  EXPECT_EQ(machine.give(asks("a", "60"), std::set<int64_t>{1}), "1 100/40/");
  EXPECT_EQ(machine.give(asks("b", "60"), std::set<int64_t>{1}), "[memorymanager] failed to find NUMA nodes to extend the current topology hint");
  Machine fresh({112, 100});
  EXPECT_EQ(fresh.give(asks("c", "150"), std::set<int64_t>{1}), "0,1 0/50/") << "made wider";
  Machine other({112, 100});
  EXPECT_EQ(other.give(asks("d", "60"), std::set<int64_t>{0, 1}), "0,1 40/100/");
  EXPECT_EQ(other.give(asks("e", "70"), std::set<int64_t>{0}, true), "[memorymanager] failed to find the extended preferred hint");
  Machine alone({112, 100});
  (void)alone.give(asks("f", "10"));
  EXPECT_EQ(alone.give(asks("g", "10"), std::set<int64_t>{0, 1}), "[memorymanager] preferred hint violates NUMA node allocation");
}

TEST(StaticMemory, InitContainersLeaveTheirs) {
  Machine machine({112, 100});
  const Pod pod = asks("a", "i60 i30 40");
  EXPECT_EQ(machine.give(pod), "0 0 0 40/100/");
  EXPECT_EQ(machine.state.find("a", "c0")->front().size, 0u) << "it is all counted with those after it";
  EXPECT_EQ(machine.state.find("a", "c1")->front().size, 20 * mib);
  EXPECT_FALSE(machine.policy.begin_container(pod, "c0", machine.state));
  EXPECT_TRUE(machine.policy.begin_container(pod, "c2", machine.state));
  EXPECT_EQ(machine.free(), "60/100/");
  machine.policy.release("a", machine.state);
  EXPECT_EQ(machine.state.machine, machine.policy.machine());
}

TEST(StaticMemory, HugePagesOfANode) {
  Machine machine({120, 200}, 4);
  EXPECT_EQ(machine.free(), "100/200/");
  EXPECT_EQ(machine.give(asks("a", "4h")), "0 99/200/");
  EXPECT_EQ(machine.state.machine.at(0).of.at("hugepages-2Mi").free, 4 * mib);
  EXPECT_EQ(machine.give(asks("b", "6h")), "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available");
}

std::string shown(const topology_hints::ResourceHints& hints) {
  std::string out;
  for (const auto& [name, of] : hints) {
    out += name + ":";
    for (const auto& hint : *of) out += fmt::format(" {:b}{}", *hint.nodes, hint.preferred ? "!" : "");
    out += ";";
  }
  return out;
}

TEST(StaticMemory, Hints) {
  Machine machine({112, 100});
  const Pod pod = asks("a", "60"), wide = asks("b", "150"), both = asks("c", "60 60");
  const auto of = [&](const Pod& p) { return shown(machine.policy.hints(p, p.spec.containers[0], {}, machine.state)); };
  EXPECT_EQ(of(pod), "memory: 1! 10! 11;");
  EXPECT_EQ(of(wide), "memory: 11!;");
  EXPECT_EQ(of(asks("d", "300")), "");
  EXPECT_EQ(of(asks("d", "10", "Burstable")), "");
  EXPECT_EQ(shown(machine.policy.pod_hints(both, machine.state)), "memory: 11!;");
  (void)machine.give(pod);
  EXPECT_EQ(of(pod), "memory: 1!;") << "where it is";
  EXPECT_EQ(of(asks("a", "61")), "") << "it wants another amount now";
  EXPECT_EQ(of(wide), "");
  EXPECT_EQ(of(asks("e", "50")), "memory: 10!;");
}

void check_begin(const Machine& machine, MemoryState left, std::string_view refusal) {
  const auto begun = machine.policy.begin(std::move(left));
  EXPECT_EQ(begun ? "" : begun.error().message, refusal);
}

TEST(StaticMemory, WhatAnEarlierLifeLeft) {
  Machine machine({112, 100});
  (void)machine.give(asks("a", "60"));
  (void)machine.give(asks("b", "i20 10"));
  check_begin(machine, machine.state, "");
  const Machine smaller({102, 100}), one({112});
  check_begin(smaller, machine.state, "[memorymanager] the expected machine state is different from the real one");
  MemoryState moved = machine.state;
  moved.of_pods["a"]["c0"][0].nodes = {5};
  check_begin(machine, moved, "[memorymanager] (pod: a, container: c0) the memory assignment uses the NUMA that does not exist");
  moved = machine.state;
  moved.of_pods["a"]["c0"][0].type = "hugepages-4Mi";
  check_begin(machine, moved, "[memorymanager] (pod: a, container: c0) the memory assignment uses memory resource that does not exist");
  moved = machine.state;
  moved.machine.clear();
  check_begin(machine, moved, "[memorymanager] machine state can not be empty when it has memory assignments");
}

rt::Task<void> lives_on() {
  auto& runtime = rt::Executor::current().runtime();
  MemoryManagerOptions options;
  options.policy = "Static";
  options.root_dir = ::testing::TempDir() + "pintle-memory-root";
  std::filesystem::remove_all(options.root_dir);
  std::filesystem::create_directories(options.root_dir);
  options.sysfs = tree_of({112, 100}, 0);
  options.reserved_memory = reserving({{0, "12Mi"}});
  options.reserved_of_node["memory"] = *api::Quantity::parse("12Mi");
  options.reserved_of_node["cpu"] = *api::Quantity::parse("1");
  auto manager = std::move(*MemoryManager::make(runtime, options));
  const Pod pod = asks("a", "60");
  ReusableMemory reusable;
  EXPECT_TRUE(manager->wants(pod));
  EXPECT_TRUE(manager->allocate(pod, pod.spec.containers[0], {}, reusable));
  EXPECT_TRUE(co_await manager->save(rt::Context::background()));
  EXPECT_EQ(manager->nodes_of("a", "c0"), "0");
  EXPECT_EQ(manager->allocatable().size(), 2u);
  co_await manager->stop();
  manager = std::move(*MemoryManager::make(runtime, options));
  EXPECT_EQ(manager->nodes_of("a", "c0"), "0");
  manager->release("a");
  EXPECT_EQ(manager->nodes_of("a", "c0"), "");
  co_await manager->stop();
  options.policy = "None";
  const auto other = MemoryManager::make(runtime, options);
  EXPECT_EQ(
      other.error().message,
      "could not restore state from checkpoint: [memorymanager] configured policy \"None\" differs from state checkpoint policy \"Static\", please "
      "drain this node and delete the memory manager checkpoint file \"" +
          options.root_dir + "/memory_manager_state\" before restarting Kubelet");
  options.policy = "BestEffort";
  EXPECT_EQ(MemoryManager::make(runtime, options).error().message, "policy \"BestEffort\" is not available for platform \"linux\"");
}
TEST(MemoryManager, LivesOn) { rt::testing::run_task(lives_on()); }

}  // namespace
}  // namespace pintle::kubelet::memory_manager

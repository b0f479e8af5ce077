// Topologies from recorded trees, who gets which CPUs, the record, and the shell over them.
#include "kubelet/cpu_manager/cpu_manager.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kubelet/testing.h"
#include "rt/testing.h"

namespace pintle::kubelet::cpu_manager {
namespace {

using api::core_v1::Pod;

TEST(CpuSet, IsReadAndWritten) {
  for (const auto* text : {"", "0", "0-3", "0,2-3,7", "65535"}) EXPECT_EQ(format_cpu_set(parse_cpu_set(text).value()), text);
  EXPECT_EQ(format_cpu_set(*parse_cpu_set(" 3,1,2\n")), "1-3");
  for (const auto* text : {"x", "-1", "1-", "3-1", "1,,2", "65536", "1 2", "1-2-3"}) EXPECT_FALSE(parse_cpu_set(text)) << text;
}

// Two threads a core: CPU i and i + cores. Cores go round the sockets, as on many machines.
struct Shape {
  int sockets, nodes_per_socket, cores_per_node, threads, cores_per_cache = 0;
  int cores() const { return sockets * nodes_per_socket * cores_per_node; }
};
CpuTopology topology_of(Shape shape) {
  CpuTopology out;
  for (int core = 0; core < shape.cores(); ++core) {
    CpuInfo info;
    info.core = core;
    info.socket = core / (shape.nodes_per_socket * shape.cores_per_node);
    info.numa_node = core / shape.cores_per_node;
    info.cache = shape.cores_per_cache > 0 ? core / shape.cores_per_cache : info.numa_node;
    for (int thread = 0; thread < shape.threads; ++thread) out.cpus[core + thread * shape.cores()] = info;
  }
  return out;
}

constexpr Shape single{1, 1, 4, 2}, dual{2, 1, 6, 2}, four_nodes{2, 2, 4, 2}, cached{1, 1, 8, 2, 4};

struct TakeCase {
  Shape shape;
  const char* available;
  std::size_t count;
  const char* taken;
  bool prefer_cache = false;
};
TEST(CpuAssignment, Table) {
  const TakeCase cases[] = {
      {single, "0-7", 1, "0"},
      {single, "0-7", 2, "0,4"},  // a core
      {single, "0-7", 3, "0-1,4"},
      {single, "1-3,5-7", 4, "1-2,5-6"},
      {single, "1-3,4-7", 1, "4"},  // what is broken already
      {single, "1-7", 3, "1,4-5"},  // a whole core, then the broken one
      {single, "0-7", 8, "0-7"},
      {dual, "0-23", 12, "0-5,12-17"},   // a socket
      {dual, "1-23", 12, "6-11,18-23"},  // the one that is whole
      {dual, "0-23", 13, "0-6,12-17"},
      {dual, "0-23", 4, "0-1,12-13"},
      {dual, "0-5,12-17,6", 2, "0,12"},
      {dual, "0-5,12-17,6-7,18-19", 2, "6,18"},  // the socket with the fewest
      {four_nodes, "0-31", 8, "0-3,16-19"},      // a node
      {four_nodes, "1-31", 8, "4-7,20-23"},
      {four_nodes, "0-31", 16, "0-7,16-23"},
      {four_nodes, "0-31", 24, "0-11,16-27"},
      {cached, "0-15", 4, "0-1,8-9", true},
      {cached, "1-15", 8, "4-7,12-15", true},  // a whole cache
      {cached, "2-15", 6, "4-6,12-14", true},  // fits into the other one alone
      {cached, "2-15", 6, "2-4,10-12", false},
      {single, "0", 2, "not enough cpus available to satisfy request: requested=2, available=1"},
  };
  for (const TakeCase& one : cases) {
    const auto taken = take_cpus(topology_of(one.shape), *parse_cpu_set(one.available), one.count, {one.prefer_cache});
    EXPECT_EQ(taken ? format_cpu_set(*taken) : taken.error().message, one.taken) << one.count << " of " << one.available;
  }
}

void put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text << "\n";
}

std::string recorded_tree() {
  const std::string root = ::testing::TempDir() + "pintle-sysfs";
  std::filesystem::remove_all(root);
  const std::string system = root + "/devices/system";
  put(system + "/cpu/online", "0-3,6");
  for (const int cpu : {0, 1, 2, 3}) {
    const std::string at = fmt::format("{}/cpu/cpu{}", system, cpu);
    put(at + "/topology/physical_package_id", std::to_string(cpu / 2));
    put(at + "/topology/thread_siblings_list", cpu < 2 ? "0-1" : "2-3");
    put(at + "/cache/index0/level", "1");
    put(at + "/cache/index1/level", "3");
    put(at + "/cache/index1/id", std::to_string(7 + cpu / 2));
  }
  put(system + "/node/online", "0-1");
  put(system + "/node/node0/cpulist", "0-1");
  put(system + "/node/node1/cpulist", "2-6");
  return root;
}

TEST(CpuTopology, IsReadFromSysfs) {
  const auto out = read_cpu_topology(recorded_tree());
  ASSERT_TRUE(out) << out.error().message;
  const std::map<int32_t, CpuInfo> expected = {{0, {0, 7, 0, 0}}, {1, {0, 7, 0, 0}}, {2, {2, 8, 1, 1}}, {3, {2, 8, 1, 1}}, {6, {6, 1, 1, 0}}};
  EXPECT_EQ(out->cpus, expected);
  EXPECT_FALSE(read_cpu_topology("/nowhere"));
  EXPECT_TRUE(read_cpu_topology("/sys"));
}

TEST(CpuState, IsUpstreams) {
  CpuState none;
  none.policy = "none";
  EXPECT_EQ(encode_cpu_state(none), R"({"checksum":1353318690,"defaultCpuSet":"","policyName":"none"})");
  EXPECT_EQ(*decode_cpu_state(R"({"policyName":"none","defaultCpuSet":"","checksum":1353318690})"), none);
  CpuState some;
  some.policy = "static";
  some.shared = {0, 1, 4};
  some.of_pods["u2"] = {{"a", {2}}, {"b", {3}}};
  EXPECT_EQ(*decode_cpu_state(encode_cpu_state(some)), some);
  // One that upstream wrote, with a pod that has nothing.
  const auto read =
      decode_cpu_state(R"({"policyName":"static","defaultCpuSet":"0-1,4","entries":{"u1":{},"u2":{"a":"2","b":"3"}},"checksum":2963980297})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, some);
  for (const auto* bad : {"", "{}", "[]", R"({"policyName":"none","defaultCpuSet":"","checksum":1})", R"({"entries":[],"checksum":1})",
                          R"({"entries":{"u":1},"checksum":1})", R"({"entries":{"u":{"c":1}},"checksum":1})"})
    EXPECT_FALSE(decode_cpu_state(bad)) << bad;
}

// "i2 s1 c1": an init container that asks for two CPUs, a sidecar and a plain one for one each; "c1.5" is not whole.
Pod asks(std::string uid, std::string_view containers) {
  std::string init, plain;
  while (!containers.empty()) {
    const std::size_t end = std::min(containers.find(' '), containers.size());
    const std::string word(containers.substr(0, end));
    containers.remove_prefix(std::min(end + 1, containers.size()));
    const std::string amounts = fmt::format("{{cpu: '{}', memory: 1Mi}}", word.substr(1));
    const std::string one = fmt::format("{{name: {}, {}resources: {{requests: {}, limits: {}}}}},", word[0],
                                        word[0] == 's' ? "restartPolicy: Always, " : "", amounts, amounts);
    (word[0] == 'i' || word[0] == 's' ? init : plain) += one;
  }
  return testing::pod_of("{metadata: {uid: " + uid + "}, spec: {initContainers: [" + init + "], containers: [" + plain + "]}}");
}

std::string shown(const CpuState& state) {
  std::string out = format_cpu_set(state.shared);
  for (const auto& [uid, containers] : state.of_pods)
    for (const auto& [container, cpus] : containers) out += fmt::format(" {}.{}={}", uid, container, format_cpu_set(cpus));
  return out;
}

// All of its containers, or none.
Expected<bool, WaitingReason> give(const StaticPolicy& policy, const Pod& pod, CpuState& state) {
  CpuState out = state;
  CpuSet reusable;
  bool some = false;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& container : *list) {
      const auto given = policy.allocate(pod, container, reusable, out);
      if (!given) return Unexpected(given.error());
      some = some || *given;
    }
  }
  state = std::move(out);
  return some;
}

TEST(StaticPolicy, GivesWholeCpus) {
  const StaticPolicy policy = *StaticPolicy::make(topology_of(single), {}, 1, {});
  EXPECT_EQ(format_cpu_set(policy.reserved()), "0");
  CpuState state = *policy.begin({});
  EXPECT_EQ(shown(state), "0-7");
  EXPECT_FALSE(*give(policy, asks("u0", "c1.5"), state));
  EXPECT_TRUE(*give(policy, asks("u1", "i2 s1 c2"), state));
  EXPECT_EQ(shown(state), "0,2-3,6-7 u1.c=1,5 u1.i=1,5 u1.s=4") << "what the init container leaves is used again";
  EXPECT_FALSE(*give(policy, asks("u1", "i2 s1 c2"), state)) << "it has them";
  const auto refused = give(policy, asks("u2", "c3 d2"), state);
  EXPECT_EQ(refused.error().message,
            "Allocate failed due to not enough cpus available to satisfy request: requested=2, available=1, which is unexpected");
  EXPECT_EQ(shown(state), "0,2-3,6-7 u1.c=1,5 u1.i=1,5 u1.s=4") << "nothing is kept of it";
  EXPECT_TRUE(policy.release("u1", state));
  EXPECT_EQ(shown(state), "0-7");
  EXPECT_FALSE(policy.release("u1", state));
}

std::string shown(const topology_hints::ResourceHints& hints) {
  std::string out;
  for (const auto& [resource, of] : hints) {
    out += resource + ":";
    for (const auto& hint : *of) out += fmt::format(" {:b}{}", *hint.nodes, hint.preferred ? "!" : "");
  }
  return out;
}

TEST(StaticPolicy, KnowsTheNodes) {
  const StaticPolicy policy = *StaticPolicy::make(topology_of(dual), {0}, 1, {});
  CpuState state = *policy.begin({});
  const auto hints = [&](const Pod& pod) {
    return shown(policy.hints(pod, pod.spec.containers[0], {}, state)) + " / " + shown(policy.pod_hints(pod, state));
  };
  EXPECT_EQ(hints(asks("u", "c1.5")), " / ");
  EXPECT_EQ(hints(asks("u", "c4")), "cpu: 1! 10! 11 / cpu: 1! 10! 11");
  EXPECT_EQ(hints(asks("u", "c12")), "cpu: 10! 11 / cpu: 10! 11");
  EXPECT_EQ(hints(asks("u", "c4 d8")), "cpu: 1! 10! 11 / cpu: 10! 11");
  EXPECT_EQ(hints(asks("u", "c13")), "cpu: 11! / cpu: 11!");
  EXPECT_EQ(hints(asks("u", "c24")), "cpu: / cpu:");
  const Pod pod = asks("u", "c4");
  CpuSet reusable;
  EXPECT_TRUE(*policy.allocate(pod, pod.spec.containers[0], reusable, state, std::set<int64_t>{1}));
  EXPECT_EQ(shown(state), "0-5,8-17,20-23 u.c=6-7,18-19");
  EXPECT_EQ(hints(pod), "cpu: 10! 11 / cpu: 10! 11") << "where it is";
  EXPECT_EQ(hints(asks("u", "c3")), "cpu: / cpu:") << "it has another number";
}

TEST(StaticPolicy, WholeCoresOnly) {
  StaticOptions options;
  options.full_cores_only = true;
  const StaticPolicy policy = *StaticPolicy::make(topology_of(single), {}, 1, options);
  CpuState state = *policy.begin({});
  const auto odd = give(policy, asks("u1", "c3"), state);
  EXPECT_EQ(odd.error().reason + ": " + odd.error().message,
            "SMTAlignmentError: SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2");
  EXPECT_TRUE(*give(policy, asks("u1", "c4"), state));
  const auto many = give(policy, asks("u2", "c4"), state);
  EXPECT_EQ(many.error().message,
            "SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 2, requested CPUs = 4, CPUs per core = 2");
}

TEST(StaticPolicy, IsOfThisMachine) {
  const auto begun = [](StaticOptions options, const char* shared, const char* own) {
    const StaticPolicy policy = *StaticPolicy::make(topology_of(single), {0, 4}, 2, options);
    CpuState state;
    state.shared = *parse_cpu_set(shared);
    if (*own) state.of_pods["u"]["c"] = *parse_cpu_set(own);
    const auto out = policy.begin(state);
    return out ? shown(*out) : out.error().message;
  };
  StaticOptions strict;
  strict.strict_reservation = true;
  EXPECT_EQ(begun({}, "", ""), "0-7");
  EXPECT_EQ(begun(strict, "", ""), "1-3,5-7");
  EXPECT_EQ(begun({}, "0,4-7", "1-3"), "0,4-7 u.c=1-3");
  EXPECT_EQ(begun({}, "", "1"), "default cpuset cannot be empty");
  EXPECT_EQ(begun({}, "1-7", ""), "not all reserved cpus: \"0,4\" are present in defaultCpuSet: \"1-7\"");
  EXPECT_EQ(begun(strict, "0-3,5-7", ""), "some of strictly reserved cpus: \"0\" are present in defaultCpuSet: \"0-3,5-7\"");
  EXPECT_EQ(begun({}, "0-7", "1"), "pod: u, container: c cpuset: \"1\" overlaps with default cpuset \"0-7\"");
  EXPECT_EQ(begun({}, "0-8", ""), "current set of available CPUs \"0-7\" doesn't match with CPUs in state \"0-8\"");
  EXPECT_FALSE(StaticPolicy::make(topology_of(single), {}, 0, {}));
  EXPECT_FALSE(StaticPolicy::make(topology_of(single), {9}, 1, {}));
  EXPECT_FALSE(StaticPolicy::make(topology_of(single), {}, 9, {}));
}

TEST(StaticPolicy, Options) {
  EXPECT_TRUE(static_options({{"full-pcpus-only", "true"}})->full_cores_only);
  EXPECT_FALSE(static_options({{"full-pcpus-only", "F"}})->full_cores_only);
  EXPECT_TRUE(static_options({{"strict-cpu-reservation", "1"}, {"prefer-align-cpus-by-uncorecache", "t"}})->prefer_cache);
  EXPECT_FALSE(static_options({{"full-pcpus-only", "yes"}}));
  EXPECT_FALSE(static_options({{"align-by-socket", "true"}}));
  EXPECT_FALSE(static_options({{"none", "true"}}));
}

rt::Task<void> keeps_its_record() {
  auto& runtime = rt::Executor::current().runtime();
  CpuManagerOptions options;
  options.root_dir = ::testing::TempDir() + "pintle-cpus";
  options.sysfs = recorded_tree();
  options.policy = "static";
  options.reserved_milli = 500;
  std::filesystem::remove_all(options.root_dir);
  std::filesystem::create_directories(options.root_dir);
  {
    const auto cpus = std::move(*CpuManager::make(runtime, options));
    EXPECT_EQ(shown(cpus->state()), "0-3,6");
    int changes = 0;
    cpus->on_change([&changes] { ++changes; });
    const Pod pod = asks("u1", "c2");
    CpuSet reusable;
    EXPECT_TRUE(cpus->allocate(pod, pod.spec.containers[0], reusable));
    EXPECT_TRUE(co_await cpus->save(rt::Context::background()));
    EXPECT_EQ(cpus->cpus_of("u1", "c"), "0-1");
    EXPECT_EQ(cpus->cpus_of("u2", "c"), "2-3,6");
    EXPECT_EQ(changes, 1);
    co_await cpus->stop();
  }
  const auto again = std::move(*CpuManager::make(runtime, options));
  EXPECT_EQ(again->cpus_of("u1", "c"), "0-1");
  again->release("u1");
  co_await again->stop();
  EXPECT_EQ(shown((*CpuManager::make(runtime, options))->state()), "0-3,6");
  options.policy = "none";
  EXPECT_EQ(CpuManager::make(runtime, options).error().message,
            "could not restore state from checkpoint: configured policy \"none\" differs from state checkpoint policy \"static\", please drain this "
            "node and "
            "delete the CPU manager checkpoint file \"" +
                options.root_dir + "/cpu_manager_state\" before restarting Kubelet");
  std::filesystem::remove_all(options.root_dir);
  std::filesystem::create_directories(options.root_dir);
  const auto none = std::move(*CpuManager::make(runtime, options));
  const Pod pod = asks("u1", "c2");
  CpuSet reusable;
  EXPECT_TRUE(none->allocate(pod, pod.spec.containers[0], reusable));
  EXPECT_EQ(none->cpus_of("u1", "c"), "");
  co_await none->stop();
}
TEST(CpuManager, KeepsItsRecord) { rt::testing::run_task(keeps_its_record()); }

}  // namespace
}  // namespace pintle::kubelet::cpu_manager

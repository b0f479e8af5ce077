#include "kubelet/eviction/plan.h"

#include <gtest/gtest.h>

#include "kubelet/testing.h"
#include "kubelet/types/pressure.h"

namespace pintle::kubelet::eviction {
namespace {

using namespace std::chrono_literals;
using api::core_v1::Pod;
using api::kubeletconfig_v1beta1::KubeletConfiguration;

constexpr rt::TimePoint start{};

// --- the configuration --------------------------------------------------------------------------------------------------

KubeletConfiguration config(std::initializer_list<std::pair<std::string, std::string>> hard) {
  KubeletConfiguration out;
  for (const auto& [signal, text] : hard) out.eviction_hard[signal] = text;
  return out;
}

std::string show(const Result<std::vector<Threshold>>& thresholds) {
  if (!thresholds) return thresholds.error().message;
  std::string out;
  for (const Threshold& one : *thresholds) {
    out += one.signal + "<" + std::to_string(one.value.of(1000));
    if (one.min_reclaim) out += "+" + std::to_string(one.min_reclaim->of(1000));
    if (!one.hard()) out += "/" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(one.grace).count()) + "s";
    out += " ";
  }
  return out;
}

TEST(EvictionThresholds, OfAConfiguration) {
  EXPECT_EQ(show(eviction_thresholds(config({{"nodefs.available", "10%"}, {"memory.available", "100"}}))),
            "memory.available<100 nodefs.available<100 ");
  KubeletConfiguration full =
      config({{"nodefs.available", "10%"}, {"imagefs.available", "0%"}, {"memory.available", "100"}, {"pid.available", "100%"}});
  full.enforce_node_allocatable = {"pods"};
  full.eviction_soft["nodefs.available"] = "20%";
  full.eviction_soft_grace_period["nodefs.available"] = "1m30s";
  full.eviction_minimum_reclaim["nodefs.available"] = "5%";
  full.eviction_minimum_reclaim["memory.available"] = "7";
  EXPECT_EQ(show(eviction_thresholds(full)),
            "memory.available<100+7 allocatableMemory.available<100+7 nodefs.available<100+50 nodefs.available<200+50/90s ");
  EXPECT_EQ(eviction_thresholds(KubeletConfiguration())->size(), 5u);
}

TEST(EvictionThresholds, WhatIsRefused) {
  EXPECT_EQ(show(eviction_thresholds(config({{"disk.free", "10%"}}))), "unknown eviction signal disk.free");
  EXPECT_EQ(show(eviction_thresholds(config({{"memory.available", "0"}}))),
            "the eviction threshold of memory.available must be more than nothing: 0");
  EXPECT_EQ(show(eviction_thresholds(config({{"containerfs.available", "10%"}}))), "");
  KubeletConfiguration soft;
  soft.eviction_soft["memory.available"] = "1Gi";
  EXPECT_EQ(show(eviction_thresholds(soft)), "evictionSoft.memory.available has no evictionSoftGracePeriod");
  soft.eviction_soft_grace_period["memory.available"] = "-1s";
  EXPECT_EQ(show(eviction_thresholds(soft)), "evictionSoftGracePeriod.memory.available must not be negative: -1s");
  soft.eviction_soft_grace_period["memory.available"] = "1s";
  soft.eviction_minimum_reclaim["nodefs.available"] = "0%";
  EXPECT_EQ(show(eviction_thresholds(soft)), "evictionMinimumReclaim.nodefs.available must be more than 0%: 0%");
}

// --- conditions -----------------------------------------------------------------------------------------------------------

struct Rounds {
  std::vector<Threshold> thresholds;
  PressureMemory memory;
  rt::Duration hold = 5min;

  // The conditions and what is short at a moment.
  std::string at(rt::Duration when, const SignalValues& values) {
    const PressureVerdict verdict = judge(thresholds, values, hold, start + when, memory);
    std::string out;
    if (verdict.pressure.memory) out += "Memory ";
    if (verdict.pressure.disk) out += "Disk ";
    if (verdict.pressure.pid) out += "PID ";
    for (const Threshold& one : verdict.starved) out += "[" + one.signal + "]";
    return out;
  }
};

TEST(Judge, ConditionsStayForAWhile) {
  Rounds rounds{*eviction_thresholds(config({{"memory.available", "100"}, {"nodefs.inodesFree", "10%"}}))};
  const SignalValues fine = {{"memory.available", {100, 1000}}, {"nodefs.inodesFree", {10, 100}}};
  EXPECT_EQ(rounds.at(0s, fine), "");
  EXPECT_EQ(rounds.at(1min, {{"memory.available", {99, 1000}}}), "Memory [memory.available]");
  EXPECT_EQ(rounds.at(2min, fine), "Memory ");
  EXPECT_EQ(rounds.at(5min, {{"nodefs.inodesFree", {9, 100}}}), "Memory Disk [nodefs.inodesFree]");
  EXPECT_EQ(rounds.at(6min, fine), "Disk ");
  EXPECT_EQ(rounds.at(10min, fine), "");
  rounds.hold = 0s;
  EXPECT_EQ(rounds.at(11min, {{"nodefs.inodesFree", {9, 100}}}), "Disk [nodefs.inodesFree]");
  EXPECT_EQ(rounds.at(12min, {}), "");  // not measured
}

TEST(Judge, SoftThresholdsWait) {
  KubeletConfiguration soft = config({{"memory.available", "10"}});
  soft.eviction_soft["memory.available"] = "100";
  soft.eviction_soft_grace_period["memory.available"] = "30s";
  Rounds rounds{*eviction_thresholds(soft)};
  rounds.hold = 10s;
  const SignalValues low = {{"memory.available", {50, 1000}}}, fine = {{"memory.available", {200, 1000}}};
  EXPECT_EQ(rounds.at(0s, low), "Memory ");
  EXPECT_EQ(rounds.at(20s, low), "Memory ");
  EXPECT_EQ(rounds.at(25s, fine), "Memory ");  // a break: the wait begins anew
  EXPECT_EQ(rounds.at(30s, low), "Memory ");
  EXPECT_EQ(rounds.at(60s, low), "Memory [memory.available]");
  EXPECT_EQ(rounds.at(61s, {{"memory.available", {5, 1000}}}), "Memory [memory.available][memory.available]");
}

TEST(Judge, AMinimumIsReclaimed) {
  KubeletConfiguration some = config({{"nodefs.available", "100"}});
  some.eviction_minimum_reclaim["nodefs.available"] = "50";
  Rounds rounds{*eviction_thresholds(some)};
  const auto left = [](int64_t bytes) { return SignalValues{{"nodefs.available", {bytes, 1000}}}; };
  EXPECT_EQ(rounds.at(0s, left(120)), "");
  EXPECT_EQ(rounds.at(1s, left(99)), "Disk [nodefs.available]");
  EXPECT_EQ(rounds.at(2s, left(149)), "Disk [nodefs.available]");
  EXPECT_EQ(rounds.at(3s, left(150)), "Disk ");
  EXPECT_EQ(rounds.at(4s, left(149)), "Disk ");
  EXPECT_FALSE(is_reclaimed(rounds.thresholds, left(149)));
  EXPECT_TRUE(is_reclaimed(rounds.thresholds, left(150)));
}

// --- who goes -------------------------------------------------------------------------------------------------------------

struct World {
  std::vector<std::pair<PodPtr, std::optional<PodUsage>>> pods;
  SignalValues values;
  std::vector<Threshold> starved;
  bool dedicated_images = false;
  int64_t max_grace_seconds = 0;

  // `asks`: what one container requests, and what else the spec says.
  PodUsage& add(const std::string& name, const std::string& requests, const std::string& more = "", const std::string& metadata = "") {
    auto pod =
        std::make_shared<Pod>(testing::pod_of("{metadata: {name: " + name + ", uid: " + name + metadata +
                                              "}, spec: {containers: [{name: main, resources: {requests: {" + requests + "}}}]" + more + "}}"));
    pods.emplace_back(pod, PodUsage());
    pods.back().second->containers.push_back({"main", std::nullopt, std::nullopt, {}});
    return *pods.back().second;
  }
  void memory(const std::string& name, const std::string& request, uint64_t used, const std::string& more = "", const std::string& metadata = "") {
    PodUsage& usage = add(name, request.empty() ? "" : "memory: " + request, more, metadata);
    usage.memory_bytes = used << 20;
    usage.containers[0].memory_bytes = used << 20;
  }
  void starve(const std::string& signal, const std::string& threshold, SignalValue value) {
    starved = *eviction_thresholds(config({{signal, threshold}}));
    values[signal] = value;
  }
  EvictionInputs inputs() const {
    std::vector<MeasuredPod> measured;
    for (const auto& [pod, usage] : pods) measured.push_back({pod, usage ? &*usage : nullptr});
    return {starved, values, std::move(measured), dedicated_images, max_grace_seconds};
  }
  std::string order() const {
    std::string out;
    for (const MeasuredPod& measured : eviction_order(inputs())) out += measured.pod->metadata.name + " ";
    return out;
  }
};

TEST(EvictionOrder, Memory) {
  World world;
  world.starve("memory.available", "100Mi", {50 << 20, 1 << 30});
  world.memory("within", "100Mi", 90);
  world.memory("above-a-little", "100Mi", 110);
  world.memory("above-much", "100Mi", 300);
  world.memory("no-request", "", 150);
  world.memory("important", "", 900, ", priority: 1000");
  world.memory("negligible", "", 1, ", priority: -5");
  world.memory("within-more", "500Mi", 495);
  EXPECT_EQ(world.order(), "negligible above-much no-request above-a-little important within-more within ");
  world.memory("unknown", "", 0);
  world.pods.back().second.reset();
  EXPECT_EQ(world.order().substr(0, 8), "unknown ");
}

TEST(EvictionOrder, Processes) {
  World world;
  world.starve("pid.available", "10%", {5, 100});
  world.add("few", "").processes = 3;
  world.add("many", "memory: 1Gi").processes = 50;
  world.add("low", "", ", priority: -1").processes = 1;
  EXPECT_EQ(world.order(), "low many few ");
}

TEST(EvictionOrder, DiskByWhereItLies) {
  World world;
  const auto add = [&](const std::string& name, const std::string& request, uint64_t root, uint64_t logs, uint64_t volume) {
    PodUsage& usage = world.add(name, request.empty() ? "" : "ephemeral-storage: " + request);
    usage.containers[0].root = DiskUsage{root, 1};
    usage.containers[0].logs = {logs, 2};
    usage.volumes["data"] = {volume, 3};
  };
  add("root", "", 500, 0, 0);
  add("logs", "", 0, 400, 0);
  add("volume", "", 0, 0, 300);
  add("asked", "1000", 900, 50, 0);
  world.starve("nodefs.available", "10%", {1, 100});
  EXPECT_EQ(world.order(), "root logs volume asked ");
  world.starve("imagefs.available", "10%", {1, 100});
  EXPECT_EQ(world.order(), "root logs volume asked ");
  world.dedicated_images = true;
  EXPECT_EQ(world.order(), "root logs volume asked ");
  world.starve("nodefs.available", "10%", {1, 100});
  EXPECT_EQ(world.order(), "logs volume root asked ");
  EXPECT_TRUE(frees_images("imagefs.available", true) && frees_images("imagefs.inodesFree", false) && frees_images("nodefs.available", false));
  EXPECT_FALSE(frees_images("nodefs.inodesFree", true) || frees_images("memory.available", false) || frees_images("pid.available", false));
}

// A volume that cannot be measured counted as empty: its pod went last.
TEST(EvictionOrder, WhatIsNotKnownIsNotNothing) {
  World world;
  world.add("large", "ephemeral-storage: 10").volumes["data"] = {1 << 30, 1};
  world.add("hidden", "ephemeral-storage: 1000").volumes["data"] = {0, 0, false};
  world.starve("nodefs.available", "10%", {1, 100});
  EXPECT_EQ(world.order(), "hidden large ");
}

TEST(Eviction, WhatItSays) {
  World world;
  world.starve("memory.available", "100Mi", {51200 << 10, 1 << 30});
  world.memory("hog", "10Mi", 300);
  const auto eviction = plan_eviction(world.inputs());
  ASSERT_TRUE(eviction);
  EXPECT_EQ(eviction->pod_uid, "hog");
  EXPECT_EQ(eviction->signal, "memory.available");
  EXPECT_EQ(eviction->message,
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
            "Container main was using 300Mi, request is 10Mi, has larger consumption of memory. ");
  EXPECT_EQ(eviction->annotations,
            (FlatMap<std::string>{{"offending_containers", "main"}, {"offending_containers_usage", "300Mi"}, {"starved_resource", "memory"}}));
  EXPECT_TRUE(eviction->disrupts);
  EXPECT_EQ(eviction->grace_seconds, 1);

  World disk;
  disk.starve("nodefs.available", "10%", {123456, 10'000'000});
  PodUsage& usage = disk.add("filler", "");
  usage.containers[0].root = DiskUsage{8192, 1};
  usage.containers[0].logs = {100, 1};
  EXPECT_EQ(plan_eviction(disk.inputs())->message,
            "The node was low on resource: ephemeral-storage. Threshold quantity: 1000000, available: 123456. "
            "Container main was using 8292, request is 0, has larger consumption of ephemeral-storage. ");
  disk.starve("nodefs.inodesFree", "5%", {4000, 100'000});
  EXPECT_EQ(plan_eviction(disk.inputs())->message, "The node was low on resource: inodes. Threshold quantity: 5000, available: 4k. ");
  disk.starve("pid.available", "5%", {40, 1024 * 100});
  EXPECT_EQ(plan_eviction(disk.inputs())->message, "The node was low on resource: pids. Threshold quantity: 5Ki, available: 40. ");
}

TEST(Eviction, OfAPodWithResourcesOfItsOwn) {
  World world;
  world.starve("memory.available", "100Mi", {50 << 20, 1 << 30});
  world.memory("hog", "", 300, ", resources: {requests: {memory: 20Mi}}");
  const auto eviction = plan_eviction(world.inputs());
  EXPECT_EQ(eviction->message,
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
            "Pod hog was using 300Mi, request is 20Mi, has larger consumption of memory. "
            "Container main was using 300Mi, request is 0, has larger consumption of memory. ");
  EXPECT_EQ(*eviction->annotations.get("offending_pod_usage"), "300Mi");
}

TEST(Eviction, CriticalPodsStay) {
  World world;
  world.starve("memory.available", "100Mi", {50 << 20, 1 << 30});
  world.memory("system", "", 500, ", priority: 2000000000");
  world.memory("static", "", 400, "", ", annotations: {kubernetes.io/config.source: file}");
  EXPECT_FALSE(plan_eviction(world.inputs()));
  world.memory("small", "100Mi", 1, ", priority: 1000");
  EXPECT_EQ(plan_eviction(world.inputs())->pod_uid, "small");
}

TEST(Eviction, GraceOfSoftThresholds) {
  World world;
  KubeletConfiguration soft;
  soft.eviction_soft["memory.available"] = "100Mi";
  soft.eviction_soft_grace_period["memory.available"] = "1s";
  world.starved = {eviction_thresholds(soft)->at(0)};
  for (Threshold& one : world.starved) one.grace = 1s;
  world.memory("hog", "", 300, ", terminationGracePeriodSeconds: 20");
  world.max_grace_seconds = 60;
  EXPECT_EQ(plan_eviction(world.inputs())->grace_seconds, 20);
  world.max_grace_seconds = 5;
  EXPECT_EQ(plan_eviction(world.inputs())->grace_seconds, 5);
  world.max_grace_seconds = 0;
  EXPECT_EQ(plan_eviction(world.inputs())->grace_seconds, 1);
}

// --- limits of pods -------------------------------------------------------------------------------------------------------

struct Limited {
  std::string spec;
  PodUsage usage;
  bool dedicated_images = false;

  Limited(std::string spec_in, uint64_t root, uint64_t logs, uint64_t volume) : spec(std::move(spec_in)) {
    usage.containers.push_back({"main", std::nullopt, DiskUsage{root, 1}, {logs, 1}});
    usage.volumes["data"] = {volume, 1};
  }
  std::string said() const {
    const auto pod = std::make_shared<Pod>(testing::pod_of(spec));
    const auto out = plan_limit_evictions({{pod, &usage}}, dedicated_images);
    if (out.empty()) return has_storage_limits(*pod) ? "fits" : "no limits";
    return out[0].signal + (out[0].disrupts ? " disrupts" : "") + ": " + out[0].message;
  }
};

TEST(Limits, EmptyDirs) {
  const std::string spec = "{spec: {containers: [{name: main}], volumes: [{name: data, emptyDir: {sizeLimit: 1Mi}}]}}";
  EXPECT_EQ(Limited(spec, 9 << 20, 0, 1 << 20).said(), "fits");
  EXPECT_EQ(Limited(spec, 0, 0, (1 << 20) + 1).said(), "emptydirfs.limit: Usage of EmptyDir volume \"data\" exceeds the limit \"1Mi\". ");
  EXPECT_EQ(Limited("{spec: {containers: [{name: main}], volumes: [{name: data, emptyDir: {sizeLimit: 1Mi, medium: Memory}}]}}", 0, 0, 0).said(),
            "no limits");
  EXPECT_EQ(Limited("{spec: {containers: [{name: main}], volumes: [{name: data, emptyDir: {}}]}}", 0, 0, 9 << 20).said(), "no limits");
  EXPECT_EQ(Limited("{metadata: {annotations: {kubernetes.io/config.source: file}}, " + spec.substr(1), 0, 0, 9 << 20).said(), "fits");
}

TEST(Limits, OfContainersAndPods) {
  const std::string one = "{spec: {containers: [{name: main, resources: {limits: {ephemeral-storage: 1000}}}]}}";
  EXPECT_EQ(Limited(one, 600, 400, 0).said(), "fits");
  EXPECT_EQ(Limited(one, 600, 401, 0).said(), "ephemeralpodfs.limit: Pod ephemeral local storage usage exceeds the total limit of containers 1k. ");
  EXPECT_EQ(Limited(one, 0, 0, 1001).said(), "ephemeralpodfs.limit: Pod ephemeral local storage usage exceeds the total limit of containers 1k. ");
  const std::string two =
      "{spec: {containers: [{name: main, resources: {limits: {ephemeral-storage: 1000}}}, {name: other, resources: {limits: {ephemeral-storage: "
      "1Mi}}}]}}";
  Limited both(two, 600, 401, 0);
  EXPECT_EQ(both.said(), "ephemeralcontainerfs.limit: Container main exceeded its local ephemeral storage limit \"1k\". ");
  both.dedicated_images = true;
  EXPECT_EQ(both.said(), "fits");
  EXPECT_EQ(Limited("{spec: {containers: [{name: main}]}}", 1 << 20, 0, 0).said(), "no limits");
}

}  // namespace
}  // namespace pintle::kubelet::eviction

#include "kubelet/admission/pod_admission.h"

#include <gtest/gtest.h>

#include "kubelet/admission/preemption.h"

namespace pintle::kubelet::admission {
namespace {

using api::core_v1::Node;
using api::core_v1::Pod;

Pod pod(std::string name, std::string cpu, std::string memory, int32_t priority = 0) {
  Pod out;
  out.metadata.name = std::move(name);
  out.metadata.annotations["kubernetes.io/config.source"] = "api";
  out.spec.priority = priority;
  auto& container = out.spec.containers.emplace_back();
  container.name = "c";
  if (!cpu.empty()) container.resources.requests["cpu"] = *api::Quantity::parse(cpu);
  if (!memory.empty()) container.resources.requests["memory"] = *api::Quantity::parse(memory);
  return out;
}

Node node() {
  Node out;
  out.metadata.name = "n1";
  out.metadata.labels["zone"] = "a";
  out.status.allocatable["cpu"] = *api::Quantity::parse("2");
  out.status.allocatable["memory"] = *api::Quantity::parse("1Gi");
  out.status.allocatable["pods"] = *api::Quantity::parse("3");
  return out;
}

struct World {
  Node the_node = node();
  std::vector<Pod> others;
  Pressure pressure;
  bool shutting_down = false;
  std::vector<std::string> sysctls;
  bool comparisons = false;
  bool app_armor = true;
  std::optional<std::vector<std::string>> declared;
  std::set<std::string> handed_out;

  PodAdmission admit(const Pod& p) const {
    std::vector<const Pod*> list;
    for (const Pod& other : others) list.push_back(&other);
    return admit_pod({p, &the_node, list, pressure, shutting_down, sysctls, comparisons, app_armor, declared, handed_out});
  }
  std::string reason(const Pod& p) const {
    const PodAdmission out = admit(p);
    return out.admitted ? "ok" : out.reason;
  }
};

void check_profile(const World& world, std::string_view pod_type, std::string_view container_type, std::string_view wanted) {
  Pod it = pod("a", "", "");
  if (!pod_type.empty()) it.spec.security_context.ensure().app_armor_profile.ensure().type = pod_type;
  if (!container_type.empty()) it.spec.containers[0].security_context.ensure().app_armor_profile.ensure().type = container_type;
  const PodAdmission out = world.admit(it);
  EXPECT_EQ(out.admitted ? "ok" : out.reason + ": " + out.message, wanted) << pod_type << "/" << container_type;
}
TEST(PodAdmission, ProfilesNeedAppArmor) {
  World world;
  check_profile(world, "RuntimeDefault", "Localhost", "ok");
  world.app_armor = false;
  const std::string refused = "AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host";
  check_profile(world, "", "", "ok");
  check_profile(world, "Unconfined", "Unconfined", "ok");
  check_profile(world, "RuntimeDefault", "", refused);
  check_profile(world, "", "Localhost", refused);
  check_profile(world, "Unconfined", "RuntimeDefault", refused);
}

TEST(PodAdmission, FeaturesThatAreNotDeclared) {
  World world;
  Pod it = pod("a", "", "");
  it.spec.containers[0].restart_policy_rules.emplace_back().action = "RestartAllContainers";
  EXPECT_EQ(world.reason(it), "ok") << "nobody asks";
  world.declared.emplace();
  EXPECT_EQ(world.admit(it).message, "Pod requires node features that are not available: RestartAllContainersOnContainerExits");
  EXPECT_EQ(world.reason(it), "PodFeatureUnsupported");
  EXPECT_EQ(world.reason(pod("b", "", "")), "ok");
  world.declared->emplace_back("RestartAllContainersOnContainerExits");
  EXPECT_EQ(world.reason(it), "ok");
}

TEST(PodAdmission, WhatIsHandedOutLaterIsNotCounted) {
  World world;
  world.the_node.status.allocatable["e.test/d"] = api::Quantity::from_int(1);
  Pod two = pod("a", "", "");
  two.spec.containers[0].resources.requests["e.test/d"] = api::Quantity::from_int(2);
  EXPECT_EQ(world.reason(two), "OutOfe.test/d");
  world.handed_out = {"e.test/d"};
  EXPECT_EQ(world.reason(two), "ok");
}

TEST(PodAdmission, WhatComesByAClaimIsNotCounted) {
  World world;
  world.the_node.status.allocatable["e.test/d"] = api::Quantity::from_int(0);  // of a plugin that has gone
  Pod one = pod("a", "", "");
  one.spec.containers[0].resources.requests["e.test/d"] = api::Quantity::from_int(1);
  EXPECT_EQ(world.reason(one), "OutOfe.test/d");
  auto& mapping = one.status.extended_resource_claim_status.emplace().request_mappings.emplace_back();
  mapping.container_name = one.spec.containers[0].name;
  mapping.resource_name = "e.test/d";
  EXPECT_EQ(world.reason(one), "ok");
}

TEST(PodAdmission, Resources) {
  World world;
  world.others = {pod("a", "1500m", "512Mi")};
  EXPECT_EQ(world.reason(pod("b", "500m", "512Mi")), "ok");
  EXPECT_EQ(world.reason(pod("b", "501m", "512Mi")), "OutOfcpu");
  EXPECT_EQ(world.admit(pod("b", "501m", "")).message, "Node didn't have enough resource: cpu, requested: 501, used: 1500, capacity: 2000");
  EXPECT_EQ(world.reason(pod("b", "", "513Mi")), "OutOfmemory");
  world.others = {pod("a", "", ""), pod("b", "", ""), pod("c", "", "")};
  EXPECT_EQ(world.reason(pod("d", "", "")), "OutOfpods");
  world.others.clear();
  Pod device = pod("d", "", "");
  device.spec.containers[0].resources.requests["example.com/gpu"] = api::Quantity::from_int(1);
  EXPECT_EQ(world.reason(device), "ok");  // not the node's
  world.the_node.status.allocatable["example.com/gpu"] = api::Quantity::from_int(0);
  EXPECT_EQ(world.reason(device), "OutOfexample.com/gpu");
}

TEST(PodAdmission, SelectorsPortsTaints) {
  World world;
  Pod p = pod("p", "", "");
  p.spec.node_selector["zone"] = "b";
  EXPECT_EQ(world.reason(p), "NodeAffinity");
  EXPECT_EQ(world.admit(p).message, "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector");
  p = pod("p", "", "");
  p.spec.node_name = "n2";
  EXPECT_EQ(world.reason(p), "NodeName");
  auto& port = p.spec.containers[0].ports.emplace_back();
  port.host_port = 80;
  p.spec.node_name = "n1";
  Pod other = p;
  other.spec.containers[0].ports[0].host_ip = "10.0.0.1";
  world.others = {other};
  EXPECT_EQ(world.reason(p), "NodePorts");
  world.others[0].spec.containers[0].ports[0].protocol = "UDP";
  EXPECT_EQ(world.reason(p), "ok");
  auto& taint = world.the_node.spec.taints.emplace_back();
  taint.key = "gone";
  taint.effect = "NoSchedule";
  EXPECT_EQ(world.reason(p), "ok");
  taint.effect = "NoExecute";
  EXPECT_EQ(world.reason(p), "TaintToleration");
  p.spec.tolerations.emplace_back().operator_ = "Exists";
  EXPECT_EQ(world.reason(p), "ok");
  taint.value = "7";
  p.spec.tolerations[0].key = "gone";
  p.spec.tolerations[0].operator_ = "Gt";
  p.spec.tolerations[0].value = "5";
  EXPECT_EQ(world.reason(p), "TaintToleration");
  world.comparisons = true;
  EXPECT_EQ(world.reason(p), "ok");
}

TEST(PodAdmission, PressureShutdownSystem) {
  World world;
  world.pressure.memory = true;
  EXPECT_EQ(world.reason(pod("p", "", "")), "Evicted");
  EXPECT_EQ(world.admit(pod("p", "", "")).message, "The node had condition: [MemoryPressure]. ");
  EXPECT_EQ(world.reason(pod("p", "1", "")), "ok");
  EXPECT_EQ(world.reason(pod("p", "", "", 2'000'000'000)), "ok");
  world.pressure.disk = true;
  EXPECT_EQ(world.reason(pod("p", "1", "")), "Evicted");
  world.pressure = {};
  world.shutting_down = true;
  EXPECT_EQ(world.reason(pod("p", "", "")), "NodeShutdown");
  world.shutting_down = false;
  Pod p = pod("p", "", "");
  p.spec.os.ensure().name = "windows";
  EXPECT_EQ(world.reason(p), "PodOSNotSupported");
  const std::vector<std::string> none;
  EXPECT_EQ(admit_pod({p, nullptr, {}, {}, false, none}).reason, "InvalidNodeInfo");
}

TEST(PodAdmission, Sysctls) {
  World world;
  const auto with = [](std::string name, bool host_net) {
    Pod p = pod("p", "", "");
    p.spec.host_network = host_net;
    p.spec.security_context.ensure().sysctls.emplace_back().name = std::move(name);
    return p;
  };
  EXPECT_EQ(world.reason(with("net.ipv4.tcp_syncookies", false)), "ok");
  EXPECT_EQ(world.reason(with("kernel/shm_rmid_forced", false)), "ok");
  EXPECT_EQ(world.admit(with("net.ipv4.tcp_syncookies", true)).message,
            "forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host Net enabled");
  EXPECT_EQ(world.admit(with("net.core.somaxconn", false)).message, "forbidden sysctl: \"net.core.somaxconn\" not allowlisted");
  world.sysctls = {"net.core.*"};
  EXPECT_EQ(world.reason(with("net.core.somaxconn", false)), "ok");
  EXPECT_TRUE(check_sysctl_patterns(world.sysctls));
  EXPECT_FALSE(check_sysctl_patterns({"vm.swappiness"}));
}

std::string preempted(const World& world, const Pod& p) {
  const PodAdmission out = world.admit(p);
  if (!out.admitted) return out.reason;
  std::string names;
  for (const Pod* victim : out.preempt) names += victim->metadata.name;
  return names;
}
TEST(PodAdmission, CriticalPodsMakeRoom) {
  World world;
  Pod guaranteed = pod("g", "1", "256Mi");
  guaranteed.spec.containers[0].resources.limits = guaranteed.spec.containers[0].resources.requests;
  world.others = {guaranteed, pod("b", "1", ""), pod("e", "", "")};
  const int32_t critical = 2'000'000'000;
  EXPECT_EQ(preempted(world, pod("p", "", "", critical)), "e");   // pods alone are short
  EXPECT_EQ(preempted(world, pod("p", "1", "", critical)), "b");  // its end makes room for the pod too
  EXPECT_EQ(preempted(world, pod("p", "2", "", critical)), "bg");
  EXPECT_EQ(preempted(world, pod("p", "3", "", critical)), "UnexpectedAdmissionError");
  world.others[1].spec.priority = critical;
  EXPECT_EQ(preempted(world, pod("p", "1", "", critical)), "g");
}

}  // namespace
}  // namespace pintle::kubelet::admission

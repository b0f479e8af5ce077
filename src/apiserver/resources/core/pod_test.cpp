#include "apiserver/resources/core/pod.h"

#include <gtest/gtest.h>

#include "apiserver/resources/testing/strategies.h"
#include "rules/pod_resources.h"

namespace pintle::apiserver::resources {
namespace {

using namespace testing;
using api::core_v1::Pod;

const registry::Strategy& pods_strategy() { return strategy_of("", "pods"); }
// A pod whose spec is valid, with `spec` in it beside.
std::string pod_yaml(const std::string& spec, const std::string& more = "") {
  return "{metadata: {name: p, namespace: d}, spec: {restartPolicy: Always, dnsPolicy: ClusterFirst, terminationGracePeriodSeconds: 30, "
         "containers: [{name: c, image: i, imagePullPolicy: Always, terminationMessagePolicy: File}]" +
         (spec.empty() ? "" : ", " + spec) + "}" + (more.empty() ? "" : ", " + more) + "}";
}

void check_qos(const std::string& spec, const std::string& want) {
  EXPECT_EQ(rules::qos_class_of_spec(object_of<Pod>("{spec: " + spec + "}").as<Pod>().spec), want) << spec;
}
std::string container(const std::string& resources) { return "{name: c, resources: {" + resources + "}}"; }

TEST(PodStrategy, QosClass) {
  const std::string nothing = container(""), all = container("requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi}");
  check_qos("{containers: [" + nothing + "]}", "BestEffort");
  check_qos("{containers: [" + all + "]}", "Guaranteed");
  check_qos("{containers: [" + container("limits: {cpu: 1, memory: 1Gi}") + "]}", "Burstable");  // before requests are defaulted
  check_qos("{containers: [" + container("requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 2, memory: 1Gi}") + "]}", "Burstable");
  check_qos("{containers: [" + container("limits: {cpu: 1}") + "]}", "Burstable");
  check_qos("{containers: [" + container("requests: {cpu: 1}") + "]}", "Burstable");
  check_qos("{containers: [" + container("requests: {cpu: 0}") + "]}", "BestEffort");
  check_qos("{containers: [" + container("requests: {example.com/card: 1}, limits: {example.com/card: 1}") + "]}", "BestEffort");
  check_qos("{containers: [" + all + ", " + nothing + "]}", "Burstable");
  check_qos("{initContainers: [" + nothing + "], containers: [" + all + "]}", "Burstable");
  check_qos("{initContainers: [" + all + "], containers: [" + all + "]}", "Guaranteed");
  check_qos("{resources: {limits: {cpu: 1, memory: 1Gi}}, containers: [" + nothing + "]}", "Burstable");  // likewise
  check_qos("{resources: {}, containers: [" + all + "]}", "BestEffort");
}

TEST(PodStrategy, ANewPodIsPending) {
  const Pod pod = created<Pod>(pods_strategy(), pod_yaml("ephemeralContainers: [{name: e, image: i}]", "status: {phase: Running, podIP: 10.0.0.1}"));
  EXPECT_EQ(pod.status.phase + " " + pod.status.qos_class + " " + pod.status.pod_ip, "Pending BestEffort ");
  EXPECT_TRUE(pod.spec.ephemeral_containers.empty());
  EXPECT_TRUE(pod.spec.enable_service_links.value_or(false));
  const Pod gated = created<Pod>(pods_strategy(), pod_yaml("schedulingGates: [{name: a.example/b}]"));
  ASSERT_EQ(gated.status.conditions.size(), 1u);
  EXPECT_EQ(gated.status.conditions[0].type + " " + gated.status.conditions[0].reason, "PodScheduled SchedulingGated");
  EXPECT_FALSE(gated.status.conditions[0].last_transition_time.zero());
}

void check_create(const std::string& spec, const std::string& want) {
  std::string causes;
  created<Pod>(pods_strategy(), pod_yaml(spec), &causes);
  EXPECT_EQ(causes, want) << spec;
}

TEST(PodStrategy, ValidationOfTheSpec) {
  check_create("", "");
  check_create("activeDeadlineSeconds: 0", "Invalid spec.activeDeadlineSeconds");
  check_create("volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]", "Duplicate spec.volumes[1].name");
  check_create("nodeSelector: {'a b': c}", "Invalid spec.nodeSelector");
  check_create("tolerations: [{key: k, operator: Exists, value: v}]", "Invalid spec.tolerations[0].operator");
  check_create("tolerations: [{operator: Equal}]", "Invalid spec.tolerations[0].operator");
  check_create("tolerations: [{key: k, operator: Exists, effect: NoSchedule, tolerationSeconds: 5}]", "Invalid spec.tolerations[0].effect");
  check_create("schedulingGates: [{name: a}, {name: a}]", "Duplicate spec.schedulingGates[1]");
  check_create("hostname: Bad_Name", "Invalid spec.hostname");
}

void check_update(const std::string& before, const std::string& after, const std::string& want) {
  std::string causes;
  updated<Pod>(pods_strategy(), pod_yaml(before), pod_yaml(after), &causes);
  EXPECT_EQ(causes, want) << before << " then " << after;
}

TEST(PodStrategy, WhatAnUpdateMayChange) {
  check_update("", "", "");
  check_update("", "priority: 5", "Forbidden spec");
  check_update("", "nodeName: node", "Forbidden spec");
  check_update("", "activeDeadlineSeconds: 5", "");
  check_update("activeDeadlineSeconds: 5", "activeDeadlineSeconds: 4", "");
  check_update("activeDeadlineSeconds: 5", "activeDeadlineSeconds: 6", "Invalid spec.activeDeadlineSeconds");
  check_update("activeDeadlineSeconds: 5", "", "Invalid spec.activeDeadlineSeconds");
  const std::string one = "tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 5}";
  check_update(one + "]", one + ", {key: b, operator: Exists}]", "");
  check_update(one + "]", "tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 9}]", "");
  check_update(one + "]", "tolerations: [{key: b, operator: Exists}]", "Forbidden spec.tolerations");
  check_update("schedulingGates: [{name: a}, {name: b}]", "schedulingGates: [{name: b}]", "");
  check_update("schedulingGates: [{name: a}]", "schedulingGates: [{name: b}]", "Forbidden spec.schedulingGates[0]");
  check_update("schedulingGates: [{name: a}]", "schedulingGates: [{name: a}], nodeSelector: {a: b}", "");
  check_update("nodeSelector: {a: b}", "nodeSelector: {a: c}", "Forbidden spec");
  std::string causes;
  updated<Pod>(pods_strategy(), pod_yaml(""), "{spec: {containers: []}}", &causes);
  EXPECT_TRUE(causes.ends_with("Forbidden spec.containers")) << causes;
}

TEST(PodStrategy, ImagesMayChange) {
  std::string causes, other = pod_yaml("");
  other.replace(other.find("image: i,"), 9, "image: j,");
  updated<Pod>(pods_strategy(), pod_yaml(""), other, &causes);
  EXPECT_EQ(causes, "");
}

// Seconds of grace of a DELETE that asks for `asked` (-1: it does not say).
void check_grace(const std::string& yaml, int64_t asked, int64_t want) {
  api::Object pod = object_of<Pod>(yaml);
  registry::DeleteSettings settings;
  settings.grace_period_seconds = asked;
  EXPECT_EQ(pods_strategy().grace_period_seconds(RequestScope(), pod, settings), want) << yaml << " " << asked;
}

TEST(PodStrategy, GracePeriod) {
  check_grace("{spec: {nodeName: node, terminationGracePeriodSeconds: 40}}", -1, 40);
  check_grace("{spec: {nodeName: node}}", -1, 30);
  check_grace("{spec: {nodeName: node, terminationGracePeriodSeconds: 40}}", 5, 5);
  check_grace("{spec: {nodeName: node}}", 0, 0);
  check_grace("{spec: {terminationGracePeriodSeconds: 40}}", -1, 0);  // nobody runs it
  check_grace("{spec: {nodeName: node}, status: {phase: Succeeded}}", -1, 0);
  check_grace("{spec: {nodeName: node}, status: {phase: Failed}}", 5, 0);
  check_grace("{spec: {nodeName: node, terminationGracePeriodSeconds: -5}}", -1, 1);
}

// Upstream keeps no negative one of a pod; a template's it does.
TEST(PodStrategy, NegativeGracePeriodBecomesOne) {
  const std::string negative = "{spec: {terminationGracePeriodSeconds: -1, containers: [{name: c, image: i}]}}";
  EXPECT_EQ(created<Pod>(pods_strategy(), negative).spec.termination_grace_period_seconds, 1);
  const std::string deployment = "{spec: {template: " + negative + "}}";
  EXPECT_EQ(created<api::apps_v1::Deployment>(strategy_of("apps", "deployments"), deployment).spec.template_.spec.termination_grace_period_seconds,
            -1);
}

TEST(PodStrategy, Status) {
  const registry::Strategy& status = strategy_of("", "pods", "status");
  std::string causes;
  Pod pod = updated<Pod>(status, pod_yaml("", "status: {qosClass: Burstable}"),
                         pod_yaml("priority: 9", "status: {podIP: 10.0.0.1, hostIP: 10.1.0.1}"), &causes);
  EXPECT_EQ(causes, "");
  EXPECT_FALSE(pod.spec.priority);  // the spec is the old one
  ASSERT_EQ(pod.status.pod_ips.size(), 1u);
  EXPECT_EQ(pod.status.pod_ips[0].ip + " " + pod.status.host_ips.at(0).ip + " " + pod.status.qos_class, "10.0.0.1 10.1.0.1 Burstable");
  updated<Pod>(status, pod_yaml("", "status: {qosClass: Burstable}"), pod_yaml("", "status: {qosClass: Guaranteed}"), &causes);
  EXPECT_EQ(causes, "Invalid status.qosClass");
  updated<Pod>(status, pod_yaml(""), pod_yaml("", "status: {podIPs: [{ip: nonsense}], conditions: [{type: 'a b', status: 'True'}]}"), &causes);
  EXPECT_EQ(causes, "Invalid status.conditions[0].type; Invalid status.podIPs[0]");
}

}  // namespace
}  // namespace pintle::apiserver::resources

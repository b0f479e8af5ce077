#include "controller/resourcequota/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::resourcequota {
namespace {

using namespace testing;
using api::core_v1::ResourceQuota;

ResourceQuota quota_of(const std::string& spec) {
  ResourceQuota quota;
  quota.spec = from_yaml<api::core_v1::ResourceQuotaSpec>(spec);
  return quota;
}

// "configmaps deployments.apps"
void check_alone(const std::string& hard, const std::string& want) {
  Words out;
  for (const auto& resource : counted_alone(quota_of("{hard: " + hard + "}").spec.hard))
    out.add(resource.resource + (resource.group.empty() ? "" : "." + resource.group));
  EXPECT_EQ(out.text(), want) << hard;
}

TEST(ResourceQuotaPlan, ResourcesCountedByTheirNumberAlone) {
  check_alone("{}", "");
  check_alone("{configmaps: 1, secrets: 1, resourcequotas: 1, replicationcontrollers: 1}",
              "configmaps replicationcontrollers resourcequotas secrets");
  check_alone("{count/deployments.apps: 1, count/jobs.batch: 1}", "deployments.apps jobs.batch");
  check_alone("{count/widgets.example.com: 1}", "widgets.example.com");
  check_alone("{count/configmaps: 1, configmaps: 1}", "configmaps");  // two names of one
  // Those that have other costs too are counted with them.
  check_alone("{pods: 1, count/pods: 1, count/services: 1, count/persistentvolumeclaims: 1, requests.cpu: 1}", "");
  check_alone("{count/pods.metrics.k8s.io: 1}", "pods.metrics.k8s.io");
}

// "name=amount ..." of what the objects use.
template <class T>
void check_charge(const std::string& quota, const CountedResource& resource, const std::vector<std::string>& objects, const std::string& want) {
  ResourceList used;
  for (const std::string& yaml : objects) charge(quota_of(quota), resource, api::Object::of(from_yaml<T>(yaml)), used);
  Words out;
  for (const auto& [name, amount] : used) out.add(name + "=" + amount.text());
  EXPECT_EQ(out.text(), want) << quota;
}
void check_pods(const std::string& quota, const std::vector<std::string>& pods, const std::string& want) {
  check_charge<api::core_v1::Pod>(quota, {"", "pods"}, pods, want);
}

const std::string small =
    "{spec: {containers: [{name: a, resources: {requests: {cpu: 100m, memory: 1Gi}, limits: {cpu: 200m}}}]}, status: {phase: Running}}";
const std::string best_effort = "{spec: {containers: [{name: a}]}, status: {phase: Running}}";

TEST(ResourceQuotaPlan, PodsAreChargedForWhatTheQuotaNames) {
  check_pods("{hard: {pods: 9}}", {small, best_effort}, "pods=2");
  check_pods("{hard: {count/pods: 9}}", {small, best_effort}, "count/pods=2");
  check_pods("{hard: {requests.cpu: 9, limits.cpu: 9}}", {small, small}, "limits.cpu=400m requests.cpu=200m");
  check_pods("{hard: {cpu: 9, memory: 9Gi}}", {small, small}, "cpu=200m memory=2Gi");  // the old names: requests
  check_pods("{hard: {configmaps: 9}}", {small}, "");
  // What has finished uses nothing but its number of objects.
  check_pods("{hard: {pods: 9, count/pods: 9, requests.cpu: 9}}",
             {"{spec: {containers: [{name: a, resources: {requests: {cpu: 1}}}]}, status: {phase: Succeeded}}"}, "count/pods=1");
}

TEST(ResourceQuotaPlan, Scopes) {
  check_pods("{hard: {pods: 9}, scopes: [BestEffort]}", {small, best_effort}, "pods=1");
  check_pods("{hard: {pods: 9}, scopes: [NotBestEffort]}", {small, best_effort, small}, "pods=2");
  check_pods("{hard: {pods: 9}, scopes: [Terminating]}", {small, "{spec: {activeDeadlineSeconds: 5}}"}, "pods=1");
  check_pods("{hard: {pods: 9}, scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}}",
             {small, "{spec: {priorityClassName: high}}", "{spec: {priorityClassName: low}}"}, "pods=1");
}

TEST(ResourceQuotaPlan, ServicesAndClaims) {
  check_charge<api::core_v1::Service>(
      "{hard: {services: 9, services.nodeports: 9, services.loadbalancers: 9}}", {"", "services"},
      {"{spec: {type: ClusterIP}}", "{spec: {type: NodePort, ports: [{port: 1}, {port: 2}]}}", "{spec: {type: LoadBalancer, ports: [{port: 1}]}}"},
      "services=3 services.loadbalancers=1 services.nodeports=3");
  check_charge<api::core_v1::PersistentVolumeClaim>(
      "{hard: {persistentvolumeclaims: 9, requests.storage: 9Gi, fast.storageclass.storage.k8s.io/requests.storage: 9Gi}}",
      {"", "persistentvolumeclaims"},
      {"{spec: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}}", "{spec: {resources: {requests: {storage: 2Gi}}}}"},
      "fast.storageclass.storage.k8s.io/requests.storage=1Gi persistentvolumeclaims=2 requests.storage=3Gi");
}

void check_differ(const std::string& quota, const std::string& before, const std::string& after, bool want) {
  using api::core_v1::Pod;
  EXPECT_EQ(costs_differ(quota_of(quota), {"", "pods"}, api::Object::of(from_yaml<Pod>(before)), api::Object::of(from_yaml<Pod>(after))), want)
      << quota << ": " << before << " to " << after;
}

TEST(ResourceQuotaPlan, WhatChangesACost) {
  const std::string ended = "{spec: {containers: [{name: a}]}, status: {phase: Succeeded}}", limited = "{spec: {activeDeadlineSeconds: 5}}";
  check_differ("{hard: {pods: 9}}", best_effort, ended, true);
  check_differ("{hard: {count/pods: 9}}", best_effort, ended, false);
  check_differ("{hard: {pods: 9}}", best_effort, small, false);
  check_differ("{hard: {requests.cpu: 9}}", best_effort, small, true);  // resized
  check_differ("{hard: {pods: 9}, scopes: [NotTerminating]}", best_effort, limited, true);
  check_differ("{hard: {pods: 9}, scopes: [Terminating]}", best_effort, limited, true);
  check_differ("{hard: {pods: 9}, scopes: [BestEffort]}", best_effort, limited, false);
  check_differ("{hard: {services: 9}}", best_effort, ended, false);
}

TEST(ResourceQuotaPlan, WhatHasFallen) {
  const auto check = [](const std::string& before, const std::string& after, const std::string& want) {
    Words out;
    for (const std::string& name : fallen(quota_of("{hard: " + before + "}").spec.hard, quota_of("{hard: " + after + "}").spec.hard)) out.add(name);
    EXPECT_EQ(out.text(), want) << before << " to " << after;
  };
  check("{}", "{pods: 1}", "");
  check("{pods: 1}", "{}", "pods");
  check("{pods: 0}", "{}", "");
  check("{pods: 3, services: 1, requests.cpu: 1}", "{pods: 2, services: 1, requests.cpu: 1001m}", "pods");
}

TEST(ResourceQuotaPlan, Zeros) {
  Words out;
  for (const auto& [name, amount] : zeros(quota_of("{hard: {pods: 5, requests.cpu: 2}}").spec.hard)) out.add(name + "=" + amount.text());
  EXPECT_EQ(out.text(), "pods=0 requests.cpu=0");
}

}  // namespace
}  // namespace pintle::controller::resourcequota

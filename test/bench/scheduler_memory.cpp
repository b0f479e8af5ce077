// scheduler_memory [PODS [NODES [profile]]]: what the scheduler holds of pods that have a node. Deployments of 15 pods, whose template is that of an
// ordinary service (environment, probes, volumes, a status), and the scheduler as the only client of a server in memory; told are the bytes that its
// start allocates and keeps, for each pod, beside what one such pod takes decoded; "profile": by the stacks that allocated it.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "api/testing/from_yaml.h"
#include "client/testing.h"
#include "component/heap_profile.h"
#include "component/memory.h"
#include "rt/testing.h"
#include "scheduler/scheduler.h"

namespace pintle {
namespace {

using api::core_v1::Node;
using api::core_v1::Pod;

constexpr int replicas = 15;
constexpr int namespaces = 50;

int64_t in_use() { return component::heap_use().allocated; }

const char* const ordinary = R"(
metadata:
  annotations: {kubernetes.io/config.seen: "2026-11-30T08:00:00Z", prometheus.io/scrape: "true", prometheus.io/port: "9090"}
  creationTimestamp: "2026-11-30T08:00:00Z"
spec:
  priority: 0
  schedulerName: default-scheduler
  restartPolicy: Always
  dnsPolicy: ClusterFirst
  serviceAccountName: shop
  terminationGracePeriodSeconds: 30
  enableServiceLinks: true
  preemptionPolicy: PreemptLowerPriority
  containers:
  - name: server
    image: registry.example.com/shop/server:1.42.7
    imagePullPolicy: IfNotPresent
    args: [--listen=:8080, --metrics=:9090]
    env: [{name: LOG_LEVEL, value: info}, {name: DATABASE, value: "postgres.data.svc:5432"},
          {name: POD_IP, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: status.podIP}}}]
    ports: [{name: http, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP}]
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    livenessProbe: {httpGet: {path: /healthz, port: 8080, scheme: HTTP}, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3}
    readinessProbe: {httpGet: {path: /ready, port: 8080, scheme: HTTP}, periodSeconds: 5, timeoutSeconds: 1, failureThreshold: 3}
    volumeMounts: [{name: config, mountPath: /etc/shop}, {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}]
  tolerations:
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  volumes:
  - {name: config, configMap: {name: shop-config, defaultMode: 420}}
  - name: token
    projected: {defaultMode: 420, sources: [{serviceAccountToken: {path: token, expirationSeconds: 3607}}]}
status:
  phase: Running
  qosClass: Burstable
  hostIP: 10.1.0.7
  podIP: 10.42.3.7
  podIPs: [{ip: 10.42.3.7}]
  startTime: "2026-11-30T08:00:01Z"
  conditions:
  - {type: PodScheduled, status: "True", lastTransitionTime: "2026-11-30T08:00:01Z"}
  - {type: Initialized, status: "True", lastTransitionTime: "2026-11-30T08:00:01Z"}
  - {type: ContainersReady, status: "True", lastTransitionTime: "2026-11-30T08:00:04Z"}
  - {type: Ready, status: "True", lastTransitionTime: "2026-11-30T08:00:04Z"}
  containerStatuses:
  - name: server
    ready: true
    started: true
    image: registry.example.com/shop/server:1.42.7
    imageID: registry.example.com/shop/server@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    containerID: containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    state: {running: {startedAt: "2026-11-30T08:00:03Z"}}
)";

Pod ordinary_pod(const Pod& form, int i, int nodes) {
  char uid[40], hash[16];
  const int owner = i / replicas;
  std::snprintf(uid, sizeof uid, "%08x-9b1d-4c7e-8f3a-%012x", static_cast<unsigned>(i) * 2654435761u, static_cast<unsigned>(i));
  std::snprintf(hash, sizeof hash, "%09x", static_cast<unsigned>(owner) * 40503u);
  Pod out = form;
  const std::string app = "shop-" + std::to_string(owner);
  out.metadata.namespace_ = "team-" + std::to_string(owner % namespaces);
  out.metadata.name = app + "-" + hash + "-" + std::to_string(i);
  out.metadata.uid = uid;
  out.metadata.generate_name = app + "-" + hash + "-";
  out.metadata.labels = {{"app", app}, {"pod-template-hash", hash}, {"tier", "backend"}};
  auto& controller = out.metadata.owner_references.emplace_back();
  controller.api_version = "apps/v1";
  controller.kind = "ReplicaSet";
  controller.name = app + "-" + hash;
  controller.uid = uid;
  controller.controller = true;
  out.spec.node_name = "node-" + std::to_string(i % nodes);
  return out;
}

rt::Task<void> measure(int pods, int nodes, bool profile) {
  const Pod form = api::testing::from_yaml<Pod>(ordinary);
  int64_t decoded = 0;
  {
    constexpr int copies = 1000;
    const int64_t before = in_use();
    std::vector<std::unique_ptr<Pod>> all;
    for (int i = 0; i < copies; ++i) all.push_back(std::make_unique<Pod>(ordinary_pod(form, i, nodes)));
    decoded = (in_use() - before) / copies;
  }
  client::testing::FakeServer server;
  server.documents["/api/v1/namespaces"] = R"({"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]})";
  for (int i = 0; i < nodes; ++i) {
    Node node;
    node.metadata.name = node.metadata.uid = "node-" + std::to_string(i);
    node.metadata.labels = {{"kubernetes.io/hostname", node.metadata.name}, {"topology.kubernetes.io/zone", "zone-" + std::to_string(i % 3)}};
    node.status.allocatable = {
        {"cpu", api::Quantity::from_int(64)}, {"memory", api::Quantity::from_int(int64_t{256} << 30)}, {"pods", api::Quantity::from_int(250)}};
    server.put(std::move(node));
  }
  for (int i = 0; i < pods; ++i) server.put(ordinary_pod(form, i, nodes));
  auto client = client::testing::connect(rt::Executor::current().runtime(), server);
  component::metrics::Registry registry;
  const int64_t before = in_use();
  scheduler::SchedulerSetup setup{.runtime = rt::Executor::current().runtime(), .client = *client, .metrics = registry};
  auto scheduler = scheduler::make_scheduler(std::move(setup));
  CHECK(scheduler->start().has_value(), "the default configuration");
  while (!scheduler->running()) (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(100));
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(5));
  const double kept = static_cast<double>(in_use() - before);
  std::printf("%d pods on %d nodes: %.0f MiB, %.0f bytes a pod; one decoded, whole: %ld bytes\n", pods, nodes, kept / (1 << 20), kept / pods,
              static_cast<long>(decoded));
  if (profile) {
    const auto taken = component::take_heap_profile();
    CHECK(taken.has_value(), "a build without a sanitizer");
    std::puts(component::to_text(*taken).c_str());
  }
  co_await scheduler->stop();
  scheduler.reset();
  co_await client->close();
}

}  // namespace
}  // namespace pintle

int main(int argc, char** argv) {
  const int pods = argc > 1 ? std::atoi(argv[1]) : 30000, nodes = argc > 2 ? std::atoi(argv[2]) : 1000;
  const bool profile = argc > 3;
  pintle::rt::testing::run_sim([&]() -> pintle::rt::Task<void> { co_await pintle::measure(pods, nodes, profile); });
  return 0;
}

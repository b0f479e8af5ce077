#include "controller/horizontal_pod_autoscaler/controller.h"

#include <gtest/gtest.h>

#include "api/gen/autoscaling_v2.h"
#include "api/testing/from_yaml.h"
#include "apimachinery/clock_time.h"
#include "codec/json.h"
#include "controller/testing.h"
#include "rules/conditions.h"

namespace pintle::controller::horizontal_pod_autoscaler {
namespace {

using api::autoscaling_v2::HorizontalPodAutoscaler;
using api::core_v1::Pod;
using testing::World;

constexpr const char* scale_path = "/apis/apps/v1/namespaces/default/deployments/web/scale";
constexpr const char* usage_path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";

rt::WallTime now() { return rt::Executor::current().runtime().clock().wall_now(); }

void add_pod(World& world, const std::string& name, const std::string& app = "web") {
  Pod pod;
  pod.metadata.name = pod.metadata.uid = name;
  pod.metadata.namespace_ = "default";
  pod.metadata.labels["app"] = app;
  auto& container = pod.spec.containers.emplace_back();
  container.name = "c";
  container.resources.requests["cpu"] = api::Quantity::from_int(1);
  pod.status.phase = "Running";
  pod.status.start_time = apimachinery::to_api_time(now() - std::chrono::hours(1));
  auto& ready = pod.status.conditions.emplace_back();
  ready.type = "Ready";
  ready.status = "True";
  ready.last_transition_time = *pod.status.start_time;
  world.server.put(pod);
}

constexpr const char* cpu_metric = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}";

HorizontalPodAutoscaler autoscaler_named(const std::string& name, const std::string& metrics = cpu_metric) {
  auto out = api::testing::from_yaml<HorizontalPodAutoscaler>(
      "{spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 10, metrics: [" + metrics + "]}}");
  out.metadata.name = out.metadata.uid = name;
  out.metadata.namespace_ = "default";
  return out;
}

void serve_scale(World& world, int replicas, const std::string& selector = "app=web") {
  world.server.documents[scale_path] =
      R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web","resourceVersion":"7"},"spec":{"replicas":)" +
      std::to_string(replicas) + R"(},"status":{"replicas":)" + std::to_string(replicas) + R"(,"selector":")" + selector + R"("}})";
}
// "a=900m"...: of the pods' only containers.
void serve_usage(World& world, const std::vector<std::pair<std::string, std::string>>& usage) {
  std::string items;
  for (const auto& [pod, cpu] : usage)
    items += (items.empty() ? R"({"metadata":{"name":")" : R"(,{"metadata":{"name":")") + pod + R"("},"containers":[{"name":"c","usage":{"cpu":")" +
             cpu + R"("}}]})";
  world.server.documents[usage_path] = R"({"items":[)" + items + "]}";
}
void serve_deployments(World& world) {
  world.server.documents["/apis/apps"] = R"({"name":"apps","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}})";
  world.server.documents["/apis/apps/v1"] = R"({"resources":[{"name":"deployments","kind":"Deployment","namespaced":true}]})";
}
// A target of two pods, and its autoscaler.
rt::Task<void> start_with_two_pods(World& world, int replicas = 2, std::string metrics = cpu_metric) {
  serve_deployments(world);
  serve_scale(world, replicas);
  add_pod(world, "a");
  add_pod(world, "b");
  world.server.put(autoscaler_named("h", metrics));
  co_await world.start(make_horizontal_pod_autoscaler);
}

std::size_t asked_of(const World& world, std::string_view path) {
  return static_cast<std::size_t>(std::ranges::count_if(world.server.asked, [&](const std::string& one) { return one.starts_with(path); }));
}
std::vector<int64_t> sizes_written(const World& world) {
  std::vector<int64_t> out;
  for (const auto& write : world.server.written("PUT", "/scale"))
    out.push_back(codec::parse_json(write.body.view()).value().find("spec")->find("replicas")->as_int());
  return out;
}
HorizontalPodAutoscaler last_status(const World& world, const std::string& name = "h") {
  const auto written = world.server.written("PUT", "/horizontalpodautoscalers/" + name + "/status");
  return written.empty() ? HorizontalPodAutoscaler() : written.back().as<HorizontalPodAutoscaler>();
}
std::string condition_of(const HorizontalPodAutoscaler& autoscaler, std::string_view type) {
  const auto* found = rules::find_condition(autoscaler.status.conditions, type);
  return found == nullptr ? "none" : found->status + " " + found->reason + ": " + found->message;
}

TEST(AutoscalerController, ScalesTheTarget) {
  testing::in_world([](World& world) -> rt::Task<void> {
    serve_usage(world, {{"a", "900m"}, {"b", "900m"}});
    co_await start_with_two_pods(world);
    co_await testing::pass(std::chrono::seconds(14));
    EXPECT_TRUE(world.server.asked.empty()) << "nothing before the period";
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_EQ(sizes_written(world), std::vector<int64_t>{4});
    const auto written = world.server.written("PUT", "/scale");
    if (written.size() != 1) co_return;
    EXPECT_EQ(written[0].path, scale_path);
    EXPECT_EQ(codec::parse_json(written[0].body.view()).value().find("metadata")->string_at("resourceVersion"), "7")
        << "good for that revision alone";
    EXPECT_EQ(world.event("SuccessfulRescale"), "New size: 4; reason: cpu resource utilization (percentage of request) above target");
    EXPECT_EQ(asked_of(world, std::string(usage_path) + "?labelSelector=app%3Dweb"), 1u);
    const auto status = last_status(world).status;
    EXPECT_EQ(status.current_replicas, 2);
    EXPECT_EQ(status.desired_replicas, 4);
    EXPECT_TRUE(status.last_scale_time.has_value());
    EXPECT_EQ(condition_of(last_status(world), "AbleToScale"), "True SucceededRescale: the HPA controller was able to update the target scale to 4");
    const std::string family = "horizontal_pod_autoscaler_controller_";
    for (const char* sample : {R"(reconciliations_total{action="scale_up",error="none"} 1)",
                               R"(metric_computation_total{action="scale_up",error="none",metric_type="Resource"} 1)",
                               R"(desired_replicas{namespace="default",hpa_name="h"} 4)", "num_horizontal_pod_autoscalers 1"})
      EXPECT_TRUE(world.tells(family + sample)) << sample;
    world.server.remove(autoscaler_named("h"));
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_TRUE(world.tells(family + "num_horizontal_pod_autoscalers 0"));
    EXPECT_FALSE(world.tells(family + R"(desired_replicas{namespace="default",hpa_name="h"} 4)"));
  });
}

// A period of an autoscaler with nothing to do: one GET of the scale, one of the metrics, no write.
TEST(AutoscalerController, DoesNothingWhileNothingChanges) {
  testing::in_world([](World& world) -> rt::Task<void> {
    serve_usage(world, {{"a", "500m"}, {"b", "500m"}});
    const std::string container =
        "{type: ContainerResource, containerResource: {name: cpu, container: c, target: {type: Utilization, averageUtilization: 50}}}";
    co_await start_with_two_pods(world, 2, std::string(cpu_metric) + ", " + container);
    co_await testing::pass(std::chrono::seconds(16));
    auto autoscaler = last_status(world);
    world.server.put(autoscaler);
    world.server.asked.clear();
    world.server.writes.clear();
    co_await testing::pass(std::chrono::seconds(60));
    EXPECT_TRUE(world.server.writes.empty());
    EXPECT_EQ(world.server.asked.size(), 8u);
    EXPECT_EQ(asked_of(world, usage_path), 4u) << "two metrics of it are asked for once";
  });
}

TEST(AutoscalerController, ShrinksWhenTheWindowHasPassed) {
  testing::in_world([](World& world) -> rt::Task<void> {
    serve_usage(world, {{"a", "100m"}, {"b", "100m"}});
    world.options.horizontal_pod_autoscaler_downscale_stabilization = std::chrono::minutes(1);
    co_await start_with_two_pods(world);
    co_await testing::pass(std::chrono::seconds(70));
    EXPECT_TRUE(sizes_written(world).empty()) << "it began with two";
    EXPECT_TRUE(condition_of(last_status(world), "AbleToScale").starts_with("True ScaleDownStabilized: "));
    co_await testing::pass(std::chrono::seconds(30));
    EXPECT_FALSE(sizes_written(world).empty());
    if (sizes_written(world).empty()) co_return;
    EXPECT_EQ(sizes_written(world)[0], 1);
  });
}

TEST(AutoscalerController, WritesAgainAfterAConflict) {
  testing::in_world([](World& world) -> rt::Task<void> {
    serve_usage(world, {{"a", "900m"}, {"b", "900m"}});
    int conflicts = 2;
    world.server.on_write = [&](const auto& write) { return write.path.ends_with("/scale") && conflicts-- > 0 ? 409 : 200; };
    co_await start_with_two_pods(world);
    co_await testing::pass(std::chrono::seconds(16));
    EXPECT_EQ(sizes_written(world), (std::vector<int64_t>{4, 4, 4}));
    EXPECT_NE(world.event("SuccessfulRescale"), "");
  });
  testing::in_world([](World& world) -> rt::Task<void> {
    serve_usage(world, {{"a", "900m"}, {"b", "900m"}});
    world.server.on_write = [](const auto& write) { return write.path.ends_with("/scale") ? 409 : 200; };
    co_await start_with_two_pods(world);
    co_await testing::pass(std::chrono::seconds(16));
    EXPECT_EQ(sizes_written(world).size(), 5u);
    EXPECT_EQ(world.event("FailedRescale"),
              "New size: 4; reason: cpu resource utilization (percentage of request) above target; error: refused by the test");
    EXPECT_EQ(last_status(world).status.desired_replicas, 0);
  });
}

void check_unreachable(const std::string& target, const std::string& why) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    serve_deployments(world);
    auto autoscaler = autoscaler_named("h");
    autoscaler.spec.scale_target_ref = api::testing::from_yaml<api::autoscaling_v2::CrossVersionObjectReference>(target);
    world.server.put(autoscaler);
    co_await world.start(make_horizontal_pod_autoscaler);
    co_await testing::pass(std::chrono::seconds(16));
    EXPECT_EQ(world.event("FailedGetScale"), why);
    EXPECT_EQ(condition_of(last_status(world), "AbleToScale"),
              "False FailedGetScale: the HPA controller was unable to get the target's current scale: " + why);
  });
}

TEST(AutoscalerController, TargetsThatAreNotThere) {
  check_unreachable("{apiVersion: apps/v1, kind: Deployment, name: none}", "the server could not find the requested resource");
  check_unreachable("{apiVersion: apps/v1, kind: Nothing, name: web}", "no matches for kind \"Nothing\" in group \"apps\"");
  check_unreachable("{apiVersion: none.example.com/v1, kind: Nothing, name: web}", "no matches for kind \"Nothing\" in group \"none.example.com\"");
  check_unreachable("{apiVersion: a/b/c, kind: Deployment, name: web}", "unexpected GroupVersion string: a/b/c");
}

// A kind whose resource goes elsewhere is looked for again.
TEST(AutoscalerController, ACustomResource) {
  testing::in_world([](World& world) -> rt::Task<void> {
    const auto serve = [&](const std::string& version) {
      world.server.documents["/apis/example.com"] = R"({"name":"example.com","versions":[{"version":")" + version + R"("}]})";
      world.server.documents["/apis/example.com/" + version] = R"({"resources":[{"name":"things","kind":"Thing","namespaced":true}]})";
      world.server.documents["/apis/example.com/" + version + "/namespaces/default/things/t/scale"] =
          R"({"spec":{"replicas":11},"status":{"replicas":11}})";
    };
    serve("v1");
    auto autoscaler = autoscaler_named("h");
    autoscaler.spec.scale_target_ref =
        api::testing::from_yaml<api::autoscaling_v2::CrossVersionObjectReference>("{apiVersion: example.com/v1, kind: Thing, name: t}");
    world.server.put(autoscaler);
    co_await world.start(make_horizontal_pod_autoscaler);
    co_await testing::pass(std::chrono::seconds(31));
    EXPECT_EQ(sizes_written(world), (std::vector<int64_t>{10, 10}));
    EXPECT_EQ(asked_of(world, "/apis/example.com"), asked_of(world, "/apis/example.com/") + 1) << "the group is asked for once";
    world.server.documents.clear();
    serve("v2");
    co_await testing::pass(std::chrono::seconds(60));
    EXPECT_FALSE(world.server.written("PUT", "/apis/example.com/v2/namespaces/default/things/t/scale").empty());
  });
}

// What the metrics API says instead of metrics is told, whatever it is.
void check_metrics_failure(const std::string& answer, const std::string& why) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    if (answer.empty())
      world.server.absent.insert(usage_path);
    else
      world.server.documents[usage_path] = answer;
    co_await start_with_two_pods(world);
    co_await testing::pass(std::chrono::seconds(16));
    const std::string inner = "failed to get cpu utilization: unable to get metrics for resource cpu: " + why;
    EXPECT_EQ(world.event("FailedGetResourceMetric"), inner);
    EXPECT_EQ(world.event("FailedComputeMetricsReplicas"),
              "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: " + inner);
    EXPECT_EQ(condition_of(last_status(world), "ScalingActive"),
              "False FailedGetResourceMetric: the HPA was unable to compute the replica count: " + inner);
    EXPECT_TRUE(sizes_written(world).empty());
    const std::size_t asked = asked_of(world, scale_path);
    co_await testing::pass(std::chrono::seconds(15));
    EXPECT_EQ(asked_of(world, scale_path), asked + 1) << "at the next period, and not before";
  });
}

TEST(AutoscalerController, MetricsThatCannotBeRead) {
  const std::string fetch = "unable to fetch metrics from resource metrics API: ";
  check_metrics_failure("", fetch + "the server could not find the requested resource (get pods.metrics.k8s.io)");
  check_metrics_failure(R"({"items":[]})", "no metrics returned from resource metrics API");
  check_metrics_failure(R"({"items":[{"containers":[{"usage":{"cpu":true}}]}]})",
                        fetch + "items[0]: containers: usage.cpu: a quantity is a text or a number");
  check_metrics_failure("[]", fetch + "no list");
}

TEST(AutoscalerController, TwoForTheSamePods) {
  testing::in_world([](World& world) -> rt::Task<void> {
    serve_usage(world, {{"a", "900m"}, {"b", "900m"}});
    world.server.put(autoscaler_named("g"));
    co_await start_with_two_pods(world);
    co_await testing::pass(std::chrono::seconds(31));
    const std::string shared = "pods by selector app=web are controlled by multiple HPAs: [default/g default/h]";
    EXPECT_EQ(world.event("AmbiguousSelector"), shared);
    for (const char* name : {"g", "h"}) EXPECT_EQ(condition_of(last_status(world, name), "ScalingActive"), "False AmbiguousSelector: " + shared);
    world.server.remove(autoscaler_named("g"));
    co_await testing::pass(std::chrono::seconds(15));
    EXPECT_TRUE(condition_of(last_status(world), "ScalingActive").starts_with("True ValidMetricFound")) << "the other has gone";
  });
}

// What each metric asks for, and the size that comes of it.
void check_metric(const std::string& metric, const std::map<std::string, std::string>& documents, const std::string& question, int64_t size,
                  const std::string& failure = "") {
  testing::in_world([=](World& world) -> rt::Task<void> {
    for (const auto& [path, text] : documents) world.server.documents[path] = text;
    co_await start_with_two_pods(world, 2, metric);
    co_await testing::pass(std::chrono::seconds(16));
    EXPECT_EQ(question.empty() ? 1 : asked_of(world, question), 1u) << question;
    EXPECT_EQ(sizes_written(world), size == 0 ? std::vector<int64_t>() : std::vector<int64_t>{size});
    if (failure.empty()) co_return;
    EXPECT_EQ(condition_of(last_status(world), "ScalingActive"), failure);
  });
}
std::string custom_group(const std::string& versions, const std::string& preferred) {
  return R"({"name":"custom.metrics.k8s.io","versions":[)" + versions + R"(],"preferredVersion":{"version":")" + preferred + R"("}})";
}

TEST(AutoscalerController, CustomAndExternalMetrics) {
  const std::string pods =
      "{type: Pods, pods: {metric: {name: qps, selector: {matchLabels: {verb: get}}}, target: {type: AverageValue, averageValue: 10}}}";
  const std::string of_pods = R"({"items":[{"describedObject":{"name":"a"},"value":"20"},{"describedObject":{"name":"b"},"value":"20"}]})";
  const std::string custom = "/apis/custom.metrics.k8s.io";
  const std::string both = R"({"version":"v1beta1"},{"version":"v1beta2"})";
  check_metric(pods, {{custom, custom_group(both, "v1beta2")}, {custom + "/v1beta2/namespaces/default/pods/*/qps", of_pods}},
               custom + "/v1beta2/namespaces/default/pods/*/qps?labelSelector=app%3Dweb&metricLabelSelector=verb%3Dget", 4);
  check_metric(pods, {{custom, custom_group(R"({"version":"v1beta1"})", "v1beta1")}, {custom + "/v1beta1/namespaces/default/pods/*/qps", of_pods}},
               custom + "/v1beta1/namespaces/default/pods/*/qps", 4);
  const std::string lost =
      "False FailedGetPodsMetric: the HPA was unable to compute the replica count: unable to get metric qps: unable to fetch metrics "
      "from custom metrics API: ";
  check_metric(pods, {}, "", 0, lost + "no custom metrics API (custom.metrics.k8s.io) registered");
  check_metric(pods, {{custom, custom_group(R"({"version":"v9"})", "v9")}}, "", 0, lost + "no known available metric versions found");
  check_metric(pods, {{custom, custom_group(both, "v1beta2")}}, "", 0,
               lost + "the server could not find the requested resource (get pods.custom.metrics.k8s.io *)");

  const auto object = [](const std::string& described) {
    return "{type: Object, object: {metric: {name: hits}, describedObject: {" + described + "}, target: {type: Value, value: 10}}}";
  };
  const std::string deployment = object("kind: Deployment, name: front, apiVersion: apps/v1");
  const std::string one = R"({"items":[{"value":"20"}]})", front = custom + "/v1beta2/namespaces/default/deployments.apps/front/hits";
  check_metric(deployment, {{custom, custom_group(both, "v1beta2")}, {front, one}}, front, 4);
  check_metric(
      deployment, {{custom, custom_group(both, "v1beta2")}, {front, R"({"items":[]})"}}, front, 0,
      "False FailedGetObjectMetric: the HPA was unable to compute the replica count: unable to get metric hits: Deployment on default front/unable "
      "to fetch metrics from custom metrics API: the custom metrics API server returned 0 results when we asked for exactly one");
  check_metric(object("kind: Namespace, name: other, apiVersion: v1"),
               {{custom, custom_group(both, "v1beta2")}, {custom + "/v1beta2/namespaces/default/metrics/hits", one}},
               custom + "/v1beta2/namespaces/default/metrics/hits", 4);

  const std::string external =
      "{type: External, external: {metric: {name: queue, selector: {matchLabels: {q: jobs}}}, target: {type: Value, value: 10}}}";
  const std::string queue = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue";
  check_metric(external, {{queue, R"({"items":[{"value":"15"},{"value":"5"}]})"}}, queue + "?labelSelector=q%3Djobs", 4);
}

}  // namespace
}  // namespace pintle::controller::horizontal_pod_autoscaler

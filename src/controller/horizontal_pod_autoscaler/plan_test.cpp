#include "controller/horizontal_pod_autoscaler/plan.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "codec/json.h"
#include "controller/testing/text_objects.h"
#include "rules/conditions.h"

namespace pintle::controller::horizontal_pod_autoscaler {
namespace {

using namespace testing;

constexpr rt::TimePoint at{std::chrono::seconds(1'000'000)};

HorizontalPodAutoscaler autoscaler_of(const std::string& spec, const std::string& status = "{}") {
  auto out = from_yaml<HorizontalPodAutoscaler>("{metadata: {name: h, namespace: ns}, spec: " + spec + ", status: " + status + "}");
  return out;
}

// What was read for each metric, with ';' between them: "a=100 b=200" of pods, "7000" a value, "!why" an error.
std::vector<Result<Measured>> measured_of(const std::string& text) {
  std::vector<Result<Measured>> out;
  for (const std::string& one : split(text, ';')) {
    if (one.starts_with('!')) {
      out.push_back(bad_request(one.substr(1)));
      continue;
    }
    Measured measured;
    for (const std::string& part : split(one, ' ')) {
      const auto equals = part.find('=');
      if (equals == part.npos)
        measured.values.push_back(std::stoll(part));
      else
        measured.pods[part.substr(0, equals)] = {plan_time, {}, std::stoll(part.substr(equals + 1))};
    }
    out.push_back(std::move(measured));
  }
  return out;
}

struct Case {
  std::string spec;
  int32_t replicas = 0;
  std::string pods;
  std::string measured;
  std::string status = "{}";
  Settings settings = {};
  const Refusal* refusal = nullptr;
  History history = {{{at - std::chrono::hours(1), 0}}, {}, {}};  // it has looked before, beyond any window
  std::string write_error = "";                                   // of the scale
};
Plan plan_of(const Case& c) {
  const auto autoscaler = autoscaler_of(c.spec, c.status);
  const auto pods = pods_of(c.pods);
  const auto measured = measured_of(c.measured);
  const Workload workload{pods, c.replicas, c.replicas};
  const Observed seen{autoscaler, workload, c.refusal, measured, c.settings, at, plan_time};
  Plan plan = plan_autoscaler(seen, c.history);
  if (!plan.rescale) return plan;
  const Result<Unit> outcome = c.write_error.empty() ? Result<Unit>(Unit{}) : Result<Unit>(error(Reason::Conflict, c.write_error));
  return conclude_rescale(std::move(plan), seen, outcome);
}
// "current->desired", the reasons of conditions (with ! where they are False), and the events' reasons and messages.
std::string text_of(const Plan& plan) {
  Words out;
  out.add(std::to_string(plan.status.current_replicas) + "->" + std::to_string(plan.status.desired_replicas));
  for (const auto& condition : plan.status.conditions) out.add((condition.status == "True" ? "" : "!") + condition.reason);
  for (const Event& event : plan.events) out.add("[" + event.reason + (event.warning ? "! " : " ") + event.message + "]");
  return out.text();
}
void check(const Case& c, const std::string& want) { EXPECT_EQ(text_of(plan_of(c)), want) << c.spec << " with " << c.replicas; }

std::string cpu(const std::string& more = "") {
  return "{minReplicas: 2, maxReplicas: 10, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]" +
         more + "}";
}
const std::string two_pods = "a ready started=5000 request=c:cpu:1, b ready started=5000 request=c:cpu:1";
const std::string three_pods = two_pods + ", c ready started=5000 request=c:cpu:1";
std::string metric(const std::string& metrics) { return "{minReplicas: 1, maxReplicas: 10, metrics: [" + metrics + "]}"; }
std::string condition_message(const Plan& plan, std::string_view type) {
  const auto* found = rules::find_condition(plan.status.conditions, type);
  return found == nullptr ? "none" : found->message;
}
std::string metrics_text(const Plan& plan) {
  std::string out;
  for (const MetricStatus& status : plan.status.current_metrics) {
    if (!out.empty()) out += " ";
    api::encode_json(api::type_of<MetricStatus>(), &status, out);
  }
  return out;
}

TEST(AutoscalerPlan, GrowsAndShrinks) {
  check({cpu(), 3, three_pods, "a=900 b=900 c=900"},
        "3->6 SucceededRescale ValidMetricFound !DesiredWithinRange [SuccessfulRescale New size: 6; reason: cpu resource utilization (percentage of "
        "request) above target]");
  check({cpu(), 3, three_pods, "a=100 b=100 c=100"},
        "3->2 SucceededRescale ValidMetricFound TooFewReplicas [SuccessfulRescale New size: 2; reason: All metrics below target]");
  check({cpu(), 3, three_pods, "a=500 b=500 c=500"}, "3->3 ReadyForNewScale ValidMetricFound !DesiredWithinRange");
  check({cpu(), 3, three_pods, "a=9000 b=9000 c=9000"},
        "3->6 SucceededRescale ValidMetricFound ScaleUpLimit [SuccessfulRescale New size: 6; reason: cpu resource utilization (percentage of "
        "request) above target]");
}

TEST(AutoscalerPlan, TheFirstLookShrinksNothing) {
  Case first{cpu(), 3, three_pods, "a=100 b=100 c=100"};
  first.history = {};
  check(first, "3->3 ScaleDownStabilized ValidMetricFound !DesiredWithinRange");
  first.measured = "a=900 b=900 c=900";
  EXPECT_EQ(plan_of(first).status.desired_replicas, 6);
}

TEST(AutoscalerPlan, TellsOfScaling) {
  const Plan plan = plan_of({cpu(), 3, three_pods, "a=900 b=900 c=900", "{desiredReplicas: 3, lastScaleTime: '1970-01-01T00:00:01Z'}"});
  EXPECT_EQ(plan.status.last_scale_time, ago(0));
  EXPECT_FALSE(plan.status.observed_generation) << "upstream writes none";
  EXPECT_EQ(metrics_text(plan), R"({"type":"Resource","resource":{"name":"cpu","current":{"averageValue":"900m","averageUtilization":90}}})");
  EXPECT_EQ(condition_message(plan, "AbleToScale"), "the HPA controller was able to update the target scale to 6");
  EXPECT_EQ(condition_message(plan, "ScalingActive"),
            "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)");
  EXPECT_EQ(condition_message(plan, "ScalingLimited"), "the desired count is within the acceptable range");
  const Plan still = plan_of({cpu(), 3, three_pods, "a=500 b=500 c=500", "{desiredReplicas: 9, lastScaleTime: '1970-01-01T00:00:01Z'}"});
  EXPECT_EQ(still.status.last_scale_time->seconds, 1);
  EXPECT_EQ(still.status.desired_replicas, 3);
}

TEST(AutoscalerPlan, AScaleThatCannotBeWritten) {
  Case refused{cpu(), 3, three_pods, "a=900 b=900 c=900", "{desiredReplicas: 4}"};
  refused.write_error = "no";
  check(refused,
        "3->4 !FailedUpdateScale ValidMetricFound !DesiredWithinRange [FailedRescale! New size: 6; reason: cpu resource utilization (percentage of "
        "request) above target; error: no]");
  EXPECT_EQ(condition_message(plan_of(refused), "AbleToScale"), "the HPA controller was unable to update the target scale: no");
  EXPECT_FALSE(plan_of(refused).status.last_scale_time);
}

TEST(AutoscalerPlan, OutOfItsBounds) {
  check({cpu(), 11, "", ""}, "11->10 SucceededRescale [SuccessfulRescale New size: 10; reason: Current number of replicas above Spec.MaxReplicas]");
  check({cpu(), 1, "", ""}, "1->2 SucceededRescale [SuccessfulRescale New size: 2; reason: Current number of replicas below Spec.MinReplicas]");
  check({cpu(), 0, "", ""}, "0->0 SucceededGetScale !ScalingDisabled");
  EXPECT_EQ(condition_message(plan_of({cpu(), 0, "", ""}), "ScalingActive"), "scaling is disabled since the replica count of the target is zero");
  for (const int32_t replicas : {0, 1, 11}) EXPECT_FALSE(needs_metrics(autoscaler_of(cpu()), replicas, {})) << replicas;
  for (const int32_t replicas : {2, 10}) EXPECT_TRUE(needs_metrics(autoscaler_of(cpu()), replicas, {})) << replicas;
}

TEST(AutoscalerPlan, WithoutFigures) {
  const std::string why = "unable to fetch metrics from resource metrics API: no";
  const std::string inner = "failed to get cpu utilization: unable to get metrics for resource cpu: " + why;
  check({cpu(), 3, three_pods, "!" + why, "{desiredReplicas: 4}"},
        "3->4 SucceededGetScale !FailedGetResourceMetric [FailedGetResourceMetric! " + inner +
            "] [FailedComputeMetricsReplicas! invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: " +
            inner + "]");
  const Plan plan = plan_of({cpu(), 3, three_pods, "!" + why});
  EXPECT_EQ(condition_message(plan, "ScalingActive"), "the HPA was unable to compute the replica count: " + inner);
  EXPECT_EQ(metrics_text(plan), R"({"type":""})");
}

// Of several metrics the one that asks for most counts; what cannot be read may only keep the number from falling.
TEST(AutoscalerPlan, SeveralMetrics) {
  const std::string both = metric(
      "{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 500m}}}, "
      "{type: External, external: {metric: {name: queue}, target: {type: Value, value: 10}}}");
  check({both, 2, two_pods, "a=1000 b=1000; 30000"},
        "2->4 SucceededRescale ValidMetricFound ScaleUpLimit [SuccessfulRescale New size: 4; reason: external metric queue(nil) above target]");
  check({both, 2, two_pods, "a=1000 b=1000; 9500"},
        "2->4 SucceededRescale ValidMetricFound !DesiredWithinRange [SuccessfulRescale New size: 4; reason: cpu resource above target]");
  const std::string lost = "[FailedGetExternalMetric! unable to get external metric ns/queue/nil: gone]";
  check({both, 2, two_pods, "a=1000 b=1000; !gone"},
        "2->4 SucceededRescale ValidMetricFound !DesiredWithinRange " + lost + " [SuccessfulRescale New size: 4; reason: cpu resource above target]");
  check({both, 2, two_pods, "a=100 b=100; !gone"},
        "2->0 SucceededGetScale !FailedGetExternalMetric " + lost +
            " [FailedComputeMetricsReplicas! invalid metrics (1 invalid out of 2), first error is: failed to get queue external metric value: failed "
            "to get external metric queue: unable to get external metric ns/queue/nil: gone]");
}

// The proposal's name or the failure, and the status.
void check_rule(const std::string& spec, const std::string& measured, const std::string& want, const std::string& status) {
  const auto pods = pods_of(two_pods);
  const auto read = measured_of(measured);
  CountRules rules;
  rules.now = plan_time;
  const Ruling ruling = rule_on(from_yaml<MetricSpec>(spec), "n", read[0], {pods, 2, 2}, rules);
  std::string json;
  if (ruling.proposal) api::encode_json(api::type_of<MetricStatus>(), &ruling.status, json);
  EXPECT_EQ(ruling.proposal ? std::to_string(ruling.proposal->replicas) + " " + ruling.name : ruling.failure.reason + ": " + ruling.failure.message,
            want)
      << spec;
  EXPECT_EQ(json, ruling.proposal ? status : "") << spec;
  EXPECT_EQ(ruling.proposal ? status : ruling.proposal.error().message, status) << spec;
}

TEST(AutoscalerPlan, ResourceMetrics) {
  check_rule("{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Mi}}}", "a=2097152000 b=2097152000",
             "4 memory resource", R"({"type":"Resource","resource":{"name":"memory","current":{"averageValue":"2Mi"}}})");
  check_rule("{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1k}}}", "a=1536000 b=1536000", "4 memory resource",
             R"({"type":"Resource","resource":{"name":"memory","current":{"averageValue":"1536"}}})");
  check_rule(
      "{type: ContainerResource, containerResource: {name: cpu, container: c, target: {type: Utilization, averageUtilization: 50}}}", "a=1000 b=1000",
      "4 cpu container resource utilization (percentage of request)",
      R"({"type":"ContainerResource","containerResource":{"name":"cpu","current":{"averageValue":"1","averageUtilization":100},"container":"c"}})");
  check_rule("{type: ContainerResource, containerResource: {name: cpu, container: d, target: {type: Utilization, averageUtilization: 50}}}",
             "a=1000 b=1000", "FailedGetContainerResourceMetric: failed to get cpu utilization: container d not found in Pod a",
             "failed to get d container metric value: failed to get cpu utilization: container d not found in Pod a");
  check_rule("{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 1}}}", "!why",
             "FailedGetResourceMetric: failed to get cpu usage: unable to get metrics for resource cpu: why",
             "failed to get cpu resource metric value: failed to get cpu usage: unable to get metrics for resource cpu: why");
  const std::string neither = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
  check_rule("{type: Resource, resource: {name: cpu, target: {type: Value, value: 1}}}", "a=1", "FailedGetResourceMetric: " + neither,
             "failed to get cpu resource metric value: " + neither);
}

TEST(AutoscalerPlan, OtherMetrics) {
  check_rule("{type: Pods, pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: 10}}}", "a=20000 b=20000", "4 pods metric qps",
             R"({"type":"Pods","pods":{"metric":{"name":"qps"},"current":{"averageValue":"20"}}})");
  check_rule("{type: Pods, pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: 10}}}", "!why",
             "FailedGetPodsMetric: unable to get metric qps: why", "failed to get pods metric value: unable to get metric qps: why");
  const std::string object =
      "{type: Object, object: {metric: {name: hits}, describedObject: {kind: Ingress, name: i, apiVersion: networking.k8s.io/v1}, ";
  const std::string described = R"("describedObject":{"kind":"Ingress","name":"i","apiVersion":"networking.k8s.io/v1"}}})";
  check_rule(object + "target: {type: Value, value: 10}}}", "20000", "4 Ingress metric hits",
             R"({"type":"Object","object":{"metric":{"name":"hits"},"current":{"value":"20"},)" + described);
  check_rule(object + "target: {type: AverageValue, averageValue: 10}}}", "60000", "6 external metric hits(nil)",
             R"({"type":"Object","object":{"metric":{"name":"hits"},"current":{"averageValue":"30"},)" + described);
  check_rule(object + "target: {type: Value, value: 10}}}", "!why", "FailedGetObjectMetric: unable to get metric hits: Ingress on n i/why",
             "failed to get object metric value: unable to get metric hits: Ingress on n i/why");
  check_rule(object + "target: {type: AverageValue, averageValue: 10}}}", "!why",
             "FailedGetObjectMetric: unable to get metric hits: Ingress on n i/why",
             "failed to get object metric value: failed to get hits object metric: unable to get metric hits: Ingress on n i/why");
  const std::string external = "{type: External, external: {metric: {name: queue, selector: {matchLabels: {q: jobs}}}, ";
  const std::string series = "&LabelSelector{MatchLabels:map[string]string{q: jobs,},MatchExpressions:[]LabelSelectorRequirement{},}";
  const std::string identifier = R"({"type":"External","external":{"metric":{"name":"queue","selector":{"matchLabels":{"q":"jobs"}}},)";
  check_rule(external + "target: {type: Value, value: 10}}}", "15000 5000", "4 external metric queue(" + series + ")",
             identifier + R"("current":{"value":"20"}}})");
  check_rule(external + "target: {type: AverageValue, averageValue: 10}}}", "60000", "6 external metric queue(" + series + ")",
             identifier + R"("current":{"averageValue":"30"}}})");
  check_rule(
      external + "target: {type: AverageValue, averageValue: 10}}}", "!why",
      "FailedGetExternalMetric: unable to get external metric n/queue/" + series + ": why",
      "failed to get queue external metric value: failed to get queue external metric: unable to get external metric n/queue/" + series + ": why");
  check_rule("{type: Odd}", "1", "InvalidMetricSourceType: unknown metric source type \"Odd\"", "unknown metric source type \"Odd\"");
}

TEST(AutoscalerPlan, SelectorsThatCannotBeScaledBy) {
  const auto refused = [](const Refusal& refusal, const std::string& want, const std::string& message) {
    Case c{cpu(), 3, "", "", "{desiredReplicas: 4}"};
    c.refusal = &refusal;
    check(c, want);
    EXPECT_EQ(condition_message(plan_of(c), "ScalingActive"), message);
  };
  refused(no_selector(),
          "3->4 SucceededGetScale !InvalidSelector [SelectorRequired! selector is required] [FailedComputeMetricsReplicas! selector is required]",
          "the HPA target's scale is missing a selector");
  const std::string bad = "couldn't convert selector into a corresponding internal selector object: why";
  refused(bad_selector({Reason::BadRequest, 0, "why", {}}),
          "3->4 SucceededGetScale !InvalidSelector [InvalidSelector! " + bad + "] [FailedComputeMetricsReplicas! " + bad + "]", bad);
  const std::string shared = "pods by selector app=web are controlled by multiple HPAs: [n/a n/b]";
  const std::vector<std::string> keys{"n/a", "n/b"};
  refused(shared_selector("app=web", keys),
          "3->4 SucceededGetScale !AmbiguousSelector [AmbiguousSelector! " + shared + "] [FailedComputeMetricsReplicas! " + shared + "]", shared);
}

TEST(AutoscalerPlan, Tolerances) {
  const std::string own = cpu(", behavior: {scaleUp: {tolerance: 50m}, scaleDown: {tolerance: 400m, stabilizationWindowSeconds: 0}}");
  Settings settings;
  const auto size = [&](int32_t each) {
    const std::string amount = std::to_string(each);
    return plan_of({own, 3, three_pods, "a=" + amount + " b=" + amount + " c=" + amount, "{}", settings}).status.desired_replicas;
  };
  EXPECT_EQ(size(530), 4);
  EXPECT_EQ(size(520), 3);
  EXPECT_EQ(size(310), 3);
  EXPECT_EQ(size(290), 2);
  settings.configurable_tolerance = false;
  EXPECT_EQ(size(530), 3);
  EXPECT_EQ(size(310), 2);
  settings.tolerance = 0.01;
  EXPECT_EQ(size(530), 4);
}

TEST(AutoscalerPlan, RemembersScalingsOfABehavior) {
  const std::string slow = cpu(", behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 60}]}, scaleDown: {}}");
  Plan first = plan_of({slow, 3, three_pods, "a=900 b=900 c=900"});
  EXPECT_EQ(first.status.desired_replicas, 4);
  ASSERT_EQ(first.history.grown.size(), 1u);
  Case second{slow, 4, three_pods, "a=900 b=900 c=900"};
  second.history = first.history;
  check(second, "4->4 ReadyForNewScale ValidMetricFound ScaleUpLimit");
  EXPECT_TRUE(plan_of({cpu(), 3, three_pods, "a=900 b=900 c=900"}).history.grown.empty());
}

TEST(AutoscalerPlan, ScalesToZero) {
  const std::string queue =
      "{minReplicas: 0, maxReplicas: 10, metrics: [{type: External, external: {metric: {name: queue}, target: {type: Value, value: 10}}}]}";
  const std::string zero = "{conditions: [{type: ScaledToZero, status: 'True', reason: ScaledToZero}]}";
  Settings settings;
  settings.scale_to_zero = true;
  check({queue, 2, two_pods, "0", "{}", settings},
        "2->0 SucceededRescale ValidMetricFound !DesiredWithinRange ScaledToZero [SuccessfulRescale New size: 0; reason: All metrics below target]");
  check({queue, 0, "", "25000", zero, settings},
        "0->3 !NotScaledToZero SucceededRescale ValidMetricFound !DesiredWithinRange [SuccessfulRescale New size: 3; reason: external metric "
        "queue(nil) "
        "above target]");
  check({queue, 0, "", "0", zero, settings}, "0->0 ScaledToZero ReadyForNewScale ValidMetricFound !DesiredWithinRange");
  check({queue, 0, "", "", "{}", settings}, "0->0 SucceededGetScale !ScalingDisabled");  // somebody else put it there
  settings.scale_to_zero = false;
  check({queue, 0, "", "", zero, settings}, "0->0 SucceededGetScale !ScalingDisabled");
  // The least was raised meanwhile.
  settings.scale_to_zero = true;
  const std::string raised =
      "{minReplicas: 2, maxReplicas: 10, metrics: [{type: External, external: {metric: {name: queue}, target: {type: Value, value: 10}}}]}";
  check({raised, 0, "", "0", zero, settings},
        "0->2 !NotScaledToZero SucceededRescale ValidMetricFound TooFewReplicas [SuccessfulRescale New size: 2; reason: ]");
}

TEST(AutoscalerPlan, ATargetThatIsNotThere) {
  const auto autoscaler = autoscaler_of(cpu(),
                                        "{currentReplicas: 3, desiredReplicas: 4, conditions: [{type: AbleToScale, status: 'True', "
                                        "lastTransitionTime: '1970-01-01T00:00:01Z'}]}");
  const Plan plan = plan_unreachable(autoscaler, {Reason::NotFound, 0, "gone", {}}, plan_time);
  EXPECT_EQ(text_of(plan), "3->4 !FailedGetScale [FailedGetScale! gone]");
  EXPECT_EQ(condition_message(plan, "AbleToScale"), "the HPA controller was unable to get the target's current scale: gone");
  EXPECT_EQ(plan.status.conditions[0].last_transition_time, ago(0));
}

}  // namespace
}  // namespace pintle::controller::horizontal_pod_autoscaler

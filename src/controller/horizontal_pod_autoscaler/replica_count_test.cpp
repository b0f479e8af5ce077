#include "controller/horizontal_pod_autoscaler/replica_count.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::horizontal_pod_autoscaler {
namespace {

using namespace testing;

constexpr const char* no_metrics = "error: did not receive metrics for targeted pods (pods might be unready)";
constexpr const char* no_pods = "error: no pods returned by selector while calculating replica count";

// "a=100@10/30": of pod a 100 thousandths, taken 10 seconds ago over 30 seconds; without: now, over none.
PodSamples samples_of(std::string_view text) {
  PodSamples out;
  for (const std::string& one : split(text, ',')) {
    const auto equals = one.find('='), at = one.find('@'), slash = one.find('/');
    Sample sample{plan_time, {}, std::stoll(one.substr(equals + 1))};
    if (at != one.npos) sample.time = plan_time - std::chrono::seconds(std::stoll(one.substr(at + 1)));
    if (slash != one.npos) sample.window = std::chrono::seconds(std::stoll(one.substr(slash + 1)));
    out[one.substr(0, equals)] = sample;
  }
  return out;
}
CountRules rules_now() {
  CountRules out;
  out.now = plan_time;
  return out;
}
// Pods that have run long; "a" is "a ready started=5000 request=c:cpu:1".
std::vector<pods::PodPtr> long_running(std::string_view text) {
  std::string full;
  for (const std::string& one : split(text, ',')) {
    full += one;
    bool has_state = false;
    for (const char* state : {"ready", "pending", "running", "failed"}) has_state = has_state || one.contains(state);
    if (!has_state) full += " ready";
    if (!one.contains("started=")) full += " started=5000";
    if (!one.contains("request=")) full += " request=c:cpu:1";
    full += ",";
  }
  return pods_of(full);
}
std::string text_of(const Result<Proposal>& proposal) {
  if (!proposal) return "error: " + proposal.error().message;
  std::string out = std::to_string(proposal->replicas) + " at ";
  if (proposal->utilization) out += std::to_string(*proposal->utilization) + "% ";
  return out + std::to_string(proposal->milli) + "m";
}
Workload workload_of(const std::vector<pods::PodPtr>& pods) { return {pods, static_cast<int32_t>(pods.size()), static_cast<int32_t>(pods.size())}; }

void check_percent(const std::string& pods, const std::string& samples, int32_t target, const std::string& want, const std::string& container = "") {
  const auto listed = long_running(pods);
  EXPECT_EQ(text_of(count_by_utilization(workload_of(listed), samples_of(samples), "cpu", container, target, rules_now())), want)
      << pods << " with " << samples << " to " << target << "%";
}
void check_average(const std::string& pods, const std::string& samples, int64_t target, const std::string& want) {
  const auto listed = long_running(pods);
  EXPECT_EQ(text_of(count_by_average(workload_of(listed), samples_of(samples), "", target, rules_now())), want) << pods << " with " << samples;
}
void check_value(const std::string& pods, int32_t wanted, int64_t value, int64_t target, const std::string& want) {
  const auto listed = long_running(pods);
  EXPECT_EQ(text_of(count_by_value({listed, wanted, wanted}, value, target, rules_now())), want) << pods << " " << value << " to " << target;
}
void check_per_pod(int32_t actual, int64_t value, int64_t target, const std::string& want) {
  EXPECT_EQ(text_of(count_by_value_per_pod({{}, actual, actual}, value, target, rules_now())), want) << actual << " " << value << " to " << target;
}

TEST(ReplicaCount, ByUtilization) {
  check_percent("a, b, c", "a=300, b=500, c=700", 30, "5 at 50% 500m");
  check_percent("a, b, c", "a=100, b=100, c=100", 50, "1 at 10% 100m");
  check_percent("a, b, c", "a=320, b=320, c=320", 30, "3 at 32% 320m");  // within the tolerance
  check_percent("a, b, c", "a=280, b=280, c=280", 30, "3 at 28% 280m");
  check_percent("a, b, c", "a=0, b=0, c=0", 50, "0 at 0% 0m");
  check_percent("a request=c:cpu:500m, b request=c:cpu:1500m", "a=500, b=500", 25, "4 at 50% 500m");  // shares of all requests, not of each
}

TEST(ReplicaCount, PodsWithoutAFigure) {
  check_percent("a, b, c", "a=100, b=100", 50, "3 at 10% 100m");   // c counts as its whole request: 40 %
  check_percent("a, b, c", "a=100, b=100", 120, "2 at 10% 100m");  // and as the target, where that is more
  check_percent("a, b, c", "a=900, b=900", 50, "4 at 90% 900m");   // as nothing: 60 %
  check_percent("a, b, c", "a=600", 50, "3 at 60% 600m");          // which would turn it round
  check_percent("a, b, c", "a=400, b=600", 50, "3 at 50% 500m");
  check_percent("a, b, c", "", 50, no_metrics);
  check_percent("", "a=100", 50, no_pods);
  check_percent("a", "stranger=100", 50, "error: no metrics returned matched known pods");
  check_percent("a, b, c, d, e", "a=100, b=100, c=100, d=100", 20, "5 at 10% 100m");  // 28 %: the other way
  check_average("a, b, c", "a=1000, b=1000", 5000, "2 at 1000m");                     // c counts as the target: 2333m
  check_average("a, b, c", "a=9000, b=9000", 5000, "4 at 9000m");
}

TEST(ReplicaCount, PodsThatAreNotReady) {
  check_percent("a, b, c pending", "a=900, b=900", 50, "4 at 90% 900m");
  check_percent("a, b, c pending", "a=100, b=100", 50, "1 at 10% 100m");  // shrinking, they do not count at all
  check_percent("a, b, c unready=10 started=20", "a=900, b=900, c=900", 50, "4 at 90% 900m");
  check_percent("a pending, b pending", "", 50, no_metrics);
  check_average("a, b, c unready=10 started=20", "a=9000, b=9000, c=9000", 5000, "6 at 9000m");  // what is no cpu counts from the start
}

TEST(ReplicaCount, PodsThatEnd) {
  check_percent("a, b, c ready deleted", "a=900, b=900, c=900", 50, "4 at 90% 900m");
  check_percent("a, b, c failed", "a=900, b=900, c=900", 50, "4 at 90% 900m");
  check_percent("a failed", "a=900", 50, no_metrics);
}

// Whether the cpu figure of a pod counts.
void check_starting(const std::string& pod, const std::string& sample, bool counts) {
  const auto listed = pods_of(pod + " request=c:cpu:1");
  const auto counted = count_by_utilization(workload_of(listed), samples_of(sample), "cpu", "", 50, rules_now());
  EXPECT_EQ(text_of(counted), counts ? "1 at 50% 500m" : no_metrics) << pod << " with " << sample;
  const auto average = count_by_average(workload_of(listed), samples_of(sample), "memory", 500, rules_now());
  EXPECT_EQ(text_of(average), "1 at 500m") << pod << " with " << sample;
}

TEST(ReplicaCount, CpuOfPodsThatStart) {
  check_starting("a started=100 ready=50", "a=500@10/30", true);
  check_starting("a started=100 ready=50", "a=500@30/30", false);  // its window began before it was ready
  check_starting("a started=100 unready=5", "a=500@0/0", false);
  check_starting("a started=1000 unready=500", "a=500@0/0", true);   // it was ready once
  check_starting("a started=1000 unready=990", "a=500@0/0", false);  // it never was
  check_starting("a started=1000 ready=10", "a=500@30/30", true);
  check_starting("a ready=10", "a=500@0/0", false);
  check_starting("a running started=1000", "a=500@0/0", false);
}

TEST(ReplicaCount, Requests) {
  const std::string two = "a request=c:cpu:1 request=d:cpu:3";
  check_percent(two, "a=2000", 50, "1 at 50% 2000m");
  check_percent(two, "a=2000", 50, "4 at 200% 2000m", "c");
  check_percent(two, "a=2000", 50, "error: container e not found in Pod a", "e");
  check_percent("a, b request=c:memory:1", "a=500, b=500", 50, "error: missing request for cpu in container c of Pod b");
  check_percent("a, b failed request=c:memory:1", "a=500", 50, "error: missing request for cpu in container c of Pod b");
  check_percent("a request=c:cpu:0", "a=500", 50, "error: no metrics returned matched known pods");
}

TEST(ReplicaCount, RequestsOfThePodItself) {
  api::core_v1::Pod pod = *long_running("a")[0];
  pod.spec.resources.emplace().requests["cpu"] = api::Quantity::from_int(2);
  const std::vector<pods::PodPtr> listed{std::make_shared<const api::core_v1::Pod>(pod)};
  const auto counted = [&](bool on, std::string_view container) {
    CountRules rules = rules_now();
    rules.pod_level_resources = on;
    return text_of(count_by_utilization(workload_of(listed), samples_of("a=500"), "cpu", container, 25, rules));
  };
  EXPECT_EQ(counted(true, ""), "1 at 25% 500m");
  EXPECT_EQ(counted(true, "c"), "2 at 50% 500m");
  EXPECT_EQ(counted(false, ""), "2 at 50% 500m");
}

TEST(ReplicaCount, ByAverage) {
  check_average("a, b, c", "a=20000, b=20000, c=20000", 10000, "6 at 20000m");
  check_average("a, b, c", "a=10000, b=10000, c=12000", 10000, "3 at 10666m");
  check_average("a, b, c", "a=1000, b=1000, c=1000", 10000, "1 at 1000m");
  check_average("a", "a=20000, stranger=20000", 10000, "2 at 20000m");
}

TEST(ReplicaCount, ByValue) {
  check_value("a, b, c", 3, 20000, 10000, "6 at 20000m");
  check_value("a, b, c", 3, 10500, 10000, "3 at 10500m");
  check_value("a, b running", 2, 20000, 10000, "2 at 20000m");  // of the ready ones
  check_value("", 0, 2500, 1000, "3 at 2500m");                 // from nothing
  check_value("", 0, 0, 1000, "0 at 0m");
  check_value("", 3, 20000, 10000, "error: unable to calculate ready pods: no pods returned by selector while calculating replica count");
  check_per_pod(3, 6000, 1000, "6 at 2000m");
  check_per_pod(3, 3100, 1000, "3 at 1034m");
  check_per_pod(0, 5000, 1000, "5 at 5000m");
  check_per_pod(0, 0, 1000, "0 at 0m");
}

TEST(ReplicaCount, NumbersWithoutMeasure) {
  const std::string most = std::to_string(INT64_MAX);
  check_percent("a request=c:cpu:1m", "a=" + most, 50, "42949673 at 2147483647% " + most + "m");
  check_percent("a", "a=-500", 50, "-1 at -50% -500m");
  check_average("a, b", "a=" + most + ", b=" + most, 1, "2147483647 at " + most + "m");
  check_value("a", 1, INT64_MAX, 1, "2147483647 at " + most + "m");
  check_value("a", 1, INT64_MIN, 1, "-2147483648 at " + std::to_string(INT64_MIN) + "m");
  check_value("a", 1, 0, 0, "0 at 0m");
  check_per_pod(2, INT64_MAX, 1, "2147483647 at 4611686018427387904m");
}

}  // namespace
}  // namespace pintle::controller::horizontal_pod_autoscaler

#include "controller/horizontal_pod_autoscaler/replica_count.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "apimachinery/clock_time.h"
#include "rules/pod_resources.h"
#include "rules/pod_state.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

using api::core_v1::Container;
using api::core_v1::Pod;
using Requests = std::map<std::string, int64_t, std::less<>>;  // by pod, in thousandths

// A number of pods out of a computation: a fraction is a pod more; what is no number is none.
int32_t whole_pods(double count) {
  if (std::isnan(count)) return 0;
  return static_cast<int32_t>(std::clamp(std::ceil(count), static_cast<double>(std::numeric_limits<int32_t>::min()),
                                         static_cast<double>(std::numeric_limits<int32_t>::max())));
}

double ratio_of(int64_t value, int64_t target) { return static_cast<double>(value) / static_cast<double>(target); }

// A cpu figure that tells of the pod's start rather than of its work.
bool is_still_starting(const Pod& pod, const Sample& sample, const CountRules& rules) {
  const auto* ready = rules::ready_condition(pod);
  if (ready == nullptr || !pod.status.start_time) return true;
  const rt::WallTime started = apimachinery::to_wall_time(*pod.status.start_time);
  const rt::WallTime changed = apimachinery::to_wall_time(ready->last_transition_time);
  const bool unready = ready->status == "False";
  if (started + rules.cpu_initialization_period > rules.now) return unready || sample.time < changed + sample.window;
  return unready && started + rules.initial_readiness_delay > changed;  // it was never ready
}

struct Grouped {
  PodSamples samples;  // of pods that count
  int32_t counted = 0;
  std::vector<std::string> unready;
  std::vector<std::string> missing;  // they have no sample
};

// BadRequest where nothing can be said.
Result<Grouped> group(const Workload& workload, PodSamples samples, std::string_view resource, const CountRules& rules) {
  if (workload.pods.empty()) return bad_request("no pods returned by selector while calculating replica count");
  Grouped out;
  for (const pods::PodPtr& pod : workload.pods) {
    const std::string& name = pod->metadata.name;
    const auto sample = samples.find(name);
    if (pods::is_deleted(pod->metadata) || pod->status.phase == "Failed") {
      if (sample != samples.end()) samples.erase(sample);
    } else if (pod->status.phase == "Pending") {
      out.unready.push_back(name);
    } else if (sample == samples.end()) {
      out.missing.push_back(name);
    } else if (resource == "cpu" && is_still_starting(*pod, sample->second, rules)) {
      out.unready.push_back(name);
    } else {
      ++out.counted;
    }
  }
  for (const std::string& name : out.unready) samples.erase(name);
  if (samples.empty()) return bad_request("did not receive metrics for targeted pods (pods might be unready)");
  out.samples = std::move(samples);
  return out;
}

// What samples say together.
struct Usage {
  double ratio = 0;
  int64_t average_milli = 0;
  std::optional<int32_t> utilization;
};
struct Measure {
  std::function<Result<Usage>(const PodSamples&)> usage;
  std::function<int64_t(const std::string& pod)> as_it_should;  // the amount of a pod that uses what it should
};

Result<Proposal> propose(Grouped grouped, const Workload& workload, const CountRules& rules, const Measure& measure) {
  TRY_ASSIGN(const Usage first, measure.usage(grouped.samples));
  Proposal out{workload.wanted, first.average_milli, first.utilization};
  const bool grows_with_unready = !grouped.unready.empty() && first.ratio > 1.0;
  if (!grows_with_unready && grouped.missing.empty()) {
    if (!rules.tolerances.holds(first.ratio)) out.replicas = whole_pods(first.ratio * grouped.counted);
    return out;
  }
  if (first.ratio < 1.0)
    for (const std::string& pod : grouped.missing) grouped.samples[pod] = {{}, {}, measure.as_it_should(pod)};
  if (first.ratio > 1.0)
    for (const std::string& pod : grouped.missing) grouped.samples[pod] = {};
  if (grows_with_unready)
    for (const std::string& pod : grouped.unready) grouped.samples[pod] = {};
  TRY_ASSIGN(const Usage damped, measure.usage(grouped.samples));
  const bool turned = (first.ratio < 1.0 && damped.ratio > 1.0) || (first.ratio > 1.0 && damped.ratio < 1.0);
  if (turned || rules.tolerances.holds(damped.ratio)) return out;
  const int32_t replicas = whole_pods(damped.ratio * static_cast<double>(grouped.samples.size()));
  const bool against = (damped.ratio < 1.0 && replicas > workload.wanted) || (damped.ratio > 1.0 && replicas < workload.wanted);
  if (!against) out.replicas = replicas;
  return out;
}

Result<int64_t> container_requests(const Pod& pod, std::string_view resource, std::string_view container) {
  std::vector<const Container*> all;
  for (const Container& one : pod.spec.containers) all.push_back(&one);
  for (const Container& one : pod.spec.init_containers)
    if (rules::is_sidecar(one)) all.push_back(&one);
  int64_t sum = 0;
  for (const Container* one : all) {
    if (!container.empty() && one->name != container) continue;
    const api::Quantity* request = one->resources.requests.get(resource);
    if (request == nullptr)
      return bad_request("missing request for " + std::string(resource) + " in container " + one->name + " of Pod " + pod.metadata.name);
    sum = saturated_sum(sum, request->milli_value());
    if (!container.empty()) return sum;
  }
  if (!container.empty()) return bad_request("container " + std::string(container) + " not found in Pod " + pod.metadata.name);
  return sum;
}

Result<Requests> requests_of(const Workload& workload, std::string_view resource, std::string_view container, const CountRules& rules) {
  Requests out;
  for (const pods::PodPtr& pod : workload.pods) {
    int64_t milli = 0;
    if (rules.pod_level_resources && container.empty() && rules::has_pod_level_requests(pod->spec)) {
      const rules::ResourceList requests = rules::pod_requests(pod->spec);
      const api::Quantity* request = requests.get(resource);
      if (request == nullptr) return bad_request("missing pod-level request for " + std::string(resource) + " in Pod " + pod->metadata.name);
      milli = request->milli_value();
    } else {
      TRY_ASSIGN(milli, container_requests(*pod, resource, container));
    }
    out[pod->metadata.name] = milli;
  }
  return out;
}

int64_t clamped(__int128 value) {
  return static_cast<int64_t>(std::clamp<__int128>(value, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()));
}

Result<Usage> utilization_of(const PodSamples& samples, const Requests& requests, int32_t target_percent) {
  __int128 used = 0, requested = 0;
  int64_t count = 0;
  for (const auto& [pod, sample] : samples) {
    const auto request = requests.find(pod);
    if (request == requests.end()) continue;  // of a pod that is not the workload's
    used += sample.milli;
    requested += request->second;
    ++count;
  }
  if (requested == 0) return bad_request("no metrics returned matched known pods");
  const auto percent =
      static_cast<int32_t>(std::clamp<__int128>(used * 100 / requested, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  return Usage{ratio_of(percent, target_percent), clamped(used / count), percent};
}

Usage average_of(const PodSamples& samples, int64_t target_milli) {
  __int128 sum = 0;
  for (const auto& [pod, sample] : samples) sum += sample.milli;
  const int64_t average = clamped(sum / static_cast<int64_t>(samples.size()));
  return {ratio_of(average, target_milli), average, std::nullopt};
}

}  // namespace

Result<Proposal> count_by_utilization(const Workload& workload, PodSamples samples, std::string_view resource, std::string_view container,
                                      int32_t target_percent, const CountRules& rules) {
  TRY_ASSIGN(Grouped grouped, group(workload, std::move(samples), resource, rules));
  TRY_ASSIGN(const Requests requests, requests_of(workload, resource, container, rules));
  Measure measure;
  measure.usage = [&](const PodSamples& these) { return utilization_of(these, requests, target_percent); };
  // Shrinking, a pod without a figure uses all that it requests, or the target where that is more.
  measure.as_it_should = [&](const std::string& pod) { return clamped(__int128{requests.at(pod)} * std::max(100, target_percent) / 100); };
  return propose(std::move(grouped), workload, rules, measure);
}

Result<Proposal> count_by_average(const Workload& workload, PodSamples samples, std::string_view resource, int64_t target_milli,
                                  const CountRules& rules) {
  TRY_ASSIGN(Grouped grouped, group(workload, std::move(samples), resource, rules));
  Measure measure;
  measure.usage = [&](const PodSamples& these) -> Result<Usage> { return average_of(these, target_milli); };
  measure.as_it_should = [&](const std::string&) { return target_milli; };
  return propose(std::move(grouped), workload, rules, measure);
}

Result<Proposal> count_by_value(const Workload& workload, int64_t milli, int64_t target_milli, const CountRules& rules) {
  const double ratio = ratio_of(milli, target_milli);
  Proposal out{workload.wanted, milli, std::nullopt};
  if (workload.wanted == 0) {  // from nothing there are no pods to count on
    out.replicas = whole_pods(ratio);
    return out;
  }
  if (rules.tolerances.holds(ratio)) return out;
  if (workload.pods.empty()) return bad_request("unable to calculate ready pods: no pods returned by selector while calculating replica count");
  const auto ready =
      std::ranges::count_if(workload.pods, [](const pods::PodPtr& pod) { return pod->status.phase == "Running" && rules::is_ready(*pod); });
  out.replicas = whole_pods(ratio * static_cast<double>(ready));
  return out;
}

Proposal count_by_value_per_pod(const Workload& workload, int64_t milli, int64_t target_milli, const CountRules& rules) {
  const auto value = static_cast<double>(milli), target = static_cast<double>(target_milli);
  Proposal out{workload.actual, milli, std::nullopt};
  if (!rules.tolerances.holds(value / (target * workload.actual))) out.replicas = whole_pods(value / target);
  // Without pods the value is told as it is.
  if (workload.actual > 0) out.milli = clamped((__int128{milli} + (milli > 0 ? workload.actual - 1 : 0)) / workload.actual);
  return out;
}

}  // namespace pintle::controller::horizontal_pod_autoscaler

#include "controller/horizontal_pod_autoscaler/metric_rule.h"

#include <array>

#include "controller/objects/selector_text.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

using api::Quantity;
using api::autoscaling_v2::ExternalMetricSource;
using api::autoscaling_v2::MetricIdentifier;
using api::autoscaling_v2::MetricTarget;
using api::autoscaling_v2::MetricValueStatus;
using api::autoscaling_v2::ObjectMetricSource;
using api::autoscaling_v2::PodsMetricSource;

// What all of them look at.
struct Case {
  std::string_view namespace_name;
  const Result<Measured>& measured;
  const Workload& workload;
  const CountRules& rules;
};

// `inner`: what the event and the condition say; `outer`: what the summary of all metrics says.
Ruling failed(std::string_view reason, std::string inner, const std::string& outer) {
  Ruling out;
  out.proposal = bad_request(outer);
  out.failure = {true, std::string(reason), std::move(inner)};
  return out;
}

// Memory is told in powers of 1024 where that is exact, as the metrics server tells it; all else in decimal.
Quantity amount_of(std::string_view resource, int64_t milli) {
  constexpr std::array suffixes{"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  constexpr int64_t step = 1024;
  int64_t units = milli / 1000;
  if (resource != "memory" || milli % 1000 != 0 || units % step != 0 || units == 0) return Quantity::from_milli(milli);
  std::size_t power = 0;
  for (; units % step == 0 && power + 1 < suffixes.size(); ++power) units /= step;
  return Quantity::parse(std::to_string(units) + suffixes[power]).value_or(Quantity::from_milli(milli));
}

std::string series_name(const MetricIdentifier& metric) {
  return "external metric " + metric.name + "(" + objects::selector_text(metric.selector.get()) + ")";
}

struct Resource {
  const std::string& name;
  const MetricTarget& target;
  const std::string& container;  // "": the whole pod
};

// Error: what the event says.
Result<Proposal> count_resource(const Case& c, const Resource& resource) {
  const bool by_average = resource.target.average_value.has_value();
  if (!by_average && !resource.target.average_utilization)
    return bad_request("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set");
  const auto counted = [&]() -> Result<Proposal> {
    if (!c.measured) return bad_request("unable to get metrics for resource " + resource.name + ": " + c.measured.error().message);
    if (by_average) return count_by_average(c.workload, c.measured->pods, resource.name, resource.target.average_value->milli_value(), c.rules);
    return count_by_utilization(c.workload, c.measured->pods, resource.name, resource.container, *resource.target.average_utilization, c.rules);
  }();
  if (!counted) return bad_request("failed to get " + resource.name + (by_average ? " usage: " : " utilization: ") + counted.error().message);
  return counted;
}

Ruling rule_on_resource(const Case& c, const MetricSpec& spec) {
  const bool of_container = spec.type == "ContainerResource";
  static const std::string whole_pod;
  const Resource resource = of_container
                                ? Resource{spec.container_resource->name, spec.container_resource->target, spec.container_resource->container}
                                : Resource{spec.resource->name, spec.resource->target, whole_pod};
  const Result<Proposal> counted = count_resource(c, resource);
  if (!counted) {
    const std::string& why = counted.error().message;
    if (of_container)
      return failed("FailedGetContainerResourceMetric", why, "failed to get " + resource.container + " container metric value: " + why);
    return failed("FailedGetResourceMetric", why, "failed to get " + resource.name + " resource metric value: " + why);
  }
  Ruling out;
  out.proposal = counted;
  MetricValueStatus current;
  current.average_value = amount_of(resource.name, counted->milli);
  current.average_utilization = counted->utilization;
  out.name = resource.name;
  if (counted->utilization)
    out.name += of_container ? " container resource utilization (percentage of request)" : " resource utilization (percentage of request)";
  else
    out.name += " resource";
  out.status.type = spec.type;
  if (of_container) {
    auto& status = out.status.container_resource.emplace();
    status.name = resource.name;
    status.container = resource.container;
    status.current = std::move(current);
  } else {
    auto& status = out.status.resource.emplace();
    status.name = resource.name;
    status.current = std::move(current);
  }
  return out;
}

Ruling rule_on_pods(const Case& c, const PodsMetricSource& source) {
  const auto counted = [&]() -> Result<Proposal> {
    if (!c.measured) return bad_request("unable to get metric " + source.metric.name + ": " + c.measured.error().message);
    if (!source.target.average_value) return bad_request("invalid pods metric source: no average value target was set");
    return count_by_average(c.workload, c.measured->pods, "", source.target.average_value->milli_value(), c.rules);
  }();
  if (!counted) return failed("FailedGetPodsMetric", counted.error().message, "failed to get pods metric value: " + counted.error().message);
  Ruling out;
  out.proposal = counted;
  out.name = "pods metric " + source.metric.name;
  out.status.type = "Pods";
  auto& status = out.status.pods.emplace();
  status.metric = source.metric;
  status.current.average_value = Quantity::from_milli(counted->milli);
  return out;
}

Ruling rule_on_object(const Case& c, const ObjectMetricSource& source) {
  const std::string& metric = source.metric.name;
  const bool by_value = source.target.type == "Value" && source.target.value;
  const bool by_average = source.target.type == "AverageValue" && source.target.average_value;
  const auto counted = [&]() -> Result<Proposal> {
    if (!by_value && !by_average) return bad_request("invalid object metric source: neither a value target nor an average value target was set");
    if (!c.measured)  // upstream's words, in upstream's order
      return bad_request("unable to get metric " + metric + ": " + source.described_object.kind + " on " + std::string(c.namespace_name) + " " +
                         source.described_object.name + "/" + c.measured.error().message);
    const int64_t milli = c.measured->values.empty() ? 0 : c.measured->values.front();
    if (by_value) return count_by_value(c.workload, milli, source.target.value->milli_value(), c.rules);
    return count_by_value_per_pod(c.workload, milli, source.target.average_value->milli_value(), c.rules);
  }();
  if (!counted) {
    const std::string& why = counted.error().message;
    const std::string through = by_average ? "failed to get " + metric + " object metric: " : "";
    return failed("FailedGetObjectMetric", why, "failed to get object metric value: " + through + why);
  }
  Ruling out;
  out.proposal = counted;
  out.name = by_value ? source.described_object.kind + " metric " + metric : series_name(source.metric);
  out.status.type = "Object";
  auto& status = out.status.object.emplace();
  status.described_object = source.described_object;
  status.metric = source.metric;
  (by_value ? status.current.value : status.current.average_value) = Quantity::from_milli(counted->milli);
  return out;
}

Ruling rule_on_external(const Case& c, const ExternalMetricSource& source) {
  const std::string& metric = source.metric.name;
  const bool by_average = source.target.average_value.has_value(), by_value = !by_average && source.target.value;
  const auto counted = [&]() -> Result<Proposal> {
    if (!by_value && !by_average) return bad_request("invalid external metric source: neither a value target nor an average value target was set");
    if (!c.measured)
      return bad_request("unable to get external metric " + std::string(c.namespace_name) + "/" + metric + "/" +
                         objects::selector_text(source.metric.selector.get()) + ": " + c.measured.error().message);
    int64_t sum = 0;
    for (const int64_t value : c.measured->values) sum = saturated_sum(sum, value);
    if (by_average) return count_by_value_per_pod(c.workload, sum, source.target.average_value->milli_value(), c.rules);
    return count_by_value(c.workload, sum, source.target.value->milli_value(), c.rules);
  }();
  if (!counted) {
    const std::string& why = counted.error().message;
    std::string through;
    if (by_average) through = "failed to get " + metric + " external metric: ";
    if (by_value) through = "failed to get external metric " + metric + ": ";
    return failed("FailedGetExternalMetric", why, "failed to get " + metric + " external metric value: " + through + why);
  }
  Ruling out;
  out.proposal = counted;
  out.name = series_name(source.metric);
  out.status.type = "External";
  auto& status = out.status.external.emplace();
  status.metric = source.metric;
  (by_value ? status.current.value : status.current.average_value) = Quantity::from_milli(counted->milli);
  return out;
}

}  // namespace

Ruling rule_on(const MetricSpec& spec, std::string_view namespace_name, const Result<Measured>& measured, const Workload& workload,
               const CountRules& rules) {
  const Case c{namespace_name, measured, workload, rules};
  if ((spec.type == "Resource" && spec.resource) || (spec.type == "ContainerResource" && spec.container_resource)) return rule_on_resource(c, spec);
  if (spec.type == "Pods" && spec.pods) return rule_on_pods(c, *spec.pods);
  if (spec.type == "Object" && spec.object) return rule_on_object(c, *spec.object);
  if (spec.type == "External" && spec.external) return rule_on_external(c, *spec.external);
  const std::string why = "unknown metric source type \"" + spec.type + "\"";
  return failed("InvalidMetricSourceType", why, why);
}

}  // namespace pintle::controller::horizontal_pod_autoscaler

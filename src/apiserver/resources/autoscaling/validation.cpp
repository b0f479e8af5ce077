#include <algorithm>
#include <array>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/autoscaling/autoscaling.h"
#include "apiserver/resources/core/pod_spec.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace v2 = api::autoscaling_v2;

constexpr int32_t period_seconds_max = 1800;
constexpr int32_t window_seconds_max = 3600;
constexpr std::array<std::string_view, 5> metric_types{"ContainerResource", "External", "Object", "Pods", "Resource"};

template <class Reference>
void validate_target(const Reference& reference, const FieldPath& path, FieldErrors& errors) {
  const auto segment = [&](std::string_view field, const std::string& value) {
    if (value.empty()) {
      errors.required(path.child(field));
    } else {
      errors.invalid_all(path.child(field), value, apimachinery::check_path_segment_name(value));
    }
  };
  segment("kind", reference.kind);
  segment("name", reference.name);
  const std::string& version = reference.api_version;
  const auto slashes = std::count(version.begin(), version.end(), '/');
  const std::string group = slashes == 1 ? version.substr(0, version.find('/')) : std::string();
  const std::string name = slashes == 1 ? version.substr(version.find('/') + 1) : version;
  const bool good = !version.empty() && slashes <= 1 && (slashes == 0 || apimachinery::check_dns_subdomain(group).empty()) &&
                    apimachinery::check_dns1035_label(name).empty();
  if (!good) errors.invalid(path.child("apiVersion"), version, "must be a group and version such as apps/v1");
}

void validate_metric_target(const v2::MetricTarget& target, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> types{"AverageValue", "Utilization", "Value"};
  if (target.type.empty()) errors.required(path.child("type"), "must specify a metric target type");
  if (!contains(types, target.type)) errors.invalid(path.child("type"), target.type, "must be either Utilization, Value, or AverageValue");
  if (target.average_utilization && *target.average_utilization < 1)
    errors.invalid(path.child("averageUtilization"), *target.average_utilization, "must be greater than 0");
  if (target.value && target.value->sign() != 1) errors.invalid(path.child("value"), target.value->text(), "must be positive");
  if (target.average_value && target.average_value->sign() != 1)
    errors.invalid(path.child("averageValue"), target.average_value->text(), "must be positive");
}

void validate_identifier(const v2::MetricIdentifier& metric, const FieldPath& path, FieldErrors& errors) {
  if (metric.name.empty()) {
    errors.required(path.child("name"));
  } else {
    errors.invalid_all(path.child("name"), metric.name, apimachinery::check_path_segment_name(metric.name));
  }
}

void validate_resource_metric(const std::string& name, const v2::MetricTarget& target, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) errors.required(path.child("name"), "must specify a resource name");
  validate_metric_target(target, path.child("target"), errors);
  if (!target.average_utilization && !target.average_value)
    errors.required(path.child("target", "averageUtilization"), "must set either a target raw value or a target utilization");
  if (target.average_utilization && target.average_value)
    errors.forbidden(path.child("target", "averageValue"), "may not set both a target raw value and a target utilization");
}

void validate_metric(const v2::MetricSpec& metric, const FieldPath& path, FieldErrors& errors) {
  if (metric.type.empty()) errors.required(path.child("type"), "must specify a metric source type");
  if (!contains(metric_types, metric.type)) errors.not_supported(path.child("type"), metric.type, metric_types);
  std::string_view expected;
  const auto source = [&](bool present, std::string_view field, std::string_view type) {
    if (!present) return false;
    if (metric.type != type && expected.empty()) expected = field;
    return true;
  };
  if (source(metric.object.has_value(), "object", "Object")) {
    validate_target(metric.object->described_object, path.child("object", "describedObject"), errors);
    validate_identifier(metric.object->metric, path.child("object", "metric"), errors);
    validate_metric_target(metric.object->target, path.child("object", "target"), errors);
    if (!metric.object->target.value && !metric.object->target.average_value)
      errors.required(path.child("object").child("target", "averageValue"), "must set either a target value or averageValue");
  }
  if (source(metric.pods.has_value(), "pods", "Pods")) {
    validate_identifier(metric.pods->metric, path.child("pods", "metric"), errors);
    validate_metric_target(metric.pods->target, path.child("pods", "target"), errors);
    if (!metric.pods->target.average_value || metric.pods->target.average_value->sign() != 1)
      errors.required(path.child("pods").child("target", "averageValue"), "must specify a positive target averageValue");
  }
  if (source(metric.resource.has_value(), "resource", "Resource"))
    validate_resource_metric(metric.resource->name, metric.resource->target, path.child("resource"), errors);
  if (source(metric.container_resource.has_value(), "containerResource", "ContainerResource")) {
    if (metric.container_resource->container.empty()) errors.required(path.child("containerResource", "container"), "must specify a container");
    validate_resource_metric(metric.container_resource->name, metric.container_resource->target, path.child("containerResource"), errors);
  }
  if (source(metric.external.has_value(), "external", "External")) {
    validate_identifier(metric.external->metric, path.child("external", "metric"), errors);
    validate_metric_target(metric.external->target, path.child("external", "target"), errors);
    if (!metric.external->target.value && !metric.external->target.average_value)
      errors.required(path.child("external").child("target", "averageValue"), "must set either a target value for metric or a per-pod target");
  }
  // The type and the source that is given disagree.
  const bool known = contains(metric_types, metric.type);
  const bool given = (metric.type == "Object" && metric.object) || (metric.type == "Pods" && metric.pods) ||
                     (metric.type == "Resource" && metric.resource) || (metric.type == "ContainerResource" && metric.container_resource) ||
                     (metric.type == "External" && metric.external);
  if (!known) {
    errors.not_supported(path.child("type"), metric.type, metric_types);
  } else if (!given) {
    errors.required(path.child(metric.type == "Object"     ? "object"
                               : metric.type == "Pods"     ? "pods"
                               : metric.type == "Resource" ? "resource"
                               : metric.type == "External" ? "external"
                                                           : "containerResource"),
                    "must populate information for the given metric source");
  } else if (!expected.empty()) {
    errors.forbidden(path.child(expected), "must populate the given metric source only");
  }
}

void validate_rules(const v2::HPAScalingRules& rules, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> selects{"Disabled", "Max", "Min"};
  constexpr std::array<std::string_view, 2> types{"Percent", "Pods"};
  if (rules.stabilization_window_seconds) {
    non_negative(*rules.stabilization_window_seconds, path.child("stabilizationWindowSeconds"), errors);
    if (*rules.stabilization_window_seconds > window_seconds_max)
      errors.invalid(path.child("stabilizationWindowSeconds"), *rules.stabilization_window_seconds, "must be less than or equal to 3600");
  }
  if (rules.select_policy && !contains(selects, *rules.select_policy))
    errors.not_supported(path.child("selectPolicy"), *rules.select_policy, selects);
  if (rules.policies.empty()) errors.required(path.child("policies"), "must specify at least one Policy");
  for (std::size_t i = 0; i < rules.policies.size(); ++i) {
    const v2::HPAScalingPolicy& policy = rules.policies[i];
    const FieldPath at = path.child("policies").index(i);
    if (!contains(types, policy.type)) errors.not_supported(at.child("type"), policy.type, types);
    if (policy.value <= 0) errors.invalid(at.child("value"), policy.value, "must be greater than zero");
    if (policy.period_seconds <= 0) {
      errors.invalid(at.child("periodSeconds"), policy.period_seconds, "must be greater than zero");
    } else if (policy.period_seconds > period_seconds_max) {
      errors.invalid(at.child("periodSeconds"), policy.period_seconds, "must be less than or equal to 1800");
    }
  }
}

}  // namespace

void validate_autoscaler(const v2::HorizontalPodAutoscaler& autoscaler, int32_t least, FieldErrors& errors) {
  const v2::HorizontalPodAutoscalerSpec& spec = autoscaler.spec;
  const FieldPath at("spec");
  if (spec.min_replicas && *spec.min_replicas < least)
    errors.invalid(at.child("minReplicas"), *spec.min_replicas, "must be greater than or equal to " + std::to_string(least));
  if (spec.max_replicas < 1) errors.invalid(at.child("maxReplicas"), spec.max_replicas, "must be greater than 0");
  if (spec.min_replicas && spec.max_replicas < *spec.min_replicas)
    errors.invalid(at.child("maxReplicas"), spec.max_replicas, "must be greater than or equal to `minReplicas`");
  validate_target(spec.scale_target_ref, at.child("scaleTargetRef"), errors);
  for (std::size_t i = 0; i < spec.metrics.size(); ++i) validate_metric(spec.metrics[i], at.child("metrics").index(i), errors);
  const bool needs_no_pod =
      std::ranges::any_of(spec.metrics, [](const auto& metric) { return metric.type == "Object" || metric.type == "External"; });
  if (spec.min_replicas == 0 && !needs_no_pod)
    errors.forbidden(at.child("metrics"), "must specify at least one Object or External metric to support scaling to zero replicas");
  if (spec.behavior) {
    if (spec.behavior->scale_up) validate_rules(*spec.behavior->scale_up, at.child("behavior", "scaleUp"), errors);
    if (spec.behavior->scale_down) validate_rules(*spec.behavior->scale_down, at.child("behavior", "scaleDown"), errors);
  }
}

}  // namespace pintle::apiserver::resources

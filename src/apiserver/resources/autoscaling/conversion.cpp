#include "api/codec.h"
#include "api/gen/autoscaling_v1.h"
#include "apimachinery/validation/object_meta.h"
#include "apiserver/resources/autoscaling/autoscaling.h"
#include "codec/json.h"

namespace pintle::apiserver::resources {
namespace {

namespace v1 = api::autoscaling_v1;
namespace v2 = api::autoscaling_v2;

constexpr std::string_view metrics_annotation = "autoscaling.alpha.kubernetes.io/metrics";
constexpr std::string_view current_metrics_annotation = "autoscaling.alpha.kubernetes.io/current-metrics";
constexpr std::string_view conditions_annotation = "autoscaling.alpha.kubernetes.io/conditions";
constexpr std::string_view behavior_annotation = "autoscaling.alpha.kubernetes.io/behavior";

bool is_cpu_utilization(const v2::MetricSpec& metric) {
  return metric.type == "Resource" && metric.resource && metric.resource->name == "cpu" && metric.resource->target.average_utilization.has_value();
}

template <class Item>
std::string list_json(const std::vector<Item>& items) {
  std::string out = "[";
  for (const Item& item : items) {
    if (out.size() > 1) out += ',';
    api::encode_json(api::type_of<Item>(), &item, out);
  }
  return out + "]";
}

// Takes the annotation away and adds its items to the list; text that does not read is left out, as a client may have written anything.
template <class Item>
void take_list(FlatMap<std::string>& annotations, std::string_view name, std::vector<Item>& items) {
  const std::string* text = annotations.get(name);
  if (text == nullptr) return;
  const bool readable = text->size() <= apimachinery::annotations_bytes_max;  // more is refused later
  if (const auto value = readable ? codec::parse_json(*text) : Result<codec::Value>(); value && value->is_array())
    for (const codec::Value& element : value->as_array()) {
      Item item;
      if (api::decode_value(element, api::type_of<Item>(), &item)) items.push_back(std::move(item));
    }
  annotations.erase(name);
}

template <class From, class To>
void copy_target(const From& from, To& to) {
  to.kind = from.kind;
  to.name = from.name;
  to.api_version = from.api_version;
}

}  // namespace

Result<api::Object> autoscaler_to_storage(const api::Object& object) {
  const auto& from = object.as<v1::HorizontalPodAutoscaler>();
  v2::HorizontalPodAutoscaler to;
  to.metadata = from.metadata;
  copy_target(from.spec.scale_target_ref, to.spec.scale_target_ref);
  to.spec.min_replicas = from.spec.min_replicas;
  to.spec.max_replicas = from.spec.max_replicas;
  auto& annotations = to.metadata.annotations;
  if (from.spec.target_cpu_utilization_percentage) {
    v2::MetricSpec cpu;
    cpu.type = "Resource";
    cpu.resource.emplace().name = "cpu";
    cpu.resource->target.type = "Utilization";
    cpu.resource->target.average_utilization = from.spec.target_cpu_utilization_percentage;
    to.spec.metrics.push_back(std::move(cpu));
  }
  take_list(annotations, metrics_annotation, to.spec.metrics);
  take_list(annotations, conditions_annotation, to.status.conditions);
  take_list(annotations, current_metrics_annotation, to.status.current_metrics);
  if (const std::string* behavior = annotations.get(behavior_annotation)) {
    v2::HorizontalPodAutoscalerBehavior value;
    if (api::decode_json(*behavior, api::type_of<v2::HorizontalPodAutoscalerBehavior>(), &value)) to.spec.behavior = std::move(value);
    annotations.erase(behavior_annotation);
  }
  to.status.observed_generation = from.status.observed_generation;
  to.status.last_scale_time = from.status.last_scale_time;
  to.status.current_replicas = from.status.current_replicas;
  to.status.desired_replicas = from.status.desired_replicas;
  if (from.status.current_cpu_utilization_percentage) {
    v2::MetricStatus cpu;
    cpu.type = "Resource";
    cpu.resource.emplace().name = "cpu";
    cpu.resource->current.average_utilization = from.status.current_cpu_utilization_percentage;
    to.status.current_metrics.push_back(std::move(cpu));
  }
  return api::Object::of(std::move(to));
}

Result<api::Object> autoscaler_from_storage(const api::Object& object) {
  const auto& from = object.as<v2::HorizontalPodAutoscaler>();
  v1::HorizontalPodAutoscaler to;
  to.metadata = from.metadata;
  copy_target(from.spec.scale_target_ref, to.spec.scale_target_ref);
  to.spec.min_replicas = from.spec.min_replicas;
  to.spec.max_replicas = from.spec.max_replicas;
  auto& annotations = to.metadata.annotations;
  std::vector<v2::MetricSpec> others;
  for (const v2::MetricSpec& metric : from.spec.metrics) {
    if (is_cpu_utilization(metric) && !to.spec.target_cpu_utilization_percentage) {
      to.spec.target_cpu_utilization_percentage = metric.resource->target.average_utilization;
    } else {
      others.push_back(metric);
    }
  }
  if (!others.empty()) annotations[metrics_annotation] = list_json(others);
  std::vector<v2::MetricStatus> other_statuses;
  for (const v2::MetricStatus& metric : from.status.current_metrics) {
    if (metric.type == "Resource" && metric.resource && metric.resource->name == "cpu" && metric.resource->current.average_utilization) {
      to.status.current_cpu_utilization_percentage = metric.resource->current.average_utilization;
    } else {
      other_statuses.push_back(metric);
    }
  }
  if (!other_statuses.empty()) annotations[current_metrics_annotation] = list_json(other_statuses);
  if (!from.status.conditions.empty()) annotations[conditions_annotation] = list_json(from.status.conditions);
  if (from.spec.behavior) {
    std::string text;
    api::encode_json(api::type_of<v2::HorizontalPodAutoscalerBehavior>(), from.spec.behavior.get(), text);
    annotations[behavior_annotation] = std::move(text);
  }
  to.status.observed_generation = from.status.observed_generation;
  to.status.last_scale_time = from.status.last_scale_time;
  to.status.current_replicas = from.status.current_replicas;
  to.status.desired_replicas = from.status.desired_replicas;
  return api::Object::of(std::move(to));
}

}  // namespace pintle::apiserver::resources

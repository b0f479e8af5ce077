#include "apiserver/resources/autoscaling/autoscaling.h"

#include <fmt/format.h>

#include "apiserver/resources/resources.h"
#include "apiserver/types/options.h"

namespace pintle::apiserver::resources {
namespace {

namespace v2 = api::autoscaling_v2;

constexpr int32_t cpu_percent_default = 80;
constexpr std::size_t shown_max = 2;  // metrics of a table row

v2::HPAScalingPolicy policy(const char* type, int32_t value, int32_t period_seconds) {
  v2::HPAScalingPolicy out;
  out.type = type;
  out.value = value;
  out.period_seconds = period_seconds;
  return out;
}

std::string or_unknown(const std::optional<api::Quantity>& value) { return value ? value->text() : "<unknown>"; }

// "<current>/<target>" of one metric; `status` may be missing.
std::string metric_text(const v2::MetricSpec& spec, const v2::MetricStatus* status) {
  const auto value_text = [](const v2::MetricTarget& target, const v2::MetricValueStatus* current) {
    if (target.average_value)
      return fmt::format("{}/{}{}", current ? or_unknown(current->average_value) : "<unknown>", target.average_value->text(), " (avg)");
    return fmt::format("{}/{}", current ? or_unknown(current->value) : "<unknown>", target.value ? target.value->text() : "<auto>");
  };
  const auto resource_text = [](const std::string& name, const v2::MetricTarget& target, const v2::MetricValueStatus* current) {
    if (target.average_value)
      return fmt::format("{}: {}/{}", name, current ? or_unknown(current->average_value) : "<unknown>", target.average_value->text());
    const std::string now = current && current->average_utilization ? fmt::format("{}%", *current->average_utilization) : "<unknown>";
    return fmt::format("{}: {}/{}", name, now, target.average_utilization ? fmt::format("{}%", *target.average_utilization) : "<auto>");
  };
  if (spec.type == "Resource" && spec.resource)
    return resource_text(spec.resource->name, spec.resource->target, status && status->resource ? &status->resource->current : nullptr);
  if (spec.type == "ContainerResource" && spec.container_resource)
    return resource_text(spec.container_resource->name, spec.container_resource->target,
                         status && status->container_resource ? &status->container_resource->current : nullptr);
  if (spec.type == "Pods" && spec.pods) {
    const v2::MetricValueStatus* current = status && status->pods ? &status->pods->current : nullptr;
    return fmt::format("{}/{}", current ? or_unknown(current->average_value) : "<unknown>",
                       spec.pods->target.average_value ? spec.pods->target.average_value->text() : "<auto>");
  }
  if (spec.type == "Object" && spec.object) return value_text(spec.object->target, status && status->object ? &status->object->current : nullptr);
  if (spec.type == "External" && spec.external)
    return value_text(spec.external->target, status && status->external ? &status->external->current : nullptr);
  return "<unknown type>";
}

std::string targets_text(const v2::HorizontalPodAutoscaler& autoscaler) {
  if (autoscaler.spec.metrics.empty()) return "<none>";
  std::string out;
  const auto& metrics = autoscaler.spec.metrics;
  for (std::size_t i = 0; i < metrics.size() && i < shown_max; ++i) {
    const v2::MetricStatus* status = i < autoscaler.status.current_metrics.size() ? &autoscaler.status.current_metrics[i] : nullptr;
    out += (out.empty() ? "" : ", ") + metric_text(metrics[i], status);
  }
  if (metrics.size() > shown_max) out += fmt::format(" + {} more...", metrics.size() - shown_max);
  return out;
}

int32_t least_of(const RequestScope& scope) { return scope.options != nullptr && scope.options->feature_gates.enabled("HPAScaleToZero") ? 0 : 1; }

class AutoscalerStrategy : public registry::TypedStrategy<v2::HorizontalPodAutoscaler> {
 public:
  void set_defaults(v2::HorizontalPodAutoscaler& autoscaler) const override {
    v2::HorizontalPodAutoscalerSpec& spec = autoscaler.spec;
    if (!spec.min_replicas) spec.min_replicas = 1;
    if (spec.metrics.empty()) {
      v2::MetricSpec cpu;
      cpu.type = "Resource";
      cpu.resource.emplace().name = "cpu";
      cpu.resource->target.type = "Utilization";
      cpu.resource->target.average_utilization = cpu_percent_default;
      spec.metrics.push_back(std::move(cpu));
    }
    if (!spec.behavior) return;
    auto& up = spec.behavior->scale_up.ensure();
    if (!up.stabilization_window_seconds) up.stabilization_window_seconds = 0;
    if (!up.select_policy) up.select_policy = "Max";
    if (up.policies.empty()) up.policies = {policy("Pods", 4, 15), policy("Percent", 100, 15)};
    auto& down = spec.behavior->scale_down.ensure();
    if (!down.select_policy) down.select_policy = "Max";
    if (down.policies.empty()) down.policies = {policy("Percent", 100, 15)};
  }
  void prepare_for_create(const RequestScope&, v2::HorizontalPodAutoscaler& autoscaler) const override {
    autoscaler.status = v2::HorizontalPodAutoscalerStatus();
  }
  void validate(const RequestScope& scope, const v2::HorizontalPodAutoscaler& autoscaler, FieldErrors& errors) const override {
    validate_autoscaler(autoscaler, least_of(scope), errors);
  }
  // What may be 0 already stays so.
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope& scope, const v2::HorizontalPodAutoscaler& autoscaler, const v2::HorizontalPodAutoscaler& old,
                       FieldErrors& errors) const override {
    validate_autoscaler(autoscaler, old.spec.min_replicas == 0 ? 0 : least_of(scope), errors);
  }
  void table_cells(const v2::HorizontalPodAutoscaler& autoscaler, registry::TableCells& cells) const override {
    cells.emplace_back(autoscaler.metadata.name);
    cells.emplace_back(autoscaler.spec.scale_target_ref.kind + "/" + autoscaler.spec.scale_target_ref.name);
    cells.emplace_back(targets_text(autoscaler));
    cells.emplace_back(autoscaler.spec.min_replicas ? std::to_string(*autoscaler.spec.min_replicas) : "<unset>");
    cells.emplace_back(autoscaler.spec.max_replicas);
    cells.emplace_back(autoscaler.status.current_replicas);
    cells.push_back(registry::TableCell::age(autoscaler.metadata.creation_timestamp));
  }
};

}  // namespace

void add_autoscaling(Definitions& out) {
  registry::ResourceDefinition autoscalers;
  autoscalers.resource = {"autoscaling", "horizontalpodautoscalers"};
  autoscalers.storage_version = "v2";
  autoscalers.versions = {{"autoscaling", "v2"}, {"autoscaling", "v1", autoscaler_to_storage, autoscaler_from_storage}};
  autoscalers.strategy = std::make_shared<AutoscalerStrategy>();
  autoscalers.has_status = true;
  out.push_back(std::move(autoscalers));
}

}  // namespace pintle::apiserver::resources

#include <array>

#include "api/gen/core_v1.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/validation/shown.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

class PodTemplateStrategy : public registry::TypedStrategy<core::PodTemplate> {
 public:
  void set_defaults(core::PodTemplate& pod_template) const override { default_pod_spec(pod_template.template_.spec); }
  void validate(const RequestScope&, const core::PodTemplate& pod_template, FieldErrors& errors) const override {
    validate_pod_template(pod_template.template_, FieldPath("template"), errors);
  }
  void table_cells(const core::PodTemplate& pod_template, registry::TableCells& cells) const override {
    cells.emplace_back(pod_template.metadata.name);
    append_template_cells(pod_template.template_.spec, selector_text(pod_template.template_.metadata.labels), cells);
  }
};

std::string scale_selector(const core::ReplicationController& object) {
  return apimachinery::LabelSelector::from_set(object.spec.selector).to_string();
}

class ReplicationControllerStrategy : public registry::TypedStrategy<core::ReplicationController> {
 public:
  void set_defaults(core::ReplicationController& controller) const override {
    if (controller.spec.template_) {
      default_pod_spec(controller.spec.template_->spec);
      const auto& labels = controller.spec.template_->metadata.labels;
      if (controller.spec.selector.empty()) controller.spec.selector = labels;
      if (controller.metadata.labels.empty()) controller.metadata.labels = labels;
    }
    if (!controller.spec.replicas) controller.spec.replicas = 1;
  }
  void validate(const RequestScope&, const core::ReplicationController& controller, FieldErrors& errors) const override {
    const FieldPath at("spec");
    if (controller.spec.min_ready_seconds < 0)
      errors.invalid(at.child("minReadySeconds"), controller.spec.min_ready_seconds, "must be greater than or equal to 0");
    if (controller.spec.selector.empty()) errors.required(at.child("selector"));
    if (controller.spec.replicas.value_or(0) < 0)
      errors.invalid(at.child("replicas"), *controller.spec.replicas, "must be greater than or equal to 0");
    if (!controller.spec.template_) {
      errors.required(at.child("template"));
      return;
    }
    const core::PodTemplateSpec& pod_template = *controller.spec.template_;
    const auto selector = apimachinery::LabelSelector::from_set(controller.spec.selector);
    if (!controller.spec.selector.empty() && !selector.matches(pod_template.metadata.labels))
      errors.invalid(at.child("template").child("metadata", "labels"), apimachinery::shown(pod_template.metadata.labels),
                     "`selector` does not match template `labels`");
    validate_pod_template(pod_template, at.child("template"), errors);
    if (pod_template.spec.restart_policy != "Always") {
      constexpr std::array<std::string_view, 1> always{"Always"};
      errors.not_supported(at.child("template").child("spec", "restartPolicy"), pod_template.spec.restart_policy, always);
    }
    if (pod_template.spec.active_deadline_seconds)
      errors.forbidden(at.child("template").child("spec", "activeDeadlineSeconds"),
                       "activeDeadlineSeconds in ReplicationController is not Supported");
  }
  void table_cells(const core::ReplicationController& controller, registry::TableCells& cells) const override {
    cells.emplace_back(controller.metadata.name);
    cells.emplace_back(controller.spec.replicas.value_or(0));
    cells.emplace_back(controller.status.replicas);
    cells.emplace_back(controller.status.ready_replicas);
    cells.push_back(registry::TableCell::age(controller.metadata.creation_timestamp));
    append_template_cells(controller.spec.template_ ? controller.spec.template_->spec : core::PodSpec(), selector_text(controller.spec.selector),
                          cells);
  }
};

}  // namespace

registry::ResourceDefinition pod_templates() {
  return {
      .resource = {"", "podtemplates"}, .strategy = std::make_shared<PodTemplateStrategy>(), .has_generation = true, .return_deleted_object = true};
}

registry::ResourceDefinition replication_controllers() {
  registry::ResourceDefinition out;
  out.resource = {"", "replicationcontrollers"};
  out.key_prefix = "controllers";
  out.strategy = std::make_shared<ReplicationControllerStrategy>();
  out.has_status = true;
  out.has_generation = true;
  out.orphan_by_default = true;
  out.selectable_fields = {{"status.replicas", "", "", "0"}};
  out.scale = {{.fields = registry::usual_scale_fields<core::ReplicationController>(scale_selector)}};
  return out;
}

}  // namespace pintle::apiserver::resources

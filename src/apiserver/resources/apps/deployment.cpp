#include <fmt/format.h>

#include <array>

#include "api/gen/apps_v1.h"
#include "apimachinery/validation/shown.h"
#include "apiserver/resources/apps/apps.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"

namespace pintle::apiserver::resources {
namespace {

namespace apps = api::apps_v1;

api::IntOrString percent(const char* text) { return {.is_string = true, .int_value = 0, .string_value = text}; }

std::string scale_selector(const apps::Deployment& object) { return scale_selector_text(object.spec.selector.get()); }

class DeploymentStrategy : public registry::TypedStrategy<apps::Deployment> {
 public:
  void warnings(const RequestScope&, const apps::Deployment& object, const apps::Deployment* old, std::vector<std::string>& out) const override {
    if (old == nullptr || object.metadata.generation != old->metadata.generation)
      pod_template_warnings(object.spec.template_, FieldPath("spec", "template"), out);
  }
  void set_defaults(apps::Deployment& deployment) const override {
    apps::DeploymentSpec& spec = deployment.spec;
    default_pod_spec(spec.template_.spec);
    if (!spec.replicas) spec.replicas = 1;
    if (spec.strategy.type.empty()) spec.strategy.type = "RollingUpdate";
    if (spec.strategy.type == "RollingUpdate") {
      auto& rolling = spec.strategy.rolling_update.ensure();
      if (!rolling.max_unavailable) rolling.max_unavailable = percent("25%");
      if (!rolling.max_surge) rolling.max_surge = percent("25%");
    }
    if (!spec.revision_history_limit) spec.revision_history_limit = 10;
    if (!spec.progress_deadline_seconds) spec.progress_deadline_seconds = 600;
  }

  void prepare_for_create(const RequestScope&, apps::Deployment& deployment) const override { deployment.status = apps::DeploymentStatus(); }
  // Annotations are copied to replica sets: a change of theirs is one of the deployment.
  void prepare_for_update(const RequestScope&, apps::Deployment& deployment, const apps::Deployment& old) const override {
    if (deployment.metadata.annotations != old.metadata.annotations) deployment.metadata.generation = old.metadata.generation + 1;
  }

  void validate(const RequestScope&, const apps::Deployment& deployment, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 2> types{"Recreate", "RollingUpdate"};
    const apps::DeploymentSpec& spec = deployment.spec;
    const FieldPath at("spec");
    non_negative(spec.replicas.value_or(0), at.child("replicas"), errors);
    validate_workload_selector(spec.selector.get(), spec.template_, at, "deployment", errors);
    validate_pod_template(spec.template_, at.child("template"), errors);
    validate_running_template(spec.template_, at.child("template"), "Deployment", errors);
    if (spec.strategy.type == "Recreate") {
      if (spec.strategy.rolling_update)
        errors.forbidden(at.child("strategy", "rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
    } else if (spec.strategy.type == "RollingUpdate") {
      validate_rolling(spec.strategy.rolling_update.get(), at.child("strategy", "rollingUpdate"), errors);
    } else {
      errors.not_supported(at.child("strategy"), shown_strategy(spec.strategy.type, spec.strategy.rolling_update.get() != nullptr), types);
    }
    non_negative(spec.min_ready_seconds, at.child("minReadySeconds"), errors);
    non_negative(spec.revision_history_limit.value_or(0), at.child("revisionHistoryLimit"), errors);
    if (spec.progress_deadline_seconds) {
      non_negative(*spec.progress_deadline_seconds, at.child("progressDeadlineSeconds"), errors);
      if (*spec.progress_deadline_seconds <= spec.min_ready_seconds)
        errors.invalid(at.child("progressDeadlineSeconds"), *spec.progress_deadline_seconds, "must be greater than minReadySeconds");
    }
  }

  void validate_update(const RequestScope&, const apps::Deployment& deployment, const apps::Deployment& old, FieldErrors& errors) const override {
    if (!same_selector(deployment.spec.selector, old.spec.selector))
      errors.invalid(FieldPath("spec", "selector"), apimachinery::shown(deployment.spec.selector), "field is immutable");
  }

  void table_cells(const apps::Deployment& deployment, registry::TableCells& cells) const override {
    cells.emplace_back(deployment.metadata.name);
    cells.emplace_back(fmt::format("{}/{}", deployment.status.ready_replicas, deployment.spec.replicas.value_or(0)));
    cells.emplace_back(deployment.status.updated_replicas);
    cells.emplace_back(deployment.status.available_replicas);
    cells.push_back(registry::TableCell::age(deployment.metadata.creation_timestamp));
    append_template_cells(deployment.spec.template_.spec, selector_text(deployment.spec.selector.get()), cells);
  }

 private:
  static void validate_rolling(const apps::RollingUpdateDeployment* rolling, const FieldPath& path, FieldErrors& errors) {
    if (rolling == nullptr) {
      errors.required(path, "this should be defaulted and never be nil");
      return;
    }
    const api::IntOrString zero;
    const api::IntOrString& unavailable = rolling->max_unavailable ? *rolling->max_unavailable : zero;
    const api::IntOrString& surge = rolling->max_surge ? *rolling->max_surge : zero;
    validate_int_or_percent(unavailable, path.child("maxUnavailable"), false, errors);
    validate_int_or_percent(surge, path.child("maxSurge"), false, errors);
    if (is_zero(unavailable) && is_zero(surge))
      errors.invalid(path.child("maxUnavailable"),
                     unavailable.is_string ? apimachinery::BadValue(unavailable.string_value) : apimachinery::BadValue(unavailable.int_value),
                     "may not be 0 when `maxSurge` is 0");
    validate_not_above_all(unavailable, path.child("maxUnavailable"), errors);
  }
};

// The status alone, and not the labels either.
class DeploymentStatusStrategy : public registry::TypedStrategy<apps::Deployment> {
 public:
  void prepare_for_update(const RequestScope&, apps::Deployment& deployment, const apps::Deployment& old) const override {
    deployment.spec = old.spec;
    deployment.metadata.labels = old.metadata.labels;
  }
  bool validate_update_includes_validate() const override { return false; }
};

}  // namespace

registry::ResourceDefinition deployments() {
  registry::ResourceDefinition out;
  out.resource = {"apps", "deployments"};
  out.strategy = std::make_shared<DeploymentStrategy>();
  out.has_status = true;
  out.has_generation = true;
  out.scale = {{.fields = registry::usual_scale_fields<apps::Deployment>(scale_selector)}};
  out.parts = {{.name = "status", .strategy = std::make_shared<DeploymentStatusStrategy>(), .reset_fields = {"spec", "metadata.labels"}}};
  return out;
}

}  // namespace pintle::apiserver::resources

#include <array>
#include <charconv>

#include "api/codec.h"
#include "api/gen/apps_v1.h"
#include "apimachinery/validation/shown.h"
#include "apiserver/resources/apps/apps.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"

namespace pintle::apiserver::resources {
namespace {

namespace apps = api::apps_v1;

// A field of older versions of the API, which its controller still reads: it lives on as an annotation.
constexpr std::string_view template_generation_annotation = "deprecated.daemonset.template.generation";

int64_t template_generation(const apps::DaemonSet& set) {
  int64_t generation = 0;
  if (const std::string* text = set.metadata.annotations.get(template_generation_annotation))
    std::from_chars(text->data(), text->data() + text->size(), generation);
  return generation;
}

void set_template_generation(apps::DaemonSet& set, int64_t generation) {
  set.metadata.annotations[template_generation_annotation] = std::to_string(generation);
}

class DaemonSetStrategy : public registry::TypedStrategy<apps::DaemonSet> {
 public:
  void warnings(const RequestScope&, const apps::DaemonSet& object, const apps::DaemonSet* old, std::vector<std::string>& out) const override {
    if (old == nullptr || object.metadata.generation != old->metadata.generation)
      pod_template_warnings(object.spec.template_, FieldPath("spec", "template"), out);
  }
  void set_defaults(apps::DaemonSet& set) const override {
    apps::DaemonSetSpec& spec = set.spec;
    default_pod_spec(spec.template_.spec);
    if (spec.update_strategy.type.empty()) spec.update_strategy.type = "RollingUpdate";
    if (spec.update_strategy.type == "RollingUpdate") {
      auto& rolling = spec.update_strategy.rolling_update.ensure();
      if (!rolling.max_unavailable) rolling.max_unavailable = api::IntOrString{.is_string = false, .int_value = 1, .string_value = ""};
      if (!rolling.max_surge) rolling.max_surge = api::IntOrString{};
    }
    if (!spec.revision_history_limit) spec.revision_history_limit = 10;
    if (!set.metadata.annotations.contains(template_generation_annotation)) set_template_generation(set, 0);
  }
  void prepare_for_create(const RequestScope&, apps::DaemonSet& set) const override {
    set.status = apps::DaemonSetStatus();
    set_template_generation(set, 1);
  }
  void prepare_for_update(const RequestScope&, apps::DaemonSet& set, const apps::DaemonSet& old) const override {
    const bool same = api::equal(api::type_of<api::core_v1::PodTemplateSpec>(), &set.spec.template_, &old.spec.template_);
    set_template_generation(set, template_generation(old) + (same ? 0 : 1));
  }
  void validate(const RequestScope&, const apps::DaemonSet& set, FieldErrors& errors) const override {
    const apps::DaemonSetSpec& spec = set.spec;
    const FieldPath at("spec");
    validate_workload_selector(spec.selector.get(), spec.template_, at, "daemonset", errors);
    validate_pod_template(spec.template_, at.child("template"), errors);
    validate_running_template(spec.template_, at.child("template"), "DaemonSet", errors);
    non_negative(spec.min_ready_seconds, at.child("minReadySeconds"), errors);
    validate_strategy(spec.update_strategy, at.child("updateStrategy"), errors);
    non_negative(spec.revision_history_limit.value_or(0), at.child("revisionHistoryLimit"), errors);
  }
  void validate_update(const RequestScope&, const apps::DaemonSet& set, const apps::DaemonSet& old, FieldErrors& errors) const override {
    if (!same_selector(set.spec.selector, old.spec.selector))
      errors.invalid(FieldPath("spec", "selector"), apimachinery::shown(set.spec.selector), "field is immutable");
  }
  void table_cells(const apps::DaemonSet& set, registry::TableCells& cells) const override {
    cells.emplace_back(set.metadata.name);
    cells.emplace_back(set.status.desired_number_scheduled);
    cells.emplace_back(set.status.current_number_scheduled);
    cells.emplace_back(set.status.number_ready);
    cells.emplace_back(set.status.updated_number_scheduled);
    cells.emplace_back(set.status.number_available);
    std::string nodes;
    for (const auto& [key, value] : set.spec.template_.spec.node_selector) nodes += (nodes.empty() ? "" : ",") + key + "=" + value;
    cells.emplace_back(nodes.empty() ? "<none>" : nodes);
    cells.push_back(registry::TableCell::age(set.metadata.creation_timestamp));
    append_template_cells(set.spec.template_.spec, selector_text(set.spec.selector.get()), cells);
  }

 private:
  static void validate_strategy(const apps::DaemonSetUpdateStrategy& strategy, const FieldPath& path, FieldErrors& errors) {
    constexpr std::array<std::string_view, 2> types{"RollingUpdate", "OnDelete"};
    if (strategy.type == "OnDelete") return;
    if (strategy.type != "RollingUpdate") {
      errors.not_listed(path, shown_strategy(strategy.type, strategy.rolling_update.get() != nullptr), types);
      return;
    }
    const FieldPath rolling = path.child("rollingUpdate");
    validate_int_or_percent(*strategy.rolling_update->max_unavailable, rolling.child("maxUnavailable"), true, errors);
    validate_int_or_percent(*strategy.rolling_update->max_surge, rolling.child("maxSurge"), true, errors);
    const bool unavailable = !is_zero(*strategy.rolling_update->max_unavailable);
    const bool surge = !is_zero(*strategy.rolling_update->max_surge);
    if (!unavailable && !surge) errors.required(rolling.child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
    if (unavailable && surge)
      errors.invalid(rolling.child("maxSurge"), apimachinery::BadValue::raw("{...}"), "may not be set when maxUnavailable is non-zero");
  }
};

}  // namespace

registry::ResourceDefinition daemon_sets() {
  registry::ResourceDefinition out;
  out.resource = {"apps", "daemonsets"};
  out.strategy = std::make_shared<DaemonSetStrategy>();
  out.has_status = true;
  out.has_generation = true;
  return out;
}

}  // namespace pintle::apiserver::resources

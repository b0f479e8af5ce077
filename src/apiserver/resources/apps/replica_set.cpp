#include "api/gen/apps_v1.h"
#include "apimachinery/validation/shown.h"
#include "apiserver/resources/apps/apps.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"

namespace pintle::apiserver::resources {
namespace {

namespace apps = api::apps_v1;

std::string scale_selector(const apps::ReplicaSet& object) { return scale_selector_text(object.spec.selector.get()); }

class ReplicaSetStrategy : public registry::TypedStrategy<apps::ReplicaSet> {
 public:
  void warnings(const RequestScope&, const apps::ReplicaSet& object, const apps::ReplicaSet* old, std::vector<std::string>& out) const override {
    if (old == nullptr || object.metadata.generation != old->metadata.generation)
      pod_template_warnings(object.spec.template_, FieldPath("spec", "template"), out);
  }
  void set_defaults(apps::ReplicaSet& set) const override {
    default_pod_spec(set.spec.template_.spec);
    if (!set.spec.replicas) set.spec.replicas = 1;
  }
  void prepare_for_create(const RequestScope&, apps::ReplicaSet& set) const override { set.status = apps::ReplicaSetStatus(); }
  void validate(const RequestScope&, const apps::ReplicaSet& set, FieldErrors& errors) const override {
    const FieldPath at("spec");
    non_negative(set.spec.replicas.value_or(0), at.child("replicas"), errors);
    non_negative(set.spec.min_ready_seconds, at.child("minReadySeconds"), errors);
    validate_workload_selector(set.spec.selector.get(), set.spec.template_, at, "deployment", errors);
    validate_pod_template(set.spec.template_, at.child("template"), errors);
    validate_running_template(set.spec.template_, at.child("template"), "ReplicaSet", errors);
  }
  void validate_update(const RequestScope&, const apps::ReplicaSet& set, const apps::ReplicaSet& old, FieldErrors& errors) const override {
    if (!same_selector(set.spec.selector, old.spec.selector))
      errors.invalid(FieldPath("spec", "selector"), apimachinery::shown(set.spec.selector), "field is immutable");
  }
  void table_cells(const apps::ReplicaSet& set, registry::TableCells& cells) const override {
    cells.emplace_back(set.metadata.name);
    cells.emplace_back(set.spec.replicas.value_or(0));
    cells.emplace_back(set.status.replicas);
    cells.emplace_back(set.status.ready_replicas);
    cells.push_back(registry::TableCell::age(set.metadata.creation_timestamp));
    append_template_cells(set.spec.template_.spec, selector_text(set.spec.selector.get()), cells);
  }
};

}  // namespace

registry::ResourceDefinition replica_sets() {
  registry::ResourceDefinition out;
  out.resource = {"apps", "replicasets"};
  out.strategy = std::make_shared<ReplicaSetStrategy>();
  out.has_status = true;
  out.has_generation = true;
  out.selectable_fields = {{"status.replicas", "", "", "0"}};
  out.scale = {{.fields = registry::usual_scale_fields<apps::ReplicaSet>(scale_selector)}};
  return out;
}

}  // namespace pintle::apiserver::resources

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "api/codec.h"
#include "api/gen/apps_v1.h"
#include "apiserver/resources/apps/apps.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"
#include "apiserver/resources/core/volume_claim.h"

namespace pintle::apiserver::resources {
namespace {

namespace apps = api::apps_v1;
namespace core = api::core_v1;

constexpr std::array<std::string_view, 2> retentions{"Retain", "Delete"};

std::string scale_selector(const apps::StatefulSet& object) { return scale_selector_text(object.spec.selector.get()); }

class StatefulSetStrategy : public registry::TypedStrategy<apps::StatefulSet> {
 public:
  void warnings(const RequestScope&, const apps::StatefulSet& object, const apps::StatefulSet* old, std::vector<std::string>& out) const override {
    if (old == nullptr || object.metadata.generation != old->metadata.generation)
      pod_template_warnings(object.spec.template_, FieldPath("spec", "template"), out);
  }
  void set_defaults(apps::StatefulSet& set) const override {
    apps::StatefulSetSpec& spec = set.spec;
    default_pod_spec(spec.template_.spec);
    if (spec.pod_management_policy.empty()) spec.pod_management_policy = "OrderedReady";
    if (spec.update_strategy.type.empty()) {
      spec.update_strategy.type = "RollingUpdate";
      auto& rolling = spec.update_strategy.rolling_update.ensure();
      if (!rolling.partition) rolling.partition = 0;
    }
    auto& retention = spec.persistent_volume_claim_retention_policy.ensure();
    if (retention.when_deleted.empty()) retention.when_deleted = "Retain";
    if (retention.when_scaled.empty()) retention.when_scaled = "Retain";
    if (!spec.replicas) spec.replicas = 1;
    if (!spec.revision_history_limit) spec.revision_history_limit = 10;
    for (core::PersistentVolumeClaim& claim : spec.volume_claim_templates) {
      default_claim_spec(claim.spec);
      if (claim.status.phase.empty()) claim.status.phase = "Pending";
    }
  }

  void prepare_for_create(const RequestScope&, apps::StatefulSet& set) const override { set.status = apps::StatefulSetStatus(); }

  void validate(const RequestScope&, const apps::StatefulSet& set, FieldErrors& errors) const override {
    const apps::StatefulSetSpec& spec = set.spec;
    const FieldPath at("spec");
    validate_strategies(spec, at, errors);
    const auto& retention = *spec.persistent_volume_claim_retention_policy;
    validate_retention(retention.when_deleted, at.child("persistentVolumeClaimRetentionPolicy", "whenDeleted"), errors);
    validate_retention(retention.when_scaled, at.child("persistentVolumeClaimRetentionPolicy", "whenScaled"), errors);
    non_negative(spec.replicas.value_or(0), at.child("replicas"), errors);
    non_negative(spec.min_ready_seconds, at.child("minReadySeconds"), errors);
    if (spec.ordinals) non_negative(spec.ordinals->start, at.child("ordinals", "start"), errors);
    for (std::size_t i = 0; i < spec.volume_claim_templates.size(); ++i)
      validate_claim_spec(spec.volume_claim_templates[i].spec, at.child("volumeClaimTemplates").index(i).child("spec"), errors);
    validate_workload_selector(spec.selector.get(), spec.template_, at, "statefulset", errors);
    validate_labels(spec.template_.metadata.labels, at.child("template", "labels"), errors);
    validate_template(spec, at.child("template"), errors);
    validate_running_template(spec.template_, at.child("template"), "StatefulSet", errors);
  }

  void validate_update(const RequestScope&, const apps::StatefulSet& set, const apps::StatefulSet& old, FieldErrors& errors) const override {
    apps::StatefulSetSpec allowed = set.spec;
    allowed.replicas = old.spec.replicas;
    allowed.template_ = old.spec.template_;
    allowed.update_strategy = old.spec.update_strategy;
    allowed.min_ready_seconds = old.spec.min_ready_seconds;
    allowed.ordinals = old.spec.ordinals;
    allowed.revision_history_limit = old.spec.revision_history_limit;
    allowed.persistent_volume_claim_retention_policy = old.spec.persistent_volume_claim_retention_policy;
    if (!api::equal(api::type_of<apps::StatefulSetSpec>(), &allowed, &old.spec))
      errors.forbidden(
          FieldPath("spec"),
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
          "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
  }

  void table_cells(const apps::StatefulSet& set, registry::TableCells& cells) const override {
    cells.emplace_back(set.metadata.name);
    cells.emplace_back(fmt::format("{}/{}", set.status.ready_replicas, set.spec.replicas.value_or(0)));
    cells.push_back(registry::TableCell::age(set.metadata.creation_timestamp));
    registry::TableCells shared;
    append_template_cells(set.spec.template_.spec, "", shared);
    cells.push_back(std::move(shared[0]));
    cells.push_back(std::move(shared[1]));
  }

 private:
  static void validate_retention(std::string_view policy, const FieldPath& path, FieldErrors& errors) {
    if (std::find(retentions.begin(), retentions.end(), policy) == retentions.end()) errors.not_listed(path, policy, retentions);
  }

  static void validate_strategies(const apps::StatefulSetSpec& spec, const FieldPath& at, FieldErrors& errors) {
    if (spec.pod_management_policy.empty()) {
      errors.required(at.child("podManagementPolicy"));
    } else if (spec.pod_management_policy != "OrderedReady" && spec.pod_management_policy != "Parallel") {
      errors.invalid(at.child("podManagementPolicy"), spec.pod_management_policy, "must be 'OrderedReady' or 'Parallel'");
    }
    const apps::StatefulSetUpdateStrategy& strategy = spec.update_strategy;
    if (strategy.type.empty()) {
      errors.required(at.child("updateStrategy"));
    } else if (strategy.type == "OnDelete") {
      if (strategy.rolling_update)
        errors.invalid(at.child("updateStrategy", "rollingUpdate"), apimachinery::BadValue::raw("{...}"),
                       "only allowed for updateStrategy 'RollingUpdate'");
    } else if (strategy.type == "RollingUpdate") {
      if (!strategy.rolling_update) return;
      const FieldPath rolling = at.child("updateStrategy", "rollingUpdate");
      non_negative(strategy.rolling_update->partition.value_or(0), rolling.child("partition"), errors);
      if (strategy.rolling_update->max_unavailable) {
        validate_int_or_percent(*strategy.rolling_update->max_unavailable, rolling.child("maxUnavailable"), true, errors);
        if (is_zero(*strategy.rolling_update->max_unavailable)) errors.invalid(rolling.child("maxUnavailable"), 0, "cannot be 0");
      }
    } else {
      errors.invalid(at.child("updateStrategy"), apimachinery::BadValue::raw("{...}"), "must be 'RollingUpdate' or 'OnDelete'");
    }
  }

  // The claims' volumes stand in the pods as if the template named them.
  static void validate_template(const apps::StatefulSetSpec& spec, const FieldPath& path, FieldErrors& errors) {
    core::PodTemplateSpec pod_template = spec.template_;
    std::vector<core::Volume> volumes;
    std::set<std::string> names;
    for (const core::PersistentVolumeClaim& claim : spec.volume_claim_templates) {
      names.insert(claim.metadata.name);
      core::Volume volume;
      volume.name = claim.metadata.name;
      volume.persistent_volume_claim.emplace().claim_name = claim.metadata.name;
      volumes.push_back(std::move(volume));
    }
    for (core::Volume& volume : pod_template.spec.volumes) {
      if (names.insert(volume.name).second) volumes.push_back(std::move(volume));
    }
    pod_template.spec.volumes = std::move(volumes);
    validate_pod_template(pod_template, path, errors);
  }
};

}  // namespace

registry::ResourceDefinition stateful_sets() {
  registry::ResourceDefinition out;
  out.resource = {"apps", "statefulsets"};
  out.strategy = std::make_shared<StatefulSetStrategy>();
  out.has_status = true;
  out.has_generation = true;
  out.scale = {{.fields = registry::usual_scale_fields<apps::StatefulSet>(scale_selector)}};
  return out;
}

}  // namespace pintle::apiserver::resources

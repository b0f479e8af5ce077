#include "apiserver/resources/core/pod.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "api/codec.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod_spec.h"
#include "rules/pod_resources.h"
#include "rules/pod_state.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using api::type_of;

bool same_spec(const core::PodSpec& a, const core::PodSpec& b) { return api::equal(type_of<core::PodSpec>(), &a, &b); }

class PodStrategy : public registry::TypedStrategy<core::Pod> {
 public:
  void set_defaults(core::Pod& pod) const override {
    default_pod_spec(pod.spec);
    default_pod_requests(pod.spec);
    if (!pod.spec.enable_service_links) pod.spec.enable_service_links = true;
    if (auto& grace = pod.spec.termination_grace_period_seconds; grace && *grace < 0) grace = 1;  // of pods alone, not in templates
  }

  void prepare_for_create(const RequestScope& scope, core::Pod& pod) const override {
    pod.status = core::PodStatus();
    pod.status.phase = "Pending";
    pod.status.qos_class = rules::qos_class_of_spec(pod.spec);
    pod.spec.ephemeral_containers.clear();
    if (!pod.spec.scheduling_gates.empty()) {
      core::PodCondition gated;
      gated.type = "PodScheduled";
      gated.status = "False";
      gated.reason = "SchedulingGated";
      gated.message = "Scheduling is blocked due to non-empty scheduling gates";
      gated.last_transition_time = apimachinery::to_api_time(scope.now);
      pod.status.conditions.push_back(std::move(gated));
    }
  }

  void prepare_for_update(const RequestScope&, core::Pod& pod, const core::Pod& old) const override { pod.status = old.status; }
  void warnings(const RequestScope&, const core::Pod& pod, const core::Pod* old, std::vector<std::string>& out) const override {
    if (old == nullptr) pod_warnings(pod.spec, pod.metadata, out);  // upstream is silent on updates
  }

  void validate(const RequestScope&, const core::Pod& pod, FieldErrors& errors) const override {
    validate_pod_spec(pod.spec, FieldPath("spec"), {.metadata = &pod.metadata}, errors);
  }

  void validate_update(const RequestScope&, const core::Pod& pod, const core::Pod& old, FieldErrors& errors) const override {
    const FieldPath spec("spec");
    if (pod.spec.containers.size() != old.spec.containers.size()) {
      errors.forbidden(spec.child("containers"), "pod updates may not add or remove containers");
      return;
    }
    if (pod.spec.init_containers.size() != old.spec.init_containers.size()) {
      errors.forbidden(spec.child("initContainers"), "pod updates may not add or remove containers");
      return;
    }
    if (pod.spec.active_deadline_seconds != old.spec.active_deadline_seconds && old.spec.active_deadline_seconds) {
      if (!pod.spec.active_deadline_seconds) {
        errors.invalid(spec.child("activeDeadlineSeconds"), nullptr, "must not update from a positive integer to nil value");
      } else if (*pod.spec.active_deadline_seconds > *old.spec.active_deadline_seconds) {
        errors.invalid(spec.child("activeDeadlineSeconds"), *pod.spec.active_deadline_seconds, "must be less than or equal to previous value");
      }
    }
    validate_added_tolerations(pod, old, errors);
    validate_gates(pod, old, errors);
    core::PodSpec allowed = pod.spec;
    keep_changeable(allowed, pod.spec, old.spec);
    if (!same_spec(allowed, old.spec))
      errors.forbidden(
          spec,
          "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
          "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
          "previously negative)");
  }

  std::optional<int64_t> grace_period_seconds(const RequestScope&, const core::Pod& pod, const registry::DeleteSettings& settings) const override {
    int64_t seconds = settings.grace_period_seconds >= 0 ? settings.grace_period_seconds : pod.spec.termination_grace_period_seconds.value_or(30);
    // Nobody runs the pod yet, or it has ended: nothing to wait for.
    if (pod.spec.node_name.empty() || rules::is_terminal(pod)) seconds = 0;
    return seconds < 0 ? 1 : seconds;
  }

  void table_cells(const core::Pod& pod, registry::TableCells& cells) const override { pod_table_cells(pod, cells); }

 private:
  // Overwrites in `allowed` what an update may change with the old value, so that any other difference shows.
  static void keep_changeable(core::PodSpec& allowed, const core::PodSpec& pod, const core::PodSpec& old) {
    for (std::size_t i = 0; i < old.containers.size(); ++i) allowed.containers[i].image = old.containers[i].image;
    for (std::size_t i = 0; i < old.init_containers.size(); ++i) allowed.init_containers[i].image = old.init_containers[i].image;
    allowed.active_deadline_seconds = old.active_deadline_seconds;
    allowed.tolerations = old.tolerations;
    if (old.termination_grace_period_seconds && *old.termination_grace_period_seconds < 0 && pod.termination_grace_period_seconds == 1)
      allowed.termination_grace_period_seconds = old.termination_grace_period_seconds;
    allowed.scheduling_gates = old.scheduling_gates;
    if (!old.scheduling_gates.empty()) {
      allowed.node_selector = old.node_selector;
      if (pod.affinity && old.affinity) {
        allowed.affinity->node_affinity = old.affinity->node_affinity;
      } else if (pod.affinity && !pod.affinity->pod_affinity && !pod.affinity->pod_anti_affinity) {
        allowed.affinity = old.affinity;
      }
    }
  }

  static void validate_added_tolerations(const core::Pod& pod, const core::Pod& old, FieldErrors& errors) {
    // The seconds of NoExecute may change: there they count for nothing.
    const auto key = [](const core::Toleration& t) {
      static const std::optional<int64_t> any;
      return std::tie(t.key, t.operator_, t.value, t.effect, t.effect == "NoExecute" ? any : t.toleration_seconds);
    };
    std::set<decltype(key(pod.spec.tolerations[0]))> kept;
    for (const core::Toleration& now : pod.spec.tolerations) kept.insert(key(now));
    for (const core::Toleration& before : old.spec.tolerations) {
      if (!kept.contains(key(before))) {
        errors.forbidden(FieldPath("spec", "tolerations"), "existing toleration can not be modified except its tolerationSeconds");
        return;
      }
    }
  }

  static void validate_gates(const core::Pod& pod, const core::Pod& old, FieldErrors& errors) {
    const FieldPath path("spec", "schedulingGates");
    std::set<std::string_view> known;
    for (const auto& gate : old.spec.scheduling_gates) known.insert(gate.name);
    for (std::size_t i = 0; i < pod.spec.scheduling_gates.size(); ++i) {
      const std::string& name = pod.spec.scheduling_gates[i].name;
      if (!known.contains(name)) errors.forbidden(path.index(i), "only deletion is allowed, but found new scheduling gate '" + name + "'");
    }
  }
};

class PodStatusStrategy : public registry::TypedStrategy<core::Pod> {
 public:
  void prepare_for_update(const RequestScope&, core::Pod& pod, const core::Pod& old) const override {
    core::PodStatus status = std::move(pod.status);
    pod.spec = old.spec;
    pod.status = std::move(status);
    pod.metadata.deletion_timestamp = old.metadata.deletion_timestamp;
    pod.metadata.owner_references = old.metadata.owner_references;
    if (pod.status.qos_class.empty())
      pod.status.qos_class = old.status.qos_class.empty() ? std::string(rules::qos_class_of_spec(pod.spec)) : old.status.qos_class;
    // An address is in the list of addresses, first.
    if (!pod.status.pod_ip.empty() && pod.status.pod_ips.empty()) pod.status.pod_ips.push_back({pod.status.pod_ip});
    if (pod.status.pod_ip.empty() && !pod.status.pod_ips.empty()) pod.status.pod_ip = pod.status.pod_ips[0].ip;
    if (!pod.status.host_ip.empty() && pod.status.host_ips.empty()) pod.status.host_ips.push_back({pod.status.host_ip});
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const core::Pod& pod, const core::Pod& old, FieldErrors& errors) const override {
    for (std::size_t i = 0; i < pod.status.conditions.size(); ++i) {
      const core::PodCondition& condition = pod.status.conditions[i];
      errors.invalid_all(FieldPath("status", "conditions").index(i).child("type"), condition.type,
                         apimachinery::check_qualified_name(condition.type));
    }
    if (!old.status.qos_class.empty() && pod.status.qos_class != old.status.qos_class)
      errors.invalid(FieldPath("status", "qosClass"), pod.status.qos_class, "Pod QoS is immutable");
    for (std::size_t i = 0; i < pod.status.pod_ips.size(); ++i)
      errors.invalid_all(FieldPath("status", "podIPs").index(i), pod.status.pod_ips[i].ip, apimachinery::check_legacy_ip(pod.status.pod_ips[i].ip));
  }
};

}  // namespace

registry::ResourceDefinition pods() {
  registry::ResourceDefinition out;
  out.resource = {"", "pods"};
  out.strategy = std::make_shared<PodStrategy>();
  out.has_status = true;
  out.has_generation = true;
  out.return_deleted_object = true;
  out.selectable_fields = {{.name = "spec.nodeName", .indexed = true}, {"spec.restartPolicy"}, {"spec.schedulerName"}, {"spec.serviceAccountName"},
                           {"spec.hostNetwork", "", "", "false"},      {"status.phase"},       {"status.podIP"},       {"status.nominatedNodeName"}};
  out.parts = {{.name = "status",
                .strategy = std::make_shared<PodStatusStrategy>(),
                .reset_fields = {"spec", "metadata.deletionTimestamp", "metadata.ownerReferences"}},
               {.name = "ephemeralcontainers", .strategy = make_ephemeral_containers_strategy(), .reset_fields = {"status", "metadata"}},
               {.name = "resize", .strategy = make_resize_strategy(), .reset_fields = {"status", "metadata"}}};
  out.actions = {{"binding", make_binding_action()}, {"eviction", make_eviction_action()}};
  return out;
}

}  // namespace pintle::apiserver::resources

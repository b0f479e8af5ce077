#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "api/gen/meta_v1.h"
#include "api/gen/policy_v1.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/selectors/label_selector.h"
#include "apiserver/registry/action.h"
#include "apiserver/registry/delete_options.h"
#include "apiserver/resources/core/pod.h"
#include "apiserver/types/errors.h"
#include "apiserver/types/registry.h"
#include "base/flat_map_merge.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
namespace policy = api::policy_v1;

const GroupResource pods{"", "pods"};
const GroupResource bindings{"", "pods/binding"};
const GroupResource budgets{"policy", "poddisruptionbudgets"};

api::Object success() {
  api::meta_v1::Status status;
  status.status = "Success";
  status.code = 201;
  return api::Object::of(std::move(status));
}

// The condition, true from now on if it was not before, without reason and message.
core::PodCondition& hold_condition(core::Pod& pod, std::string_view type, rt::WallTime now) {
  core::PodCondition* it = rules::find_condition(pod.status.conditions, type);
  if (it == nullptr) {
    it = &pod.status.conditions.emplace_back();
    it->type = type;
  }
  if (it->status != "True") it->last_transition_time = apimachinery::to_api_time(now);
  it->status = "True";
  it->observed_generation = 0;  // upstream writes the condition anew, without it
  it->reason.clear();
  it->message.clear();
  return *it;
}

void set_scheduled(core::Pod& pod, rt::WallTime now) {
  hold_condition(pod, "PodScheduled", now);
  pod.status.nominated_node_name.clear();  // the hope has come true, or another node was found
}

// The body is about the object that the path names, and says so.
Result<Unit> check_name(const RequestScope& scope, const std::string& name, std::string_view kind) {
  if (name == scope.name) return Unit{};
  return bad_request(fmt::format("the {} is about \"{}\", the path about \"{}\"", kind, name, scope.name));
}

// Writes the node into a pod that has none: the scheduler's last word.
class BindingAction : public registry::Action {
 public:
  Result<Unit> prepare(RequestScope& scope, api::Object& body) override {
    const auto& binding = body.as<core::Binding>();
    TRY(check_name(scope, binding.metadata.name, "Binding"));
    FieldErrors errors;
    if (!binding.target.kind.empty() && binding.target.kind != "Node") {
      constexpr std::array<std::string_view, 2> kinds{"Node", "<empty>"};
      errors.not_listed(FieldPath("target", "kind"), binding.target.kind, kinds);
    }
    if (binding.target.name.empty()) errors.required(FieldPath("target", "name"));
    return errors.result("", "Binding", scope.name);
  }

  rt::Task<Result<api::Object>> run(RequestScope& scope, registry::Admitted body) override {
    const core::Binding binding = std::move(body.object().as<core::Binding>());
    const std::string name = scope.name;
    const rt::WallTime now = scope.now;
    Mutation bind = [binding, now, name](api::Object& object) -> Result<Unit> {
      core::Pod& pod = object.as<core::Pod>();
      if (!binding.metadata.uid.empty() && binding.metadata.uid != pod.metadata.uid)
        return Unexpected(apiserver::errors::conflict(bindings, name, "the UID of the binding is not that of the pod"));
      if (!binding.metadata.resource_version.empty() && binding.metadata.resource_version != pod.metadata.resource_version)
        return Unexpected(apiserver::errors::conflict(bindings, name, "the resourceVersion of the binding is not that of the pod"));
      if (pod.metadata.deletion_timestamp)
        return Unexpected(apiserver::errors::conflict(bindings, name, fmt::format("pod {} is being deleted, cannot be assigned to a host", name)));
      if (!pod.spec.node_name.empty())
        return Unexpected(
            apiserver::errors::conflict(bindings, name, fmt::format("pod {} is already assigned to node \"{}\"", name, pod.spec.node_name)));
      if (!pod.spec.scheduling_gates.empty())
        return Unexpected(apiserver::errors::conflict(bindings, name, fmt::format("pod {} has non-empty .spec.schedulingGates", name)));
      pod.spec.node_name = binding.target.name;
      add_or_replace(pod.metadata.annotations, binding.metadata.annotations);
      add_or_replace(pod.metadata.labels, binding.metadata.labels);
      set_scheduled(pod, now);
      return Unit{};
    };
    CO_TRY(co_await scope.registry->update(scope, pods, scope.ns, name, "*", std::move(bind)));
    co_return success();
  }
};

Status too_many_disruptions(std::string message) {
  Status status{Reason::TooManyRequests, 0, "Cannot evict pod as it would violate the pod's disruption budget.", {}};
  status.details.causes.push_back({"DisruptionBudget", std::move(message), ""});
  return status;
}

// Removes a pod if its disruption budget allows one disruption more, which is taken from the budget first.
class EvictionAction : public registry::Action {
 public:
  // A dry run is asked for by the request or by what it says of the deletion.
  Result<Unit> prepare(RequestScope& scope, api::Object& body) override {
    auto& eviction = body.as<policy::Eviction>();
    TRY(check_name(scope, eviction.metadata.name, "Eviction"));
    if (!eviction.delete_options) return Unit{};
    TRY(registry::check_delete_options(*eviction.delete_options));
    scope.dry_run = scope.dry_run || !eviction.delete_options->dry_run.empty();
    return Unit{};
  }

  rt::Task<Result<api::Object>> run(RequestScope& scope, registry::Admitted body) override {
    const policy::Eviction eviction = std::move(body.object().as<policy::Eviction>());
    CO_TRY_ASSIGN(const api::Object found, co_await scope.registry->get(scope, pods, scope.ns, scope.name));
    const core::Pod& pod = found.as<core::Pod>();
    const bool ended = rules::is_terminal(pod) || pod.status.phase == "Pending";
    if (!ended && !pod.metadata.deletion_timestamp) {
      CO_TRY_ASSIGN(const std::string budget, budget_of(scope, pod));
      if (!budget.empty()) CO_TRY(co_await take_disruption(scope, pod, budget));
    }
    Registry::RemoveOptions options;
    if (eviction.delete_options) {
      options.grace_period_seconds = eviction.delete_options->grace_period_seconds.value_or(-1);
      options.orphan_dependents = eviction.delete_options->orphan_dependents;
      options.propagation_policy = eviction.delete_options->propagation_policy.value_or("");
      if (eviction.delete_options->preconditions) {
        options.uid = eviction.delete_options->preconditions->uid.value_or("");
        options.resource_version = eviction.delete_options->preconditions->resource_version.value_or("");
      }
    }
    if (!scope.dry_run) CO_TRY(co_await mark_disrupted(scope, options));
    CO_TRY(co_await scope.registry->remove(scope, pods, scope.ns, scope.name, std::move(options)));
    co_return success();
  }

 private:
  static Result<Unit> check_preconditions(const api::meta_v1::ObjectMeta& pod, const Registry::RemoveOptions& options) {
    const auto conflict = [&](std::string_view what, const std::string& wanted, const std::string& found, std::string_view how) {
      return Unexpected(
          errors::conflict({"", "Pod"}, pod.name,
                           fmt::format("the {0} in the precondition ({1}) does not match the {0} in record ({2}). The object might have been {3}",
                                       what, wanted, found, how)));
    };
    if (!options.uid.empty() && options.uid != pod.uid) return conflict("UID", options.uid, pod.uid, "deleted and then recreated");
    if (!options.resource_version.empty() && options.resource_version != pod.resource_version)
      return conflict("ResourceVersion", options.resource_version, pod.resource_version, "modified");
    return Unit{};
  }

  // Written before the pod is told to end: whoever sees it fail sees why. The pod's version, if it is a precondition, is the new one from then on.
  static rt::Task<Result<Unit>> mark_disrupted(RequestScope& scope, Registry::RemoveOptions& options) {
    const rt::WallTime now = scope.now;
    Mutation mark = [now, &options](api::Object& object) -> Result<Unit> {
      TRY(check_preconditions(object.as<core::Pod>().metadata, options));
      core::PodCondition& condition = hold_condition(object.as<core::Pod>(), "DisruptionTarget", now);
      condition.reason = "EvictionByEvictionAPI";
      condition.message = "Eviction API: evicting";
      return Unit{};
    };
    CO_TRY_ASSIGN(const api::Object marked, co_await scope.registry->update(scope, pods, scope.ns, scope.name, "status", std::move(mark)));
    if (!options.resource_version.empty()) options.resource_version = marked.as<core::Pod>().metadata.resource_version;
    co_return Unit{};
  }

  // The one budget that selects the pod; "" if none does. More than one cannot be honoured.
  static Result<std::string> budget_of(RequestScope& scope, const core::Pod& pod) {
    std::string name;
    for (const auto& cached : scope.registry->reader().list(budgets, scope.ns)) {
      TRY_ASSIGN(const api::Object object, scope.registry->reader().decode(budgets, *cached));
      const auto& budget = object.as<policy::PodDisruptionBudget>();
      TRY_ASSIGN(const auto selector, apimachinery::to_label_selector(budget.spec.selector.get()));
      if (!selector.matches(pod.metadata.labels)) continue;
      if (!name.empty()) return internal("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
      name = budget.metadata.name;
    }
    return name;
  }

  static rt::Task<Result<Unit>> take_disruption(RequestScope& scope, const core::Pod& pod, std::string budget_name) {
    const bool healthy = rules::is_ready(pod);
    const std::string pod_name = pod.metadata.name;
    const api::Time now = apimachinery::to_api_time(scope.now);
    Mutation take = [healthy, pod_name, now](api::Object& object) -> Result<Unit> {
      auto& budget = object.as<policy::PodDisruptionBudget>();
      if (!healthy) {
        const bool always = budget.spec.unhealthy_pod_eviction_policy && *budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow";
        if (always || (budget.status.current_healthy >= budget.status.desired_healthy && budget.status.desired_healthy > 0)) return Unit{};
      }
      if (budget.status.observed_generation < budget.metadata.generation) {
        Status status = too_many_disruptions(fmt::format("The disruption budget {} is still being processed by the server.", budget.metadata.name));
        status.details.retry_after_seconds = 10;
        return Unexpected(std::move(status));
      }
      if (budget.status.disruptions_allowed <= 0)
        return Unexpected(too_many_disruptions(fmt::format("The disruption budget {} needs {} healthy pods and has {} currently",
                                                           budget.metadata.name, budget.status.desired_healthy, budget.status.current_healthy)));
      --budget.status.disruptions_allowed;
      budget.status.disrupted_pods[pod_name] = now;
      return Unit{};
    };
    auto updated = co_await scope.registry->update(scope, budgets, scope.ns, std::move(budget_name), "status", std::move(take));
    if (!updated) co_return Unexpected(updated.error());
    co_return Unit{};
  }
};

}  // namespace

std::shared_ptr<registry::Action> make_binding_action() { return std::make_shared<BindingAction>(); }
std::shared_ptr<registry::Action> make_eviction_action() { return std::make_shared<EvictionAction>(); }

}  // namespace pintle::apiserver::resources

#include "controller/disruption/controller.h"

#include <set>

#include "api/codec.h"
#include "api/gen/apps_v1.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/selectors/or_nothing.h"
#include "client/work_queue.h"
#include "controller/discovery/discovery.h"
#include "controller/disruption/plan.h"
#include "controller/objects/owner.h"
#include "controller/pods/pod_disruption.h"
#include "controller/pods/pod_store.h"
#include "rules/owner_references.h"
#include "rules/pod_state.h"

namespace pintle::controller::disruption {

using api::core_v1::Pod;
using BudgetPtr = std::shared_ptr<const PodDisruptionBudget>;

namespace {

class DisruptionController final : public Controller {
 public:
  explicit DisruptionController(ControllerDeps deps)
      : deps_(deps),
        budgets_(deps.informers.of<PodDisruptionBudget>()),
        sets_(deps.informers.of<api::apps_v1::ReplicaSet>()),
        deployments_(deps.informers.of<api::apps_v1::Deployment>()),
        stateful_sets_(deps.informers.of<api::apps_v1::StatefulSet>()),
        controllers_(deps.informers.of<api::core_v1::ReplicationController>()),
        loop_(deps.loop("disruption"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }),
        stale_loop_(deps.loop("stale_pod_disruption"),
                    [this](rt::Context ctx, std::string key) { return clear_stale(std::move(ctx), std::move(key)); }) {
    client::Informer<PodDisruptionBudget>::Handler budgets;
    budgets.on_add = [this](const BudgetPtr& budget, bool) { enqueue(*budget); };
    budgets.on_update = [this](const BudgetPtr&, const BudgetPtr& budget) { enqueue(*budget); };
    budgets_.add_handler(std::move(budgets));
    client::index_selectors<PodDisruptionBudget>(
        budgets_, [](const PodDisruptionBudget& budget) { return apimachinery::selector_or_nothing(budget.spec.selector.get()); });
    client::Informer<Pod>::Handler pods;
    pods.on_add = [this](const pods::PodPtr& pod, bool) {
      pod_changed(*pod);
      watch_condition(*pod);
    };
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
      watch_condition(*after);
      if (before->metadata.labels != after->metadata.labels) pod_changed(*before);
      if (rules::is_ready(*before) != rules::is_ready(*after) || pods::is_deleted(before->metadata) != pods::is_deleted(after->metadata) ||
          rules::is_terminal(*before) != rules::is_terminal(*after) || before->metadata.labels != after->metadata.labels ||
          before->metadata.owner_references.size() != after->metadata.owner_references.size())
        pod_changed(*after);
    };
    pods.on_delete = [this](const pods::PodPtr& pod) { pod_changed(*pod); };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override {
    loop_.start(deps_.workers(1));
    stale_loop_.start(1);
  }
  rt::Task<void> stop() override {
    co_await loop_.stop();
    co_await stale_loop_.stop();
  }

 private:
  void enqueue(const PodDisruptionBudget& budget) { loop_.queue().add(client::object_key(budget.metadata.namespace_, budget.metadata.name)); }
  void pod_changed(const Pod& pod) {
    for (const BudgetPtr& budget : client::perhaps_selecting(budgets_, pod.metadata.namespace_, pod.metadata.labels)) {
      const auto selector = apimachinery::to_label_selector(budget->spec.selector.get());
      if (selector && selector->matches(pod.metadata.labels)) enqueue(*budget);
    }
  }
  // The condition of a pod whose disruption did not come is taken back in time.
  void watch_condition(const Pod& pod) {
    const auto left = stale_in(pod, deps_.runtime.clock().wall_now());
    if (left) stale_loop_.queue().add_after(client::object_key(pod.metadata.namespace_, pod.metadata.name), std::max(*left, rt::Duration::zero()));
  }
  rt::Task<Result<Unit>> clear_stale(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  // The sum of what the workloads of `owned` want.
  rt::Task<Result<int32_t>> expected(rt::Context ctx, const std::vector<pods::PodPtr>& owned);
  rt::Task<Result<int32_t>> replicas(rt::Context ctx, std::string namespace_name, api::meta_v1::OwnerReference ref, std::set<std::string>& counted);
  rt::Task<Result<int32_t>> scale_of(rt::Context ctx, std::string namespace_name, api::meta_v1::OwnerReference ref);

  ControllerDeps deps_;
  client::Informer<PodDisruptionBudget> budgets_;
  client::Informer<api::apps_v1::ReplicaSet> sets_;
  client::Informer<api::apps_v1::Deployment> deployments_;
  client::Informer<api::apps_v1::StatefulSet> stateful_sets_;
  client::Informer<api::core_v1::ReplicationController> controllers_;
  client::ControlLoop loop_, stale_loop_;
};

rt::Task<Result<Unit>> DisruptionController::clear_stale(rt::Context ctx, std::string key) {
  const pods::PodPtr pod = deps_.pods.get(key);
  if (pod == nullptr) co_return Unit{};
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  const auto left = stale_in(*pod, now);
  if (!left) co_return Unit{};
  if (*left > rt::Duration::zero()) {
    stale_loop_.queue().add_after(key, *left);
    co_return Unit{};
  }
  co_return co_await pods::mark_undisrupted(deps_.client, std::move(ctx), pod, now);
}

// Any other kind says it through its scale subresource.
rt::Task<Result<int32_t>> DisruptionController::scale_of(rt::Context ctx, std::string namespace_name, api::meta_v1::OwnerReference ref) {
  auto served = co_await discovery::discover(deps_.client, ctx);
  if (!served) co_return Unexpected(std::move(served).error());
  const discovery::ServedResource* resource = served->of_kind(rules::group_of(ref.api_version), ref.kind);
  if (resource == nullptr) co_return error(Reason::NotFound, "no resource of kind " + ref.kind);
  std::string path = resource->resource.path(namespace_name, ref.name, "scale");
  auto scale = co_await deps_.client.ask_json(std::move(ctx), "GET", std::move(path), "", "");
  if (!scale) co_return Unexpected(std::move(scale).error());
  const codec::Value* spec = scale->find("spec");
  const codec::Value* wanted = spec ? spec->find("replicas") : nullptr;
  co_return wanted != nullptr && wanted->is_int() ? static_cast<int32_t>(wanted->as_int()) : 0;
}

rt::Task<Result<int32_t>> DisruptionController::replicas(rt::Context ctx, std::string namespace_name, api::meta_v1::OwnerReference ref,
                                                         std::set<std::string>& counted) {
  const auto once = [&](const std::string& uid, std::optional<int32_t> wanted) { return counted.insert(uid).second ? wanted.value_or(1) : 0; };
  if (ref.kind == "ReplicaSet") {
    const auto set = sets_.get(namespace_name, ref.name);
    if (set != nullptr && set->metadata.uid == ref.uid) {
      const auto* owner = rules::controller_of(set->metadata);
      const auto deployment = owner != nullptr && owner->kind == "Deployment" ? deployments_.get(namespace_name, owner->name) : nullptr;
      if (deployment != nullptr && deployment->metadata.uid == owner->uid) co_return once(deployment->metadata.uid, deployment->spec.replicas);
      co_return once(set->metadata.uid, set->spec.replicas);
    }
  } else if (ref.kind == "StatefulSet") {
    const auto set = stateful_sets_.get(namespace_name, ref.name);
    if (set != nullptr && set->metadata.uid == ref.uid) co_return once(ref.uid, set->spec.replicas);
  } else if (ref.kind == "ReplicationController") {
    const auto controller = controllers_.get(namespace_name, ref.name);
    if (controller != nullptr && controller->metadata.uid == ref.uid) co_return once(ref.uid, controller->spec.replicas);
  } else {
    if (counted.contains(ref.uid)) co_return 0;
    auto scale = co_await scale_of(std::move(ctx), std::move(namespace_name), ref);
    if (!scale) co_return Unexpected(std::move(scale).error());
    co_return once(ref.uid, *scale);
  }
  co_return error(Reason::NotFound, "found no controllers for pod's owner \"" + ref.name + "\"");
}

rt::Task<Result<int32_t>> DisruptionController::expected(rt::Context ctx, const std::vector<pods::PodPtr>& owned) {
  int32_t total = 0;
  std::set<std::string> counted;
  for (const pods::PodPtr& pod : owned) {
    auto wanted = co_await replicas(ctx, pod->metadata.namespace_, *rules::controller_of(pod->metadata), counted);
    if (!wanted) co_return Unexpected(std::move(wanted).error());
    total += *wanted;
  }
  co_return total;
}

rt::Task<Result<Unit>> DisruptionController::sync(rt::Context ctx, std::string key) {
  const BudgetPtr budget = budgets_.get(key);
  if (budget == nullptr) co_return Unit{};
  const auto selector = apimachinery::to_label_selector(budget->spec.selector.get());
  if (!selector) co_return Unit{};
  const std::vector<pods::PodPtr> pods = deps_.pods.selected(budget->metadata.namespace_, *selector);
  if (pods.empty()) deps_.events.normal(*budget, "NoPods", "No matching pods found");
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  Result<int32_t> wanted = static_cast<int32_t>(pods.size());
  if (counts_workloads(*budget)) {
    const std::vector<pods::PodPtr> owned = owned_of(pods);
    wanted = co_await expected(ctx, owned);
    if (wanted && owned.size() < pods.size()) deps_.events.warning(*budget, "UnmanagedPods", unmanaged_message(*budget));
  }
  Result<Plan> plan = wanted ? plan_budget({*budget, pods, *wanted, now}) : Result<Plan>(Unexpected(wanted.error()));
  PodDisruptionBudget copy = *budget;
  if (plan) {
    copy.status = std::move(plan->status);
  } else {
    deps_.events.warning(*budget, "CalculateExpectedPodCountFailed", "Failed to calculate the number of expected pods: " + plan.error().message);
    copy.status = failed_status(*budget, plan.error().message, now);
  }
  if (!api::equal(api::type_of<PodDisruptionBudgetStatus>(), &copy.status, &budget->status)) {
    auto written = co_await deps_.client.update_status<PodDisruptionBudget>(std::move(ctx), std::move(copy));
    if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  }
  if (!plan) co_return Unit{};  // a change of the pods or workloads brings it here again
  if (plan->look_again) loop_.queue().add_after(key, *plan->look_again);
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_disruption_controller(ControllerDeps deps) { return std::make_unique<DisruptionController>(std::move(deps)); }

}  // namespace pintle::controller::disruption

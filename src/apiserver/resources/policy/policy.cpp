#include <array>

#include "api/codec.h"
#include "api/gen/policy_v1.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace policy = api::policy_v1;

std::string or_not_available(const std::optional<api::IntOrString>& value) {
  if (!value) return "N/A";
  return value->is_string ? value->string_value : std::to_string(value->int_value);
}

class PodDisruptionBudgetStrategy : public registry::TypedStrategy<policy::PodDisruptionBudget> {
 public:
  void prepare_for_create(const RequestScope&, policy::PodDisruptionBudget& budget) const override {
    budget.status = policy::PodDisruptionBudgetStatus();
  }
  void validate(const RequestScope&, const policy::PodDisruptionBudget& budget, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 2> policies{"AlwaysAllow", "IfHealthyBudget"};
    const policy::PodDisruptionBudgetSpec& spec = budget.spec;
    const FieldPath at("spec");
    if (spec.min_available && spec.max_unavailable)
      errors.invalid(at, apimachinery::BadValue::raw("{...}"), "minAvailable and maxUnavailable cannot be both set");
    if (spec.min_available) validate_int_or_percent(*spec.min_available, at.child("minAvailable"), true, errors);
    if (spec.max_unavailable) validate_int_or_percent(*spec.max_unavailable, at.child("maxUnavailable"), true, errors);
    if (spec.unhealthy_pod_eviction_policy && *spec.unhealthy_pod_eviction_policy != policies[0] &&
        *spec.unhealthy_pod_eviction_policy != policies[1])
      errors.not_supported(at.child("unhealthyPodEvictionPolicy"), *spec.unhealthy_pod_eviction_policy, policies);
    if (spec.selector) validate_label_selector(*spec.selector, at.child("selector"), errors);
  }
  void table_cells(const policy::PodDisruptionBudget& budget, registry::TableCells& cells) const override {
    cells.emplace_back(budget.metadata.name);
    cells.emplace_back(or_not_available(budget.spec.min_available));
    cells.emplace_back(or_not_available(budget.spec.max_unavailable));
    cells.emplace_back(budget.status.disruptions_allowed);
    cells.push_back(registry::TableCell::age(budget.metadata.creation_timestamp));
  }
};

}  // namespace

void add_policy(Definitions& out) {
  registry::ResourceDefinition budgets;
  budgets.resource = {"policy", "poddisruptionbudgets"};
  budgets.strategy = std::make_shared<PodDisruptionBudgetStrategy>();
  budgets.has_status = true;
  budgets.has_generation = true;
  out.push_back(std::move(budgets));
}

}  // namespace pintle::apiserver::resources

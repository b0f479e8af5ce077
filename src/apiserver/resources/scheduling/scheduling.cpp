#include <array>

#include "api/gen/scheduling_v1.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::resources {
namespace {

namespace scheduling = api::scheduling_v1;

constexpr int32_t user_priority_max = 1'000'000'000;
constexpr std::string_view system_prefix = "system-";

bool is_system_class(const scheduling::PriorityClass& priority) {
  return (priority.metadata.name == "system-node-critical" && priority.value == 2'000'001'000) ||
         (priority.metadata.name == "system-cluster-critical" && priority.value == 2'000'000'000);
}

class PriorityClassStrategy : public registry::TypedStrategy<scheduling::PriorityClass> {
 public:
  void validate(const RequestScope&, const scheduling::PriorityClass& priority, FieldErrors& errors) const override {
    if (priority.metadata.name.starts_with(system_prefix)) {
      if (!is_system_class(priority))
        errors.forbidden(FieldPath("metadata", "name"), "priority class names with 'system-' prefix are reserved for system use only");
    } else if (priority.value > user_priority_max) {
      errors.forbidden(FieldPath("value"), "maximum allowed value of a user defined priority is 1000000000");
    }
    constexpr std::array<std::string_view, 2> policies{"PreemptLowerPriority", "Never"};
    if (!priority.preemption_policy || priority.preemption_policy->empty()) {
      errors.required(FieldPath("preemptionPolicy"));
    } else if (*priority.preemption_policy != policies[0] && *priority.preemption_policy != policies[1]) {
      errors.not_listed(FieldPath("preemptionPolicy"), *priority.preemption_policy, policies);
    }
  }
  void validate_update(const RequestScope&, const scheduling::PriorityClass& priority, const scheduling::PriorityClass& old,
                       FieldErrors& errors) const override {
    if (priority.value != old.value) errors.forbidden(FieldPath("value"), "may not be changed in an update.");
    if (priority.preemption_policy != old.preemption_policy)
      errors.invalid(FieldPath("preemptionPolicy"), priority.preemption_policy.value_or(""), "field is immutable");
  }
  Result<Unit> validate_delete(const RequestScope&, const scheduling::PriorityClass& priority) const override {
    if (is_system_class(priority))
      return Unexpected(errors::forbidden({"scheduling.k8s.io", "priorityclasses"}, priority.metadata.name,
                                          "this is a system priority class and cannot be deleted"));
    return Unit{};
  }
  void table_cells(const scheduling::PriorityClass& priority, registry::TableCells& cells) const override {
    cells.emplace_back(priority.metadata.name);
    cells.emplace_back(priority.value);
    cells.emplace_back(priority.global_default);
    cells.push_back(registry::TableCell::age(priority.metadata.creation_timestamp));
    cells.emplace_back(priority.preemption_policy.value_or(""));
  }
};

}  // namespace

void add_scheduling(Definitions& out) {
  out.push_back(
      {.resource = {"scheduling.k8s.io", "priorityclasses"}, .strategy = std::make_shared<PriorityClassStrategy>(), .has_generation = true});
}

}  // namespace pintle::apiserver::resources

#include "controller/namespace_lifecycle/plan.h"

#include "controller/objects/time.h"
#include "rules/conditions.h"

namespace pintle::controller::namespace_lifecycle {

using api::core_v1::NamespaceCondition;
using api::core_v1::NamespaceStatus;

namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

std::string counted(const std::map<std::string, int>& counts, std::string_view between, std::string_view after) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) parts.push_back(name + std::string(between) + std::to_string(count) + std::string(after));
  return join(parts);
}

}  // namespace

NamespaceStatus plan_status(const NamespaceStatus& status, const Outcome& outcome, rt::WallTime now) {
  NamespaceStatus out = status;
  out.phase = "Terminating";
  struct Say {
    std::string_view type, reason;
    std::string message;
  };
  const auto set = [&](bool trouble, Say bad, Say good) {
    NamespaceCondition condition;
    const Say& say = trouble ? bad : good;
    condition.type = say.type;
    condition.status = trouble ? "True" : "False";
    condition.reason = say.reason;
    condition.message = say.message;
    condition.last_transition_time = apimachinery::to_api_time(now);
    rules::set_condition(out.conditions, std::move(condition));
  };
  std::vector<std::string> failures;
  for (const auto& [resource, why] : outcome.failures) failures.push_back(why);
  set(!outcome.undiscovered.empty(),
      {"NamespaceDeletionDiscoveryFailure", "DiscoveryFailed",
       "Discovery failed for some groups, " + std::to_string(outcome.undiscovered.size()) + " failing: " + join(outcome.undiscovered)},
      {"NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"});
  set(false, {}, {"NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"});
  set(!failures.empty(),
      {"NamespaceDeletionContentFailure", "ContentDeletionFailed",
       "Failed to delete all resource types, " + std::to_string(failures.size()) + " remaining: " + join(failures)},
      {"NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"});
  set(!outcome.remaining.empty(),
      {"NamespaceContentRemaining", "SomeResourcesRemain",
       "Some resources are remaining: " + counted(outcome.remaining, " has ", " resource instances")},
      {"NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"});
  set(!outcome.finalizers.empty(),
      {"NamespaceFinalizersRemaining", "SomeFinalizersRemain",
       "Some content in the namespace has finalizers remaining: " + counted(outcome.finalizers, " in ", " resource instances")},
      {"NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"});
  return out;
}

}  // namespace pintle::controller::namespace_lifecycle

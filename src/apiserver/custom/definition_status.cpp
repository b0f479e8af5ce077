#include "apiserver/custom/definition_status.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/resources/apiextensions/apiextensions.h"
#include "apiserver/resources/apiextensions/approval.h"
#include "rules/conditions.h"

namespace pintle::apiserver::custom {
namespace {

using Condition = api::apiextensions_v1::CustomResourceDefinitionCondition;
using Names = api::apiextensions_v1::CustomResourceDefinitionNames;
using Status = api::apiextensions_v1::CustomResourceDefinitionStatus;

void set(Status& status, Condition wanted, api::Time now) {
  wanted.last_transition_time = now;
  rules::set_condition(status.conditions, std::move(wanted));
}

Condition condition_of(std::string_view type, bool holds, std::string_view reason, std::string message) {
  Condition out;
  out.type = type;
  out.status = holds ? "True" : "False";
  out.reason = reason;
  out.message = std::move(message);
  return out;
}

std::string in_use(std::string_view name) { return fmt::format("\"{}\" is already in use", name); }

// Takes each name that is free; the condition tells of the last that is not.
class Claim {
 public:
  Claim(const TakenNames& taken, Names had) : taken_(taken), names_(std::move(had)) {}

  void resource(std::string Names::*member, const Names& asked, std::string_view reason) { one(taken_.resources, member, asked, reason); }
  void kind(std::string Names::*member, const Names& asked, std::string_view reason) { one(taken_.kinds, member, asked, reason); }
  void short_names(const Names& asked) {
    const auto conflict = std::ranges::find_if(asked.short_names, [&](const std::string& name) { return taken_.resources.contains(name); });
    if (conflict != asked.short_names.end())
      refuse("ShortNamesConflict", *conflict);
    else
      names_.short_names = asked.short_names;
  }
  void categories(const Names& asked) { names_.categories = asked.categories; }

  const Names& names() const { return names_; }
  const Condition& condition() const { return condition_; }

 private:
  void one(const std::set<std::string, std::less<>>& taken, std::string Names::*member, const Names& asked, std::string_view reason) {
    if (taken.contains(asked.*member))
      refuse(reason, asked.*member);
    else
      names_.*member = asked.*member;
  }
  void refuse(std::string_view reason, const std::string& name) { condition_ = condition_of("NamesAccepted", false, reason, in_use(name)); }

  const TakenNames& taken_;
  Names names_;
  Condition condition_ = condition_of("NamesAccepted", true, "NoConflicts", "no conflicts found");
};

}  // namespace

void TakenNames::add(const Names& accepted) {
  for (const std::string& name : {accepted.plural, accepted.singular})
    if (!name.empty()) resources.insert(name);
  resources.insert(accepted.short_names.begin(), accepted.short_names.end());
  for (const std::string& name : {accepted.kind, accepted.list_kind})
    if (!name.empty()) kinds.insert(name);
}

Status with_names(const Definition& definition, const TakenNames& taken, api::Time now) {
  const Names& asked = definition.spec.names;
  Claim claim(taken, definition.status.accepted_names);
  claim.resource(&Names::plural, asked, "PluralConflict");
  claim.resource(&Names::singular, asked, "SingularConflict");
  claim.short_names(asked);
  claim.kind(&Names::kind, asked, "KindConflict");
  claim.kind(&Names::list_kind, asked, "ListKindConflict");
  claim.categories(asked);

  Status out = definition.status;
  out.accepted_names = claim.names();
  const bool accepted = claim.condition().status == "True";
  set(out, claim.condition(), now);
  if (rules::condition_is(definition.status.conditions, "Established", "True")) return out;
  if (!accepted)
    set(out, condition_of("Established", false, "NotAccepted", "not all names are accepted"), now);
  else if (!resources::apiextensions::has_usable_ca_bundle(definition.spec))
    set(out, condition_of("Established", false, "InvalidCABundle", "The conversion webhook CABundle is invalid"), now);
  else
    set(out, condition_of("Established", true, "InitialNamesAccepted", "the initial names have been accepted"), now);
  return out;
}

void set_structural(Status& status, const std::vector<std::string>& violations, api::Time now) {
  if (violations.empty()) {
    rules::remove_condition(status.conditions, "NonStructuralSchema");
    return;
  }
  std::string message = violations.front();
  if (violations.size() > 1) {
    message = "[";
    for (const std::string& one : violations) message += (message.size() > 1 ? ", " : "") + one;
    message += "]";
  }
  set(status, condition_of("NonStructuralSchema", true, "Violations", std::move(message)), now);
}

void set_approval(Status& status, const Definition& definition, api::Time now) {
  using State = resources::apiextensions::Approval::State;
  auto approval = resources::apiextensions::approval_of(definition);
  std::string_view reason;
  switch (approval.state) {
    case State::NotNeeded: return;
    case State::Approved: reason = "ApprovedAnnotation"; break;
    case State::Bypassed: reason = "UnapprovedAnnotation"; break;
    case State::Missing: reason = "MissingAnnotation"; break;
    case State::Invalid: reason = "InvalidAnnotation"; break;
  }
  set(status, condition_of("KubernetesAPIApprovalPolicyConformant", approval.state == State::Approved, reason, std::move(approval.message)), now);
}

void set_terminating(Status& status, Terminating how, std::string_view why, api::Time now) {
  switch (how) {
    case Terminating::Begun:
      set(status, condition_of("Terminating", true, "InstanceDeletionInProgress", "CustomResource deletion is in progress"), now);
      break;
    case Terminating::Failed: set(status, condition_of("Terminating", true, "InstanceDeletionFailed", std::string(why)), now); break;
    case Terminating::Done: set(status, condition_of("Terminating", false, "InstanceDeletionCompleted", "removed all instances"), now); break;
  }
}

}  // namespace pintle::apiserver::custom

#include "apiserver/admission/configured/matching.h"
#include "apimachinery/apply/metadata_access.h"

#include <algorithm>

#include "api/gen/meta_v1.h"

namespace pintle::apiserver::admission::configured {
namespace {

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& one) { return one == "*" || one == name; });
}

std::string_view name_of(Operation operation) {
  switch (operation) {
    case Operation::Create: return "CREATE";
    case Operation::Update: return "UPDATE";
    case Operation::Delete: return "DELETE";
    case Operation::Connect: return "CONNECT";
  }
  return {};
}

// "pods", "pods/exec", "pods/*", "*/scale", "*/*"; "*" is every resource and no subresource.
bool lists_resource(const std::vector<std::string>& patterns, std::string_view resource, std::string_view subresource) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    const auto slash = pattern.find('/');
    const std::string_view wanted = pattern.substr(0, slash);
    const std::string_view sub = slash == pattern.npos ? std::string_view() : pattern.substr(slash + 1);
    return (wanted == "*" || wanted == resource) && (sub == "*" || sub == subresource);
  });
}

bool is_events(const GroupResource& resource) {
  return resource.resource == "events" && (resource.group.empty() || resource.group == "events.k8s.io");
}

bool lists_group(const std::vector<std::string>& groups, const AdmissionAttributes& a, bool equivalent) {
  if (lists(groups, a.resource.group)) return true;
  return equivalent && is_events(a.resource) && (lists(groups, "") || lists(groups, "events.k8s.io"));  // one resource in two groups
}

bool in_scope(const v1::Rule& rule, const AdmissionAttributes& a) {
  if (!rule.scope || *rule.scope == "*") return true;
  const bool namespaced = !a.ns.empty() && !a.is("", "namespaces");
  return namespaced == (*rule.scope == "Namespaced");
}

bool applies(const v1::NamedRuleWithOperations& rule, const AdmissionAttributes& a, bool equivalent) {
  if (!lists(rule.operations, name_of(a.operation)) || !lists_group(rule.api_groups, a, equivalent) || !in_scope(rule, a)) return false;
  if (!equivalent && !lists(rule.api_versions, a.version)) return false;
  if (!lists_resource(rule.resources, a.resource.resource, a.subresource)) return false;
  return rule.resource_names.empty() || std::find(rule.resource_names.begin(), rule.resource_names.end(), a.name) != rule.resource_names.end();
}

bool any_applies(const std::vector<v1::NamedRuleWithOperations>& rules, const AdmissionAttributes& a, bool equivalent) {
  return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return applies(rule, a, equivalent); });
}

bool selects_object(const apimachinery::LabelSelector& selector, const AdmissionAttributes& a) {
  if (selector.matches_everything()) return true;
  const Labels* now = labels_of(a.object);
  const Labels* before = labels_of(a.old_object);
  return (now != nullptr && selector.matches(*now)) || (before != nullptr && selector.matches(*before));
}

}  // namespace

namespace detail {

// One that cannot be read selects everything: it was checked when it was written.
apimachinery::LabelSelector selector_of(const api::meta_v1::LabelSelector* selector) {
  if (selector == nullptr) return {};
  auto made = apimachinery::to_label_selector(selector);
  return made ? std::move(*made) : apimachinery::LabelSelector();
}

}  // namespace detail

const Labels* labels_of(const api::Object* object) {
  if (object == nullptr || !*object) return nullptr;
  const api::meta_v1::ObjectMeta* const metadata = apimachinery::find_metadata(*object);
  return metadata == nullptr ? nullptr : &metadata->labels;
}

Selection selection_of(const v1::MatchResources& resources, bool rules_required) {
  Selection out;
  out.rules = resources.resource_rules;
  out.excluded = resources.exclude_resource_rules;
  out.namespaces = detail::selector_of(resources.namespace_selector.get());
  out.objects = detail::selector_of(resources.object_selector.get());
  out.any_rule = !rules_required && resources.resource_rules.empty();
  out.equivalent = resources.match_policy != "Exact";
  return out;
}

bool selects(const Selection& selection, const AdmissionAttributes& a, const Labels* namespace_labels) {
  if (any_applies(selection.excluded, a, selection.equivalent)) return false;
  if (!selection.any_rule && !any_applies(selection.rules, a, selection.equivalent)) return false;
  if (!selection.namespaces.matches_everything() && namespace_labels != nullptr && !selection.namespaces.matches(*namespace_labels)) return false;
  return selects_object(selection.objects, a);
}

}  // namespace pintle::apiserver::admission::configured

#include "apiserver/admission/configured/matching.h"
#include "apimachinery/apply/metadata_access.h"

#include <algorithm>

#include "api/gen/meta_v1.h"

namespace pintle::apiserver::admission::configured {
namespace {

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& one) { return one == "*" || one == name; });
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

bool in_scope(const v1::Rule& rule, const AdmissionAttributes& a) {
  if (!rule.scope || *rule.scope == "*") return true;
  const bool namespaced = !a.ns.empty() && !a.is("", "namespaces");
  return namespaced == (*rule.scope == "Namespaced");
}

// One of the ways to name what a request is about.
struct Name {
  const GroupResource& resource;
  std::string_view version;
};

bool applies(const v1::NamedRuleWithOperations& rule, const AdmissionAttributes& a, const Name& name) {
  return lists(rule.operations, operation_name(a.operation)) && lists(rule.api_groups, name.resource.group) &&
         lists(rule.api_versions, name.version) && lists_resource(rule.resources, name.resource.resource, a.subresource) && in_scope(rule, a) &&
         (rule.resource_names.empty() || std::find(rule.resource_names.begin(), rule.resource_names.end(), a.name) != rule.resource_names.end());
}

using Rules = std::vector<v1::NamedRuleWithOperations>;

std::optional<Selected> any_applies(const Rules& rules, const AdmissionAttributes& a, bool equivalent) {
  if (a.versions == nullptr) {
    const Name own{a.resource, a.version};
    const bool any = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return applies(rule, a, own); });
    return any ? std::optional<Selected>(Selected{}) : std::nullopt;
  }
  const auto& served = a.versions->served();
  const auto as = [&](std::size_t i) { return Name{served[i].resource, served[i].version}; };
  for (const auto& rule : rules)
    if (applies(rule, a, as(a.requested))) return Selected{a.requested};
  if (!equivalent || served.size() == 1) return std::nullopt;
  for (const auto& rule : rules)
    for (std::size_t i = 0; i < served.size(); ++i)
      if (i != a.requested && applies(rule, a, as(i))) return Selected{i};
  return std::nullopt;
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

std::optional<Selected> select_by_rules(const Selection& selection, const AdmissionAttributes& a) {
  if (any_applies(selection.excluded, a, selection.equivalent)) return std::nullopt;
  if (!selection.any_rule) return any_applies(selection.rules, a, selection.equivalent);
  return Selected{a.versions != nullptr ? std::optional(a.requested) : std::nullopt};
}

bool select_by_labels(const Selection& selection, const AdmissionAttributes& a, const Labels* namespace_labels) {
  if (!selection.namespaces.matches_everything() && namespace_labels != nullptr && !selection.namespaces.matches(*namespace_labels)) return false;
  return selects_object(selection.objects, a);
}

std::optional<Selected> select(const Selection& selection, const AdmissionAttributes& a, const Labels* namespace_labels) {
  const auto selected = select_by_rules(selection, a);
  return selected && select_by_labels(selection, a, namespace_labels) ? selected : std::nullopt;
}

bool selects(const Selection& selection, const AdmissionAttributes& a, const Labels* namespace_labels) {
  return select(selection, a, namespace_labels).has_value();
}

}  // namespace pintle::apiserver::admission::configured

// What a webhook configuration or an admission policy selects of the requests. No I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/admissionregistration_v1.h"
#include "apimachinery/selectors/label_selector.h"
#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission::configured {

namespace v1 = api::admissionregistration_v1;

// Rules and selectors of one webhook, policy or binding, made once from its object.
struct Selection {
  std::vector<v1::NamedRuleWithOperations> rules;
  std::vector<v1::NamedRuleWithOperations> excluded;
  apimachinery::LabelSelector namespaces;  // the empty one selects everything
  apimachinery::LabelSelector objects;
  bool any_rule = false;   // bindings without rules: whatever their policy says
  bool equivalent = true;  // a rule for one version of a resource selects all
};

template <class Webhook>
Selection selection_of_webhook(const Webhook& webhook);
Selection selection_of(const v1::MatchResources& resources, bool rules_required);

// How a rule names what it selects.
struct Selected {
  std::optional<std::size_t> version;  // among those of the attributes; nullopt: they have none, and it is what the request names
};

using Labels = FlatMap<std::string>;
// `namespace_labels`: of the namespace the request is in; nullptr: it is in none. nullopt: it is not selected. The request's own name for its
// resource comes before its equivalents: the other versions, and the other group of one resource (events).
std::optional<Selected> select(const Selection& selection, const AdmissionAttributes& attributes, const Labels* namespace_labels);
// The rules alone, nobody's labels asked.
std::optional<Selected> select_by_rules(const Selection& selection, const AdmissionAttributes& attributes);
// The selectors alone.
bool select_by_labels(const Selection& selection, const AdmissionAttributes& attributes, const Labels* namespace_labels);
bool selects(const Selection& selection, const AdmissionAttributes& attributes, const Labels* namespace_labels);

// Labels of the object, or none without metadata.
const Labels* labels_of(const api::Object* object);

namespace detail {
apimachinery::LabelSelector selector_of(const api::meta_v1::LabelSelector* selector);
}  // namespace detail

template <class Webhook>
Selection selection_of_webhook(const Webhook& webhook) {
  Selection out;
  for (const v1::RuleWithOperations& rule : webhook.rules) static_cast<v1::RuleWithOperations&>(out.rules.emplace_back()) = rule;
  out.namespaces = detail::selector_of(webhook.namespace_selector.get());
  out.objects = detail::selector_of(webhook.object_selector.get());
  out.equivalent = webhook.match_policy != "Exact";
  return out;
}

}  // namespace pintle::apiserver::admission::configured

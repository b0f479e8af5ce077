// What a webhook configuration or an admission policy selects of the requests. No I/O.
#pragma once

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
  bool equivalent = true;  // a rule for one version of a resource is for all
};

template <class Webhook>
Selection selection_of_webhook(const Webhook& webhook);
Selection selection_of(const v1::MatchResources& resources, bool rules_required);

// What of the namespace a request is in must be known; nullptr: it is in none.
using Labels = FlatMap<std::string>;
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

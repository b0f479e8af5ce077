#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/admissionregistration/admissionregistration.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/webhook_client.h"

namespace pintle::apiserver::resources::admissionregistration {
namespace {

constexpr int32_t timeout_seconds_max = 30;
constexpr std::array<std::string_view, 2> review_versions{"v1", "v1beta1"};

bool is_known_review(const std::string& version) {
  return std::find(review_versions.begin(), review_versions.end(), version) != review_versions.end();
}
template <class Webhook>
bool has_no_side_effects(const Webhook& hook) {
  return hook.side_effects && (*hook.side_effects == "None" || *hook.side_effects == "NoneOnDryRun");
}

// What an update need not fulfil when the object did not fulfil it before.
struct Rules {
  bool no_side_effects = true;
  bool known_review = true;
  bool unique_names = true;
};

void validate_review_versions(const std::vector<std::string>& versions, const Rules& rules, const FieldPath& path, FieldErrors& errors) {
  if (versions.empty()) {
    errors.required(path, "must hold at least one of v1, v1beta1");
    return;
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (!seen.insert(versions[i]).second) {
      errors.invalid(path.index(i), versions[i], "duplicate version");
    } else {
      errors.invalid_all(path.index(i), versions[i], apimachinery::check_dns1035_label(versions[i]));
    }
  }
  if (rules.known_review && std::none_of(versions.begin(), versions.end(), is_known_review))
    errors.invalid(path, versions.front(), "must include one of v1, v1beta1");
}

template <class Webhook>
void validate_webhook(const Webhook& hook, const Rules& rules, const FieldPath& path, FieldErrors& errors) {
  if (hook.name.empty()) {
    errors.required(path.child("name"));
  } else if (const auto faults = apimachinery::check_fully_qualified_name(hook.name); !faults.empty()) {
    errors.invalid(path.child("name"), hook.name, faults.front());
  }
  for (std::size_t i = 0; i < hook.rules.size(); ++i) validate_rule(hook.rules[i], path.child("rules").index(i), errors);
  constexpr std::array<std::string_view, 4> classes{"None", "NoneOnDryRun", "Some", "Unknown"};
  const std::span<const std::string_view> allowed(classes.data(), rules.no_side_effects ? 2 : classes.size());
  if (!hook.side_effects) errors.required(path.child("sideEffects"), "must be one of None, NoneOnDryRun");
  if (hook.side_effects && std::find(allowed.begin(), allowed.end(), *hook.side_effects) == allowed.end())
    errors.not_supported(path.child("sideEffects"), *hook.side_effects, allowed);
  if (hook.timeout_seconds && (*hook.timeout_seconds < 1 || *hook.timeout_seconds > timeout_seconds_max))
    errors.invalid(path.child("timeoutSeconds"), *hook.timeout_seconds, "must be between 1 and 30 seconds");
  if (hook.namespace_selector) validate_label_selector(*hook.namespace_selector, path.child("namespaceSelector"), errors);
  if (hook.object_selector) validate_label_selector(*hook.object_selector, path.child("objectSelector"), errors);
  const FieldPath client = path.child("clientConfig");
  if (hook.client_config.url.has_value() == hook.client_config.service.has_value()) {
    errors.required(client, "exactly one of url or service is required");
  } else if (hook.client_config.url) {
    validate_webhook_url(*hook.client_config.url, client.child("url"), errors);
  } else {
    // Upstream reports a missing name as the namespace and the other way round; clients have seen nothing else.
    const auto& service = *hook.client_config.service;
    validate_webhook_service({.ns = service.name, .name = service.namespace_, .path = service.path, .port = service.port.value_or(0)},
                             client.child("service"), errors);
  }
  validate_match_conditions(hook.match_conditions, false, path.child("matchConditions"), errors);
  validate_review_versions(hook.admission_review_versions, rules, path.child("admissionReviewVersions"), errors);
}

template <class Configuration>
void validate_webhooks(const Configuration& configuration, const Rules& rules, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < configuration.webhooks.size(); ++i) {
    const auto& hook = configuration.webhooks[i];
    const FieldPath path = FieldPath("webhooks").index(i);
    validate_webhook(hook, rules, path, errors);
    if (rules.unique_names && !hook.name.empty() && !names.insert(hook.name).second) errors.duplicate(path.child("name"), hook.name);
  }
}

template <class Configuration>
Rules rules_after(const Configuration& old) {
  Rules rules;
  std::set<std::string_view> names;
  for (const auto& hook : old.webhooks) {
    rules.no_side_effects = rules.no_side_effects && has_no_side_effects(hook);
    rules.known_review =
        rules.known_review && std::any_of(hook.admission_review_versions.begin(), hook.admission_review_versions.end(), is_known_review);
    rules.unique_names = rules.unique_names && names.insert(hook.name).second;
  }
  return rules;
}

template <class Configuration>
class WebhookConfigurationStrategy : public registry::TypedStrategy<Configuration> {
 public:
  void validate(const RequestScope&, const Configuration& configuration, FieldErrors& errors) const override {
    validate_webhooks(configuration, Rules{}, errors);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const Configuration& configuration, const Configuration& old, FieldErrors& errors) const override {
    validate_webhooks(configuration, rules_after(old), errors);
  }
  void table_cells(const Configuration& configuration, registry::TableCells& cells) const override {
    cells.emplace_back(configuration.metadata.name);
    cells.emplace_back(static_cast<int64_t>(configuration.webhooks.size()));
    cells.push_back(registry::TableCell::age(configuration.metadata.creation_timestamp));
  }
};

template <class Configuration>
registry::ResourceDefinition define(std::string_view resource) {
  registry::ResourceDefinition made;
  made.resource = {"admissionregistration.k8s.io", std::string(resource)};
  made.strategy = std::make_shared<WebhookConfigurationStrategy<Configuration>>();
  made.has_generation = true;
  made.allow_unconditional_update = false;
  return made;
}

}  // namespace

registry::ResourceDefinition validating_webhook_configurations() {
  return define<v1::ValidatingWebhookConfiguration>("validatingwebhookconfigurations");
}
registry::ResourceDefinition mutating_webhook_configurations() { return define<v1::MutatingWebhookConfiguration>("mutatingwebhookconfigurations"); }

}  // namespace pintle::apiserver::resources::admissionregistration

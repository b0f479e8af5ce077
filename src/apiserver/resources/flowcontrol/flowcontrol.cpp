#include <algorithm>
#include <array>
#include <set>

#include "api/gen/flowcontrol_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/fairness/shuffle_sharding.h"
#include "apiserver/resources/resources.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace flowcontrol = api::flowcontrol_v1;
using apimachinery::BadValue;

constexpr std::string_view group = "flowcontrol.apiserver.k8s.io";
constexpr int32_t precedence_max = 10000;
constexpr int32_t queues_max = 10'000'000;

void validate_subject(const flowcontrol::Subject& subject, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> kinds{"Group", "ServiceAccount", "User"};
  const auto only = [&](bool present, std::string_view field, std::string_view kind) {
    if (present && subject.kind != kind)
      errors.forbidden(path.child(field), std::string(field) + " is forbidden when subject kind is not '" + std::string(kind) + "'");
    if (!present && subject.kind == kind)
      errors.required(path.child(field), std::string(field) + " is required when subject kind is '" + std::string(kind) + "'");
  };
  if (!contains(kinds, subject.kind)) {
    errors.not_supported(path.child("kind"), subject.kind, kinds);
    return;
  }
  only(subject.service_account.has_value(), "serviceAccount", "ServiceAccount");
  only(subject.user.has_value(), "user", "User");
  only(subject.group.has_value(), "group", "Group");
  if (subject.kind == "ServiceAccount" && subject.service_account) {
    if (subject.service_account->name.empty()) errors.required(path.child("serviceAccount", "name"));
    if (subject.service_account->namespace_.empty())
      errors.required(path.child("serviceAccount", "namespace"), "must specify namespace for service account");
  }
  if (subject.kind == "User" && subject.user && subject.user->name.empty()) errors.required(path.child("user", "name"));
  if (subject.kind == "Group" && subject.group && subject.group->name.empty()) errors.required(path.child("group", "name"));
}

// A list with "*" holds nothing else.
void validate_wildcard(const std::vector<std::string>& list, const FieldPath& path, FieldErrors& errors) {
  if (list.size() > 1 && std::find(list.begin(), list.end(), "*") != list.end())
    errors.invalid(path, BadValue::raw("[...]"), "if '*' is present, must not specify other values");
}

void validate_verbs(const std::vector<std::string>& verbs, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 10> known{"*", "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"};
  if (verbs.empty()) {
    errors.required(path, "verbs must contain at least one value");
    return;
  }
  for (const std::string& verb : verbs)
    if (!contains(known, verb)) {
      errors.not_supported(path, BadValue::raw("[...]"), known);
      return;
    }
  validate_wildcard(verbs, path, errors);
}

void validate_resource_rule(const flowcontrol::ResourcePolicyRule& rule, const FieldPath& path, FieldErrors& errors) {
  validate_verbs(rule.verbs, path.child("verbs"), errors);
  if (rule.api_groups.empty()) errors.required(path.child("apiGroups"), "resource rules must supply at least one api group");
  validate_wildcard(rule.api_groups, path.child("apiGroups"), errors);
  if (rule.resources.empty()) errors.required(path.child("resources"), "resource rules must supply at least one resource");
  validate_wildcard(rule.resources, path.child("resources"), errors);
  if (rule.namespaces.empty() && !rule.cluster_scope)
    errors.required(path.child("namespaces"), "resource rules that are not cluster scoped must supply at least one namespace");
  validate_wildcard(rule.namespaces, path.child("namespaces"), errors);
  for (std::size_t i = 0; i < rule.namespaces.size(); ++i)
    if (rule.namespaces[i] != "*")
      errors.invalid_all(path.child("namespaces").index(i), rule.namespaces[i], apimachinery::check_dns_label(rule.namespaces[i]));
}

void validate_rule(const flowcontrol::PolicyRulesWithSubjects& rule, const FieldPath& path, FieldErrors& errors) {
  if (rule.subjects.empty()) errors.required(path.child("subjects"), "subjects must contain at least one value");
  for (std::size_t i = 0; i < rule.subjects.size(); ++i) validate_subject(rule.subjects[i], path.child("subjects").index(i), errors);
  if (rule.resource_rules.empty() && rule.non_resource_rules.empty())
    errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty");
  for (std::size_t i = 0; i < rule.resource_rules.size(); ++i)
    validate_resource_rule(rule.resource_rules[i], path.child("resourceRules").index(i), errors);
  for (std::size_t i = 0; i < rule.non_resource_rules.size(); ++i) {
    const FieldPath at = path.child("nonResourceRules").index(i);
    validate_verbs(rule.non_resource_rules[i].verbs, at.child("verbs"), errors);
    if (rule.non_resource_rules[i].non_resource_urls.empty())
      errors.required(at.child("nonResourceURLs"), "nonResourceURLs must contain at least one value");
    validate_wildcard(rule.non_resource_rules[i].non_resource_urls, at.child("nonResourceURLs"), errors);
  }
}

class FlowSchemaStrategy : public registry::TypedStrategy<flowcontrol::FlowSchema> {
 public:
  void set_defaults(flowcontrol::FlowSchema& schema) const override {
    if (schema.spec.matching_precedence == 0) schema.spec.matching_precedence = 1000;
  }
  void prepare_for_create(const RequestScope&, flowcontrol::FlowSchema& schema) const override { schema.status = flowcontrol::FlowSchemaStatus(); }
  void validate(const RequestScope&, const flowcontrol::FlowSchema& schema, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 2> methods{"ByNamespace", "ByUser"};
    const flowcontrol::FlowSchemaSpec& spec = schema.spec;
    const FieldPath at("spec");
    if (spec.matching_precedence <= 0) errors.invalid(at.child("matchingPrecedence"), spec.matching_precedence, "must be a positive value");
    if (spec.matching_precedence > precedence_max)
      errors.invalid(at.child("matchingPrecedence"), spec.matching_precedence, "must not be greater than 10000");
    if (spec.matching_precedence == 1 && schema.metadata.name != "exempt")
      errors.invalid(at.child("matchingPrecedence"), spec.matching_precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
    if (spec.distinguisher_method && !contains(methods, spec.distinguisher_method->type))
      errors.not_supported(at.child("distinguisherMethod").child("type"), spec.distinguisher_method->type, methods);
    if (spec.priority_level_configuration.name.empty()) {
      errors.required(at.child("priorityLevelConfiguration", "name"), "must reference a priority level");
    } else {
      errors.invalid_all(at.child("priorityLevelConfiguration", "name"), spec.priority_level_configuration.name,
                         apimachinery::check_dns_subdomain(spec.priority_level_configuration.name));
    }
    for (std::size_t i = 0; i < spec.rules.size(); ++i) validate_rule(spec.rules[i], at.child("rules").index(i), errors);
  }
  void table_cells(const flowcontrol::FlowSchema& schema, registry::TableCells& cells) const override {
    std::string missing = "?";
    for (const flowcontrol::FlowSchemaCondition& condition : schema.status.conditions)
      if (condition.type == "Dangling") missing = condition.status;
    cells.emplace_back(schema.metadata.name);
    cells.emplace_back(schema.spec.priority_level_configuration.name.empty() ? "<none>" : schema.spec.priority_level_configuration.name);
    cells.emplace_back(schema.spec.matching_precedence);
    cells.emplace_back(schema.spec.distinguisher_method ? schema.spec.distinguisher_method->type : "<none>");
    cells.push_back(registry::TableCell::age(schema.metadata.creation_timestamp));
    cells.emplace_back(missing);
  }
};

class PriorityLevelStrategy : public registry::TypedStrategy<flowcontrol::PriorityLevelConfiguration> {
 public:
  void set_defaults(flowcontrol::PriorityLevelConfiguration& level) const override {
    if (auto& limited = level.spec.limited) {
      if (!limited->nominal_concurrency_shares) limited->nominal_concurrency_shares = 30;
      if (!limited->lendable_percent) limited->lendable_percent = 0;
      if (auto& queuing = limited->limit_response.queuing) {
        if (queuing->queues == 0) queuing->queues = 64;
        if (queuing->hand_size == 0) queuing->hand_size = 8;
        if (queuing->queue_length_limit == 0) queuing->queue_length_limit = 50;
      }
    }
    if (level.spec.type == "Exempt") {
      auto& exempt = level.spec.exempt.ensure();
      if (!exempt.nominal_concurrency_shares) exempt.nominal_concurrency_shares = 0;
      if (!exempt.lendable_percent) exempt.lendable_percent = 0;
    }
  }
  void prepare_for_create(const RequestScope&, flowcontrol::PriorityLevelConfiguration& level) const override {
    level.status = flowcontrol::PriorityLevelConfigurationStatus();
  }
  void validate(const RequestScope&, const flowcontrol::PriorityLevelConfiguration& level, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 2> types{"Exempt", "Limited"};
    const flowcontrol::PriorityLevelConfigurationSpec& spec = level.spec;
    const FieldPath at("spec");
    if ((level.metadata.name == "exempt") != (spec.type == "Exempt") && contains(types, spec.type))
      errors.invalid(at.child("type"), spec.type, "type must be 'Exempt' if and only if name is 'exempt'");
    if (spec.type == "Exempt") {
      if (spec.limited) errors.forbidden(at.child("limited"), "must be nil if the type is not Limited");
      if (spec.exempt) {
        if (*spec.exempt->nominal_concurrency_shares < 0)
          errors.invalid(at.child("exempt", "nominalConcurrencyShares"), *spec.exempt->nominal_concurrency_shares, "must be a non-negative integer");
        validate_percent(*spec.exempt->lendable_percent, at.child("exempt", "lendablePercent"), errors);
      }
    } else if (spec.type == "Limited") {
      if (spec.exempt) errors.forbidden(at.child("exempt"), "must be nil if the type is Limited");
      if (!spec.limited) {
        errors.required(at.child("limited"), "must not be empty when type is Limited");
      } else {
        validate_limited(*spec.limited, at.child("limited"), errors);
      }
    } else {
      errors.not_supported(at.child("type"), spec.type, types);
    }
  }
  void table_cells(const flowcontrol::PriorityLevelConfiguration& level, registry::TableCells& cells) const override {
    registry::TableCell shares("<none>"), queues("<none>"), hand("<none>"), length("<none>");
    if (level.spec.limited) {
      shares = registry::TableCell(level.spec.limited->nominal_concurrency_shares.value_or(0));
      if (const auto& queuing = level.spec.limited->limit_response.queuing) {
        queues = registry::TableCell(queuing->queues);
        hand = registry::TableCell(queuing->hand_size);
        length = registry::TableCell(queuing->queue_length_limit);
      }
    }
    cells.emplace_back(level.metadata.name);
    cells.emplace_back(level.spec.type);
    cells.push_back(std::move(shares));
    cells.push_back(std::move(queues));
    cells.push_back(std::move(hand));
    cells.push_back(std::move(length));
    cells.push_back(registry::TableCell::age(level.metadata.creation_timestamp));
  }

 private:
  static void validate_percent(int32_t value, const FieldPath& path, FieldErrors& errors) {
    if (value < 0 || value > 100) errors.invalid(path, value, "must be between 0 and 100, inclusive");
  }
  static void validate_limited(const flowcontrol::LimitedPriorityLevelConfiguration& limited, const FieldPath& path, FieldErrors& errors) {
    constexpr std::array<std::string_view, 2> responses{"Queue", "Reject"};
    if (limited.nominal_concurrency_shares.value_or(0) < 0)
      errors.invalid(path.child("nominalConcurrencyShares"), *limited.nominal_concurrency_shares, "must be a non-negative integer");
    const FieldPath response = path.child("limitResponse");
    if (limited.limit_response.type.empty()) {
      errors.required(response.child("type"));
    } else if (limited.limit_response.type == "Reject") {
      if (limited.limit_response.queuing) errors.forbidden(response.child("queuing"), "must be nil if limited.limitResponse.type is not Limited");
    } else if (limited.limit_response.type == "Queue") {
      if (!limited.limit_response.queuing) {
        errors.required(response.child("queuing"), "must not be empty if limited.limitResponse.type is Limited");
      } else {
        validate_queuing(*limited.limit_response.queuing, response.child("queuing"), errors);
      }
    } else {
      errors.not_supported(response.child("type"), limited.limit_response.type, responses);
    }
    validate_percent(limited.lendable_percent.value_or(0), path.child("lendablePercent"), errors);
    if (limited.borrowing_limit_percent.value_or(0) < 0)
      errors.invalid(path.child("borrowingLimitPercent"), *limited.borrowing_limit_percent, "if specified, must be a non-negative integer");
  }
  static void validate_queuing(const flowcontrol::QueuingConfiguration& queuing, const FieldPath& path, FieldErrors& errors) {
    if (queuing.queue_length_limit <= 0) errors.invalid(path.child("queueLengthLimit"), queuing.queue_length_limit, "must be positive");
    if (queuing.queues <= 0) {
      errors.invalid(path.child("queues"), queuing.queues, "must be positive");
    } else if (queuing.queues > queues_max) {
      errors.invalid(path.child("queues"), queuing.queues, "must not be greater than 10000000");
    }
    if (queuing.hand_size <= 0) {
      errors.invalid(path.child("handSize"), queuing.hand_size, "must be positive");
    } else if (queuing.hand_size > queuing.queues) {
      errors.invalid(path.child("handSize"), queuing.hand_size, "should not be greater than queues");
    } else if (fairness::required_entropy_bits(queuing.queues, queuing.hand_size) > fairness::entropy_bits_max) {
      errors.invalid(path.child("handSize"), queuing.hand_size,
                     "required entropy bits of deckSize " + std::to_string(queuing.queues) + " and handSize " + std::to_string(queuing.hand_size) +
                         " should not be greater than " + std::to_string(fairness::entropy_bits_max));
    }
  }
};

registry::ResourceDefinition make(const char* resource, std::shared_ptr<const registry::Strategy> strategy) {
  registry::ResourceDefinition out;
  out.resource = {std::string(group), resource};
  out.strategy = std::move(strategy);
  out.has_status = true;
  out.parts = {registry::status_alone()};
  out.has_generation = true;
  return out;
}

}  // namespace

void add_flowcontrol(Definitions& out) {
  out.push_back(make("flowschemas", std::make_shared<FlowSchemaStrategy>()));
  out.push_back(make("prioritylevelconfigurations", std::make_shared<PriorityLevelStrategy>()));
}

}  // namespace pintle::apiserver::resources

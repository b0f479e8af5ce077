#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/batch/batch.h"
#include "apiserver/resources/core/pod_spec.h"
#include "base/parse_number.h"
#include "base/split.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace batch = api::batch_v1;
using apimachinery::BadValue;

constexpr std::size_t failure_rules_max = 20;
constexpr std::size_t exit_codes_max = 255;
constexpr std::size_t conditions_max = 20;
constexpr std::size_t success_rules_max = 20;
constexpr int32_t parallelism_indexed_max = 100000;
constexpr int32_t completions_with_limit_max = 100000;

void validate_exit_codes(const std::set<std::string_view>& containers, const batch::PodFailurePolicyOnExitCodesRequirement& codes,
                         const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> operators{"In", "NotIn"};
  if (codes.operator_.empty()) {
    errors.required(path.child("operator"));
  } else if (!contains(operators, codes.operator_)) {
    errors.not_supported(path.child("operator"), codes.operator_, operators);
  }
  if (codes.container_name && !containers.contains(*codes.container_name))
    errors.invalid(path.child("containerName"), *codes.container_name, "must be one of the container or initContainer names in the pod template");
  const FieldPath values = path.child("values");
  if (codes.values.empty()) {
    errors.invalid(values, BadValue::raw("[]"), "at least one value is required");
  } else if (codes.values.size() > exit_codes_max) {
    errors.too_many(values, codes.values.size(), exit_codes_max);
  }
  bool ordered = true;
  std::set<int32_t> seen;
  for (std::size_t i = 0; i < codes.values.size(); ++i) {
    const int32_t code = codes.values[i];
    if (codes.operator_ == "In" && code == 0) errors.invalid(values.index(i), code, "must not be 0 for the In operator");
    if (i > 0 && codes.values[i - 1] > code) ordered = false;
    if (!seen.insert(code).second) errors.duplicate(values.index(i), code);
  }
  if (!ordered) errors.invalid(values, BadValue::raw("[...]"), "must be ordered");
}

void validate_failure_policy(const batch::JobSpec& spec, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 4> actions{"Count", "FailIndex", "FailJob", "Ignore"};
  const FieldPath list = path.child("rules");
  const auto& rules = spec.pod_failure_policy->rules;
  if (rules.size() > failure_rules_max) errors.too_many(list, rules.size(), failure_rules_max);
  std::set<std::string_view> containers;
  for (const auto& container : spec.template_.spec.containers) containers.insert(container.name);
  for (const auto& container : spec.template_.spec.init_containers) containers.insert(container.name);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const batch::PodFailurePolicyRule& rule = rules[i];
    const FieldPath at = list.index(i);
    if (rule.action.empty()) {
      errors.required(at.child("action"));
    } else if (rule.action == "FailIndex" && !spec.backoff_limit_per_index) {
      errors.invalid(at.child("action"), rule.action, "requires the backoffLimitPerIndex field to be set");
    } else if (!contains(actions, rule.action)) {
      errors.not_supported(at.child("action"), rule.action, actions);
    }
    if (rule.on_exit_codes) validate_exit_codes(containers, *rule.on_exit_codes, at.child("onExitCodes"), errors);
    if (rule.on_pod_conditions.size() > conditions_max) errors.too_many(at.child("onPodConditions"), rule.on_pod_conditions.size(), conditions_max);
    for (std::size_t c = 0; c < rule.on_pod_conditions.size(); ++c) {
      constexpr std::array<std::string_view, 3> statuses{"False", "True", "Unknown"};
      const auto& pattern = rule.on_pod_conditions[c];
      const FieldPath one = at.child("onPodConditions").index(c);
      errors.invalid_all(one.child("type"), pattern.type, apimachinery::check_qualified_name(pattern.type));
      if (pattern.status.empty()) {
        errors.required(one.child("status"));
      } else if (!contains(statuses, pattern.status)) {
        errors.not_supported(one.child("status"), pattern.status, statuses);
      }
    }
    if (rule.on_exit_codes && !rule.on_pod_conditions.empty())
      errors.invalid(at, BadValue::raw("{...}"), "specifying both OnExitCodes and OnPodConditions is not supported");
    if (!rule.on_exit_codes && rule.on_pod_conditions.empty())
      errors.invalid(at, BadValue::raw("{...}"), "specifying one of OnExitCodes and OnPodConditions is required");
  }
}

// The number of indexes in "1,3-5"; nothing if it is no ascending list below `completions`.
std::optional<int32_t> count_indexes(std::string_view text, int32_t completions) {
  int32_t total = 0;
  int32_t previous = -1;
  for (const std::string_view item : split(text, ',')) {
    const std::size_t dash = item.find('-');
    const auto low = parse_number<int32_t>(item.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : parse_number<int32_t>(item.substr(dash + 1));
    if (!low || !high || (dash != std::string_view::npos && *high <= *low)) return std::nullopt;
    if (*low <= previous || *high >= completions) return std::nullopt;
    total += *high - *low + 1;
    previous = *high;
  }
  return total;
}

void validate_success_policy(const batch::JobSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const FieldPath list = path.child("rules");
  const auto& rules = spec.success_policy->rules;
  if (rules.empty()) errors.required(list, "at least one rules must be specified when the successPolicy is specified");
  if (rules.size() > success_rules_max) errors.too_many(list, rules.size(), success_rules_max);
  const int32_t completions = spec.completions.value_or(0);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    const FieldPath at = list.index(i);
    if (!rule.succeeded_count && !rule.succeeded_indexes) errors.required(at, "at least one of succeededCount or succeededIndexes must be specified");
    std::optional<int32_t> indexes;
    if (rule.succeeded_indexes) {
      indexes = rule.succeeded_indexes->empty() ? std::optional<int32_t>(0) : count_indexes(*rule.succeeded_indexes, completions);
      if (!indexes) errors.invalid(at.child("succeededIndexes"), *rule.succeeded_indexes, "error parsing succeededIndexes");
    }
    if (rule.succeeded_count) {
      const FieldPath count = at.child("succeededCount");
      non_negative(*rule.succeeded_count, count, errors);
      if (*rule.succeeded_count > completions)
        errors.invalid(count, *rule.succeeded_count,
                       fmt::format("must be less than or equal to {} (the number of specified completions)", completions));
      if (rule.succeeded_indexes && *rule.succeeded_count > indexes.value_or(0))
        errors.invalid(
            count, *rule.succeeded_count,
            fmt::format("must be less than or equal to {} (the number of indexes in the specified succeededIndexes field)", indexes.value_or(0)));
    }
  }
}

void validate_indexed(const batch::JobSpec& spec, const FieldPath& at, FieldErrors& errors) {
  if (!spec.completions) errors.required(at.child("completions"), "when completion mode is Indexed");
  if (spec.parallelism && *spec.parallelism > parallelism_indexed_max && spec.completions)
    errors.invalid(at.child("parallelism"), *spec.parallelism,
                   fmt::format("must be less than or equal to {} when completion mode is Indexed", parallelism_indexed_max));
  if (spec.completions && spec.max_failed_indexes && *spec.max_failed_indexes > *spec.completions)
    errors.invalid(at.child("maxFailedIndexes"), *spec.max_failed_indexes, "must be less than or equal to completions");
  if (spec.completions && spec.backoff_limit_per_index && *spec.completions > completions_with_limit_max && !spec.max_failed_indexes)
    errors.required(at.child("maxFailedIndexes"), "must be specified when completions is above 100000");
}

}  // namespace

void validate_job_spec(const batch::JobSpec& spec, const FieldPath& at, bool in_template, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> restart_policies{"OnFailure", "Never"};
  constexpr std::array<std::string_view, 2> modes{"NonIndexed", "Indexed"};
  if (!in_template && !spec.selector) {
    errors.required(at.child("selector"));
  } else if (spec.selector) {
    validate_label_selector(*spec.selector, at.child("selector"), errors);
  }
  const auto checked = [&](const auto& value, std::string_view field) {
    if (value) non_negative(*value, at.child(field), errors);
  };
  checked(spec.parallelism, "parallelism");
  checked(spec.completions, "completions");
  checked(spec.active_deadline_seconds, "activeDeadlineSeconds");
  checked(spec.backoff_limit, "backoffLimit");
  checked(spec.ttl_seconds_after_finished, "ttlSecondsAfterFinished");
  checked(spec.backoff_limit_per_index, "backoffLimitPerIndex");
  if (spec.max_failed_indexes) {
    non_negative(*spec.max_failed_indexes, at.child("maxFailedIndexes"), errors);
    if (!spec.backoff_limit_per_index) errors.required(at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
  }
  const bool indexed = spec.completion_mode && *spec.completion_mode == "Indexed";
  if (spec.completion_mode) {
    if (!contains(modes, *spec.completion_mode)) errors.not_listed(at.child("completionMode"), *spec.completion_mode, modes);
    if (indexed) validate_indexed(spec, at, errors);
  }
  if (!indexed) {
    if (spec.backoff_limit_per_index)
      errors.invalid(at.child("backoffLimitPerIndex"), *spec.backoff_limit_per_index, "requires indexed completion mode");
    if (spec.max_failed_indexes) errors.invalid(at.child("maxFailedIndexes"), *spec.max_failed_indexes, "requires indexed completion mode");
  }
  if (spec.pod_failure_policy) validate_failure_policy(spec, at.child("podFailurePolicy"), errors);
  if (spec.success_policy) {
    if (!indexed) {
      errors.invalid(at.child("successPolicy"), BadValue::raw("{...}"), "requires indexed completion mode");
    } else {
      validate_success_policy(spec, at.child("successPolicy"), errors);
    }
  }
  if (spec.pod_replacement_policy) {
    constexpr std::array<std::string_view, 2> any{"Failed", "TerminatingOrFailed"};
    constexpr std::array<std::string_view, 1> failed{"Failed"};
    const std::span<const std::string_view> allowed =
        spec.pod_failure_policy ? std::span<const std::string_view>(failed) : std::span<const std::string_view>(any);
    if (!contains(allowed, *spec.pod_replacement_policy))
      errors.not_supported(at.child("podReplacementPolicy"), *spec.pod_replacement_policy, allowed);
  }
  if (spec.managed_by) errors.invalid_all(at.child("managedBy"), *spec.managed_by, apimachinery::check_domain_prefixed_path(*spec.managed_by));
  validate_pod_template(spec.template_, at.child("template"), errors);
  const std::string& restart = spec.template_.spec.restart_policy;
  const FieldPath policy = at.child("template").child("spec", "restartPolicy");
  if (restart.empty() || restart == "Always") {
    errors.required(policy, "valid values: \"OnFailure\", \"Never\"");
  } else if (restart != "Never" && restart != "OnFailure") {
    errors.not_listed(policy, restart, restart_policies);
  } else if (spec.pod_failure_policy && restart != "Never") {
    errors.invalid(policy, restart, "only \"Never\" is supported when podFailurePolicy is specified");
  }
}

}  // namespace pintle::apiserver::resources

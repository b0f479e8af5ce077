#include "apiserver/resources/apps/workload.h"

#include <array>
#include <charconv>

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/validation/formats.h"
#include "apimachinery/validation/shown.h"
#include "apiserver/resources/core/pod_spec.h"

namespace pintle::apiserver::resources {
namespace {

using apimachinery::BadValue;

int percent_of(const api::IntOrString& value) {
  int percent = 0;
  std::from_chars(value.string_value.data(), value.string_value.data() + value.string_value.size(), percent);
  return percent;
}

}  // namespace

void non_negative(int64_t value, const FieldPath& path, FieldErrors& errors) {
  if (value < 0) errors.invalid(path, value, "must be greater than or equal to 0");
}

void validate_workload_selector(const api::meta_v1::LabelSelector* selector, const api::core_v1::PodTemplateSpec& pod_template, const FieldPath& spec,
                                std::string_view kind, FieldErrors& errors) {
  if (selector == nullptr) {
    errors.required(spec.child("selector"));
    return;
  }
  validate_label_selector(*selector, spec.child("selector"), errors);
  if (selector->match_labels.empty() && selector->match_expressions.empty())
    errors.invalid(spec.child("selector"), BadValue::raw("{}"), "empty selector is invalid for " + std::string(kind));
  const auto parsed = apimachinery::to_label_selector(selector);
  if (!parsed) {
    errors.invalid(spec.child("selector"), apimachinery::shown(*selector), "invalid label selector");
  } else if (!parsed->matches_everything() && !parsed->matches(pod_template.metadata.labels)) {
    errors.invalid(spec.child("template").child("metadata", "labels"), apimachinery::shown(pod_template.metadata.labels),
                   "`selector` does not match template `labels`");
  }
}

void validate_running_template(const api::core_v1::PodTemplateSpec& pod_template, const FieldPath& path, std::string_view kind, FieldErrors& errors) {
  constexpr std::array<std::string_view, 1> always{"Always"};
  if (pod_template.spec.restart_policy != "Always")
    errors.not_supported(path.child("spec", "restartPolicy"), pod_template.spec.restart_policy, always);
  if (pod_template.spec.active_deadline_seconds)
    errors.forbidden(path.child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in " + std::string(kind) + " is not Supported");
}

BadValue shown_strategy(std::string_view type, bool has_rolling_update) {
  return BadValue::raw("{\"Type\":" + BadValue(type).shown() + ",\"RollingUpdate\":" + (has_rolling_update ? "{...}" : "null") + "}");
}

void validate_int_or_percent(const api::IntOrString& value, const FieldPath& path, bool at_most_all, FieldErrors& errors) {
  if (!value.is_string) {
    non_negative(value.int_value, path, errors);
    return;
  }
  errors.invalid_all(path, value.string_value, apimachinery::check_percent(value.string_value));
  if (at_most_all) validate_not_above_all(value, path, errors);
}

void validate_not_above_all(const api::IntOrString& value, const FieldPath& path, FieldErrors& errors) {
  if (value.is_string && apimachinery::check_percent(value.string_value).empty() && percent_of(value) > 100)
    errors.invalid(path, value.string_value, "must not be greater than 100%");
}

bool is_zero(const api::IntOrString& value) { return value.is_string ? percent_of(value) == 0 : value.int_value == 0; }

bool same_selector(const Box<api::meta_v1::LabelSelector>& a, const Box<api::meta_v1::LabelSelector>& b) {
  if (!a || !b) return !a && !b;
  return api::equal(api::type_of<api::meta_v1::LabelSelector>(), a.get(), b.get());
}

std::string scale_selector_text(const api::meta_v1::LabelSelector* selector) {
  const auto parsed = apimachinery::to_label_selector(selector);
  return parsed ? parsed->to_string() : std::string();
}

}  // namespace pintle::apiserver::resources

// What the workload kinds share: the selector against the template, integers or percents, replicas.
#pragma once

#include <string>

#include "api/gen/core_v1.h"
#include "api/gen/meta_v1.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

void non_negative(int64_t value, const FieldPath& path, FieldErrors& errors);
// The selector is there, well-formed, not empty, and selects the template's labels. `kind` is for the message.
void validate_workload_selector(const api::meta_v1::LabelSelector* selector, const api::core_v1::PodTemplateSpec& pod_template, const FieldPath& spec,
                                std::string_view kind, FieldErrors& errors);
// Workloads that keep pods running: restartPolicy Always, no deadline.
void validate_running_template(const api::core_v1::PodTemplateSpec& pod_template, const FieldPath& path, std::string_view kind, FieldErrors& errors);
// A number not below zero or a percent; a percent of at most 100 where `at_most_all`.
void validate_int_or_percent(const api::IntOrString& value, const FieldPath& path, bool at_most_all, FieldErrors& errors);
void validate_not_above_all(const api::IntOrString& value, const FieldPath& path, FieldErrors& errors);
bool is_zero(const api::IntOrString& value);
bool same_selector(const Box<api::meta_v1::LabelSelector>& a, const Box<api::meta_v1::LabelSelector>& b);
// A strategy of an unknown type as an error shows it: Go's JSON of the struct; its rolling update is not spelt out.
apimachinery::BadValue shown_strategy(std::string_view type, bool has_rolling_update);
// The selector as scale's status shows it.
std::string scale_selector_text(const api::meta_v1::LabelSelector* selector);

}  // namespace pintle::apiserver::resources

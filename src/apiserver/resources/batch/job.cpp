#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/table/duration.h"
#include "apimachinery/validation/formats.h"
#include "apimachinery/validation/shown.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/batch/batch.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"
#include "rt/far_time.h"

namespace pintle::apiserver::resources {
namespace {

namespace batch = api::batch_v1;

constexpr std::string_view controller_uid_label = "batch.kubernetes.io/controller-uid";
constexpr std::string_view job_name_label = "batch.kubernetes.io/job-name";
constexpr std::string_view legacy_controller_uid_label = "controller-uid";
constexpr std::string_view legacy_job_name_label = "job-name";
constexpr int32_t backoff_limit_default = 6;

// The labels that go with a generated selector.
std::array<std::pair<std::string_view, std::string_view>, 4> generated_labels(const batch::Job& job) {
  return {{{legacy_controller_uid_label, job.metadata.uid},
           {legacy_job_name_label, job.metadata.name},
           {controller_uid_label, job.metadata.uid},
           {job_name_label, job.metadata.name}}};
}

// The selector by the Job's own uid, and the labels that go with it. What the user wrote stays, and is refused by validation.
void generate_selector(batch::Job& job) {
  const auto fill = [](FlatMap<std::string>& labels, std::string_view key, std::string_view value) {
    if (!labels.contains(key)) labels[key] = value;
  };
  for (const auto& [key, value] : generated_labels(job)) fill(job.spec.template_.metadata.labels, key, value);
  fill(job.spec.selector.ensure().match_labels, controller_uid_label, job.metadata.uid);
}

// A selector that the server makes meets the labels that it makes, and none of the user's.
void validate_generated_selector(const batch::Job& job, FieldErrors& errors) {
  if (job.spec.manual_selector.value_or(false) || !job.spec.selector) return;
  const FieldPath labels = FieldPath("spec", "template").child("metadata", "labels");
  FlatMap<std::string> expected;
  for (const auto& [key, value] : generated_labels(job)) {
    expected[key] = value;
    const auto& given = job.spec.template_.metadata.labels;
    const auto found = given.find(key);
    const std::string must = fmt::format("must be '{}'", value);
    if (found == given.end()) {
      errors.required(labels.key(key), must);
    } else if (found->second != value) {
      errors.invalid(labels.key(key), apimachinery::shown(given), must);
    }
  }
  const auto selector = apimachinery::to_label_selector(job.spec.selector.get());
  if (selector && !selector->matches(expected))
    errors.invalid(FieldPath("spec", "selector"), apimachinery::shown(job.spec.selector), "`selector` not auto-generated");
}

// Pods that nothing selects would be made for ever. No selector selects nothing.
void validate_selected(const batch::Job& job, FieldErrors& errors) {
  const auto selector = apimachinery::to_label_selector(job.spec.selector.get());
  if (selector && !selector->matches(job.spec.template_.metadata.labels))
    errors.invalid(FieldPath("spec", "template").child("metadata", "labels"), apimachinery::shown(job.spec.template_.metadata.labels),
                   "`selector` does not match template `labels`");
}

bool suspended(const batch::Job& job) { return job.spec.suspend.value_or(false); }
bool has_condition(const batch::Job& job, std::string_view type) {
  return std::any_of(job.status.conditions.begin(), job.status.conditions.end(),
                     [&](const batch::JobCondition& c) { return c.type == type && c.status == "True"; });
}

class JobStrategy : public registry::TypedStrategy<batch::Job> {
 public:
  void warnings(const RequestScope&, const batch::Job& object, const batch::Job* old, std::vector<std::string>& out) const override {
    if (old == nullptr || object.metadata.generation != old->metadata.generation)
      pod_template_warnings(object.spec.template_, FieldPath("spec", "template"), out);
  }
  void set_defaults(batch::Job& job) const override {
    default_job_spec(job.spec);
    if (!job.spec.manual_selector) job.spec.manual_selector = false;
    if (job.metadata.labels.empty()) job.metadata.labels = job.spec.template_.metadata.labels;
  }

  void prepare_for_create(const RequestScope& scope, batch::Job& job) const override {
    // Labels that were taken from the template follow it.
    const bool follows = scope.unlabelled && !job.metadata.labels.empty() && job.metadata.labels == job.spec.template_.metadata.labels;
    if (!job.spec.manual_selector.value_or(false)) generate_selector(job);
    if (follows) job.metadata.labels = job.spec.template_.metadata.labels;
    job.status = batch::JobStatus();
  }

  // A Job without labels has its template's as soon as it is read from the store: it is answered in that form at once.
  void canonicalize(batch::Job& job) const override {
    if (job.metadata.labels.empty()) job.metadata.labels = job.spec.template_.metadata.labels;
  }
  void validate(const RequestScope&, const batch::Job& job, FieldErrors& errors) const override {
    validate_generated_selector(job, errors);
    validate_job_spec(job.spec, FieldPath("spec"), false, errors);
    validate_selected(job, errors);
    const bool indexed = job.spec.completion_mode && *job.spec.completion_mode == "Indexed";
    if (indexed && job.spec.completions.value_or(0) > 0) {
      // The pods' host names are made of it.
      const std::string host = fmt::format("{}-{}", job.metadata.name, *job.spec.completions - 1);
      const auto faults = apimachinery::check_dns_label(host);
      if (!faults.empty())
        errors.invalid(FieldPath("metadata", "name"), job.metadata.name, "will not able to create pod with invalid DNS label: " + host);
    }
  }

  void validate_update(const RequestScope&, const batch::Job& job, const batch::Job& old, FieldErrors& errors) const override {
    const FieldPath at("spec");
    if (!(job.spec.completion_mode && *job.spec.completion_mode == "Indexed" && job.spec.completions == job.spec.parallelism) &&
        job.spec.completions != old.spec.completions)
      errors.invalid(at.child("completions"), job.spec.completions.value_or(0), "field is immutable");
    if (!same_selector(job.spec.selector, old.spec.selector))
      errors.invalid(at.child("selector"), apimachinery::shown(job.spec.selector), "field is immutable");
    validate_template_update(job, old, errors);
    if (job.spec.completion_mode != old.spec.completion_mode)
      errors.invalid(at.child("completionMode"), job.spec.completion_mode.value_or(""), "field is immutable");
    const auto& policy = api::type_of<batch::PodFailurePolicy>();
    if (job.spec.pod_failure_policy.has_value() != old.spec.pod_failure_policy.has_value() ||
        (job.spec.pod_failure_policy && !api::equal(policy, job.spec.pod_failure_policy.get(), old.spec.pod_failure_policy.get())))
      errors.invalid(at.child("podFailurePolicy"), apimachinery::BadValue::raw("{...}"), "field is immutable");
    if (job.spec.backoff_limit_per_index != old.spec.backoff_limit_per_index)
      errors.invalid(at.child("backoffLimitPerIndex"), job.spec.backoff_limit_per_index.value_or(0), "field is immutable");
    if (job.spec.managed_by != old.spec.managed_by) errors.invalid(at.child("managedBy"), job.spec.managed_by.value_or(""), "field is immutable");
  }

  void table_cells(const batch::Job& job, registry::TableCells& cells) const override {
    cells.emplace_back(job.metadata.name);
    cells.emplace_back(status_text(job));
    cells.emplace_back(completions_text(job));
    cells.push_back(duration_cell(job));
    cells.push_back(registry::TableCell::age(job.metadata.creation_timestamp));
    append_template_cells(job.spec.template_.spec, selector_text(job.spec.selector.get()), cells);
  }

 private:
  // A suspended Job without pods may still move and ask for other resources, unless it has begun and is not suspended yet.
  static void validate_template_update(const batch::Job& job, const batch::Job& old, FieldErrors& errors) {
    auto before = old.spec.template_;
    const auto& pod_template = job.spec.template_;
    const bool mutable_template = suspended(old) && (!old.status.start_time || has_condition(old, "Suspended")) && old.status.active == 0;
    if (mutable_template) {
      before.metadata.labels = pod_template.metadata.labels;
      before.metadata.annotations = pod_template.metadata.annotations;
      before.spec.node_selector = pod_template.spec.node_selector;
      before.spec.tolerations = pod_template.spec.tolerations;
      before.spec.scheduling_gates = pod_template.spec.scheduling_gates;
      take_node_affinity(pod_template.spec.affinity, before.spec.affinity);
      take_resources(pod_template.spec.containers, before.spec.containers);
      take_resources(pod_template.spec.init_containers, before.spec.init_containers);
    }
    if (!api::equal(api::type_of<api::core_v1::PodTemplateSpec>(), &pod_template, &before))
      errors.invalid(FieldPath("spec", "template"), apimachinery::BadValue::raw("{...}"), "field is immutable");
  }

  static void take_node_affinity(const Box<api::core_v1::Affinity>& from, Box<api::core_v1::Affinity>& to) {
    if (from) {
      to.ensure().node_affinity = from->node_affinity;
    } else if (to) {
      to->node_affinity.reset();
      if (!to->pod_affinity && !to->pod_anti_affinity) to.reset();
    }
  }

  static void take_resources(const std::vector<api::core_v1::Container>& from, std::vector<api::core_v1::Container>& to) {
    if (from.size() != to.size()) return;
    for (std::size_t i = 0; i < to.size(); ++i)
      if (from[i].name == to[i].name) to[i].resources = from[i].resources;
  }

  static std::string status_text(const batch::Job& job) {
    if (has_condition(job, "Complete")) return "Complete";
    if (has_condition(job, "Failed")) return "Failed";
    if (job.metadata.deletion_timestamp) return "Terminating";
    if (has_condition(job, "Suspended")) return "Suspended";
    if (has_condition(job, "FailureTarget")) return "FailureTarget";
    if (has_condition(job, "SuccessCriteriaMet")) return "SuccessCriteriaMet";
    return "Running";
  }
  static std::string completions_text(const batch::Job& job) {
    if (job.spec.completions) return fmt::format("{}/{}", job.status.succeeded, *job.spec.completions);
    const int32_t parallelism = job.spec.parallelism.value_or(0);
    return parallelism > 1 ? fmt::format("{}/1 of {}", job.status.succeeded, parallelism) : fmt::format("{}/1", job.status.succeeded);
  }
  static registry::TableCell duration_cell(const batch::Job& job) {
    if (!job.status.start_time) return "";
    if (!job.status.completion_time) return registry::TableCell::age(*job.status.start_time);
    return apimachinery::human_duration(rt::seconds_of(job.status.completion_time->seconds - job.status.start_time->seconds));
  }
};

}  // namespace

void default_job_spec(batch::JobSpec& spec) {
  default_pod_spec(spec.template_.spec);
  if (!spec.completions && !spec.parallelism) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  if (!spec.parallelism) spec.parallelism = 1;
  if (!spec.backoff_limit) spec.backoff_limit = spec.backoff_limit_per_index ? INT32_MAX : backoff_limit_default;
  if (!spec.completion_mode) spec.completion_mode = "NonIndexed";
  if (!spec.suspend) spec.suspend = false;
  if (spec.pod_failure_policy)
    for (batch::PodFailurePolicyRule& rule : spec.pod_failure_policy->rules)
      for (auto& pattern : rule.on_pod_conditions)
        if (pattern.status.empty()) pattern.status = "True";
  if (!spec.pod_replacement_policy) spec.pod_replacement_policy = spec.pod_failure_policy ? "Failed" : "TerminatingOrFailed";
}

registry::ResourceDefinition jobs() {
  registry::ResourceDefinition out;
  out.resource = {"batch", "jobs"};
  out.strategy = std::make_shared<JobStrategy>();
  out.has_status = true;
  out.has_generation = true;
  out.orphan_by_default = true;
  out.selectable_fields = {{"status.successful", "status.succeeded", "", "0"}};
  return out;
}

}  // namespace pintle::apiserver::resources

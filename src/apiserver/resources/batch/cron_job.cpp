#include <algorithm>
#include <array>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/apps/workload.h"
#include "apiserver/resources/batch/batch.h"
#include "apiserver/resources/core/template_cells.h"
#include "base/strings.h"
#include "rules/cron/cron_schedule.h"

namespace pintle::apiserver::resources {
namespace {

namespace batch = api::batch_v1;

constexpr std::size_t name_bytes_max = 52;  // the controller appends 11 characters to make the Jobs' names

class CronJobStrategy : public registry::TypedStrategy<batch::CronJob> {
 public:
  explicit CronJobStrategy(const apimachinery::cel::TimeZones* zones) : zones_(zones) {}
  void set_defaults(batch::CronJob& job) const override {
    if (job.spec.concurrency_policy.empty()) job.spec.concurrency_policy = "Allow";
    if (!job.spec.suspend) job.spec.suspend = false;
    if (!job.spec.successful_jobs_history_limit) job.spec.successful_jobs_history_limit = 3;
    if (!job.spec.failed_jobs_history_limit) job.spec.failed_jobs_history_limit = 1;
    // The Jobs' own defaults are set when they are made; their pods' are set here, as upstream does.
    batch::JobSpec probe = job.spec.job_template.spec;
    default_job_spec(probe);
    job.spec.job_template.spec.template_ = std::move(probe.template_);
  }
  void prepare_for_create(const RequestScope&, batch::CronJob& job) const override { job.status = batch::CronJobStatus(); }
  void validate(const RequestScope&, const batch::CronJob& job, FieldErrors& errors) const override {
    validate_spec(job.spec, nullptr, errors);
    if (job.metadata.name.size() > name_bytes_max)
      errors.invalid(FieldPath("metadata", "name"), job.metadata.name, "must be no more than 52 characters");
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const batch::CronJob& job, const batch::CronJob& old, FieldErrors& errors) const override {
    validate_spec(job.spec, &old.spec, errors);
  }
  void table_cells(const batch::CronJob& job, registry::TableCells& cells) const override {
    cells.emplace_back(job.metadata.name);
    cells.emplace_back(job.spec.schedule);
    cells.emplace_back(job.spec.time_zone.value_or("<none>"));
    cells.emplace_back(job.spec.suspend.value_or(false) ? "True" : "False");
    cells.emplace_back(static_cast<int64_t>(job.status.active.size()));
    cells.push_back(job.status.last_schedule_time ? registry::TableCell::age(*job.status.last_schedule_time) : registry::TableCell("<none>"));
    cells.push_back(registry::TableCell::age(job.metadata.creation_timestamp));
    append_template_cells(job.spec.job_template.spec.template_.spec,
                          job.spec.job_template.spec.selector ? selector_text(job.spec.job_template.spec.selector.get()) : "<none>", cells);
  }

 private:
  // What the object had before is not found fault with: zones come and go with the machine's files.
  void validate_zone(const batch::CronJobSpec& spec, const batch::CronJobSpec* old, const FieldPath& path, FieldErrors& errors) const {
    if (!spec.time_zone || (old != nullptr && old->time_zone == spec.time_zone)) return;
    const std::string& name = *spec.time_zone;
    if (name.empty()) {
      errors.invalid(path, name, "timeZone must be nil or non-empty string");
    } else if (to_lower(name) == "local") {
      errors.invalid(path, name, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    } else if (!is_time_zone_name(name) || (zones_ != nullptr && zones_->find(name) == nullptr)) {
      errors.invalid(path, name, "unknown time zone " + name);
    }
  }
  void validate_spec(const batch::CronJobSpec& spec, const batch::CronJobSpec* old, FieldErrors& errors) const {
    constexpr std::array<std::string_view, 3> policies{"Allow", "Forbid", "Replace"};
    const FieldPath at("spec");
    const bool had_zone = old != nullptr && old->schedule.find("TZ") != std::string::npos;
    if (spec.schedule.empty()) {
      errors.required(at.child("schedule"));
    } else if (spec.schedule.find("TZ") != std::string::npos) {
      if (!had_zone) errors.invalid(at.child("schedule"), spec.schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    } else if (const auto schedule = rules::CronSchedule::parse(spec.schedule); !schedule) {
      errors.invalid(at.child("schedule"), spec.schedule, schedule.error().message);
    }
    if (spec.starting_deadline_seconds) non_negative(*spec.starting_deadline_seconds, at.child("startingDeadlineSeconds"), errors);
    validate_zone(spec, old, at.child("timeZone"), errors);
    if (std::find(policies.begin(), policies.end(), spec.concurrency_policy) == policies.end())
      errors.not_supported(at.child("concurrencyPolicy"), spec.concurrency_policy, policies);
    FieldErrors of_template;
    validate_job_spec(spec.job_template.spec, at.child("jobTemplate", "spec"), true, of_template);
    errors.append(std::move(of_template));
    if (spec.successful_jobs_history_limit) non_negative(*spec.successful_jobs_history_limit, at.child("successfulJobsHistoryLimit"), errors);
    if (spec.failed_jobs_history_limit) non_negative(*spec.failed_jobs_history_limit, at.child("failedJobsHistoryLimit"), errors);
  }

  const apimachinery::cel::TimeZones* const zones_;
};

}  // namespace

registry::ResourceDefinition cron_jobs(const apimachinery::cel::TimeZones* zones) {
  registry::ResourceDefinition out;
  out.resource = {"batch", "cronjobs"};
  out.strategy = std::make_shared<CronJobStrategy>(zones);
  out.has_status = true;
  out.has_generation = true;
  return out;
}

}  // namespace pintle::apiserver::resources

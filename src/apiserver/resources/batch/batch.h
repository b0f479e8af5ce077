// The resources of the batch group.
#pragma once

#include <functional>
#include <string_view>

#include "api/gen/batch_v1.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

registry::ResourceDefinition jobs();
// `is_time_zone`: whether there is a zone of that name; empty: every name of the right form is one.
registry::ResourceDefinition cron_jobs(std::function<bool(std::string_view)> is_time_zone);

// Jobs and job templates.
void default_job_spec(api::batch_v1::JobSpec& spec);
// `in_template`: of a CronJob, whose selector the server generates later.
void validate_job_spec(const api::batch_v1::JobSpec& spec, const FieldPath& path, bool in_template, FieldErrors& errors);

}  // namespace pintle::apiserver::resources

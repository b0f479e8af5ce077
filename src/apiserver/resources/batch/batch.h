// The resources of the batch group.
#pragma once

#include "api/gen/batch_v1.h"
#include "apimachinery/cel/time_zones.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

registry::ResourceDefinition jobs();
// `zones`: those that there are; nullptr: every name of the right form is one.
registry::ResourceDefinition cron_jobs(const apimachinery::cel::TimeZones* zones);

// Jobs and job templates.
void default_job_spec(api::batch_v1::JobSpec& spec);
// `in_template`: of a CronJob, whose selector the server generates later.
void validate_job_spec(const api::batch_v1::JobSpec& spec, const FieldPath& path, bool in_template, FieldErrors& errors);

}  // namespace pintle::apiserver::resources

// job_controller_*: rounds over Jobs, the pods that they make, and how both end.
#pragma once

#include <cstddef>
#include <string_view>

#include "controller/framework/families.h"
#include "controller/job/plan.h"

namespace pintle::controller::job {

class Metrics {
 public:
  explicit Metrics(Families& families);
  // A round over a Job. `action`: "tracking", "pods_created" or "pods_deleted"; "reconciling": it ended before that was known.
  void synced(const Job& job, bool worked, std::string_view action, rt::Duration took);
  // The status of a Job went from one to the other, and is stored.
  void status_changed(const Job& job, const JobStatus& before, const JobStatus& after);
  void pods_made(const Job& job, const Plan& plan, int worked, int failed);
  void failures_judged(const Plan& plan);
  // A pod became this; nullptr: it was not there before, or is gone.
  void pod_changed(const api::core_v1::Pod* before, const api::core_v1::Pod* after);

 private:
  component::metrics::CounterVec& syncs_;
  component::metrics::HistogramVec& sync_duration_;
  component::metrics::CounterVec& finished_;
  component::metrics::CounterVec& pods_finished_;
  component::metrics::CounterVec& indexes_finished_;
  component::metrics::CounterVec& failures_;
  component::metrics::CounterVec& tracked_;
  component::metrics::CounterVec& creations_;
};

}  // namespace pintle::controller::job

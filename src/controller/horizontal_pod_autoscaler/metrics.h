// horizontal_pod_autoscaler_controller_*: looks at targets, their metrics, and what came of them.
#pragma once

#include <string>
#include <vector>

#include "controller/framework/families.h"
#include "controller/horizontal_pod_autoscaler/plan.h"

namespace pintle::controller::horizontal_pod_autoscaler {

class Metrics {
 public:
  explicit Metrics(Families& families);
  // `key`: of the autoscaler.
  void appeared(const std::string& key) { known_.put(key, {}); }
  void gone(const std::string& key);
  // A look that ended so. `measuring`: how long each metric took to read.
  void looked(const std::string& key, const HorizontalPodAutoscaler& autoscaler, const Plan& plan, const std::vector<rt::Duration>& measuring,
              rt::Duration took);

 private:
  component::metrics::CounterVec& looks_;
  component::metrics::HistogramVec& look_duration_;
  component::metrics::CounterVec& computations_;
  component::metrics::HistogramVec& computation_duration_;
  Tally known_;
  Tally desired_;
};

}  // namespace pintle::controller::horizontal_pod_autoscaler

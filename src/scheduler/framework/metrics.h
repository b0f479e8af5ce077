// The scheduler's metrics, under upstream's names.
#pragma once

#include <array>
#include <string>

#include "component/metrics.h"
#include "rt/clock.h"
#include "rt/seconds.h"
#include "scheduler/framework/profile.h"

namespace pintle::scheduler {

struct SchedulerMetrics {
  explicit SchedulerMetrics(component::metrics::Registry& registry);

  component::metrics::CounterVec schedule_attempts;   // profile, result
  component::metrics::HistogramVec attempt_duration;  // profile, result
  component::metrics::HistogramVec algorithm_duration;
  component::metrics::HistogramVec extension_point_duration;  // extension_point, profile, status
  component::metrics::HistogramVec sli_duration;              // attempts
  component::metrics::HistogramVec attempts;
  component::metrics::GaugeVec pending_pods;        // queue
  component::metrics::CounterVec incoming_pods;     // event, queue
  component::metrics::GaugeVec cache_size;          // type
  component::metrics::GaugeVec goroutines;          // operation
  component::metrics::GaugeVec unschedulable_pods;  // plugin, profile
  component::metrics::CounterVec preemption_attempts;
  component::metrics::HistogramVec preemption_victims;
  component::metrics::CounterVec claim_creates;              // status
  component::metrics::CounterVec binding_conditions;         // profile, driver, status
  component::metrics::HistogramVec binding_conditions_wait;  // profile, driver, status

  // The series of a phase that went well, found without a lock after its first use.
  component::metrics::Histogram& phase(Phase phase, const std::string& profile);

 private:
  struct ProfilePhases {
    std::string profile;
    std::array<component::metrics::Histogram*, phase_count> series{};
  };
  std::vector<ProfilePhases> phases_;
};

using rt::seconds;

// Observes the time of a phase when it ends.
class PhaseTimer {
 public:
  PhaseTimer(SchedulerMetrics& metrics, rt::Clock& clock, Phase phase, const std::string& profile)
      : series_(metrics.phase(phase, profile)), clock_(clock), start_(clock.now()) {}
  ~PhaseTimer() { series_.observe(seconds(clock_.now() - start_)); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  component::metrics::Histogram& series_;
  rt::Clock& clock_;
  rt::TimePoint start_;
};

}  // namespace pintle::scheduler

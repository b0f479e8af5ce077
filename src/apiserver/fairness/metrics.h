// What priority and fairness counts, under upstream's names. Counters and histograms are here; what can be read off the
// levels (seats in use, limits, queues) is written from them when the page is asked for (write_levels()).
#pragma once

#include <array>
#include <memory>
#include <string>

#include "component/metrics.h"
#include "rt/clock.h"

namespace pintle::apiserver::fairness {

enum class Refusal : uint8_t { QueueFull, OverLimit, TimedOut, Cancelled };
constexpr std::size_t refusals = 4;

// One flow schema on one level. The numbers are guarded by the level's lock; the series are not.
struct FlowStats {
  std::string schema;
  int executing = 0;
  int executing_seats = 0;
  int waiting = 0;
  int waiting_seats = 0;
  component::metrics::Counter& dispatched;
  std::array<component::metrics::Counter*, refusals> refused;
  component::metrics::Counter& no_accommodation;
  component::metrics::Histogram& waited_and_executed;
  component::metrics::Histogram& waited_and_refused;
  component::metrics::Histogram& execution;
  component::metrics::Histogram& queue_length;
  component::metrics::Histogram& seats;
  component::metrics::Histogram& watchers;
};

class Metrics {
 public:
  explicit Metrics(component::metrics::Registry& registry);
  // The series of a flow schema on a level.
  std::unique_ptr<FlowStats> flow(const std::string& level, const std::string& schema);
  component::metrics::Counter& epochs(const std::string& level);

 private:
  component::metrics::CounterVec dispatched_;
  component::metrics::CounterVec refused_;
  component::metrics::CounterVec no_accommodation_;
  component::metrics::HistogramVec waited_;
  component::metrics::HistogramVec execution_;
  component::metrics::HistogramVec queue_length_;
  component::metrics::HistogramVec seats_;
  component::metrics::HistogramVec watchers_;
  component::metrics::CounterVec epochs_;
};

}  // namespace pintle::apiserver::fairness

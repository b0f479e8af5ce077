#include "apiserver/fairness/metrics.h"

namespace pintle::apiserver::fairness {

namespace {

using Labels = std::vector<std::string_view>;
const Labels flow_labels{"flow_schema", "priority_level"};
constexpr double duration_bounds[] = {0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30};
constexpr double length_bounds[] = {0, 10, 25, 50, 100, 250, 500, 1000};
constexpr double seat_bounds[] = {1, 2, 4, 8, 16, 32, 64, 100};
constexpr double watcher_bounds[] = {0, 1, 10, 100, 1000, 10000};
constexpr std::array<std::string_view, refusals> reasons{"queue-full", "concurrency-limit", "time-out", "cancelled"};

}  // namespace

Metrics::Metrics(component::metrics::Registry& registry)
    : dispatched_(registry, {"apiserver_flowcontrol_dispatched_requests_total", "Requests that got their seats.", flow_labels}),
      refused_(registry, {"apiserver_flowcontrol_rejected_requests_total",
                          "Requests refused for want of seats, by the reason.",
                          {"flow_schema", "priority_level", "reason"}}),
      no_accommodation_(registry, {"apiserver_flowcontrol_request_dispatch_no_accommodation_total", "Requests that did not get seats when they came.",
                                   flow_labels}),
      waited_(registry,
              {"apiserver_flowcontrol_request_wait_duration_seconds",
               "Time from a request's arrival to its seats or its refusal.",
               {"execute", "flow_schema", "priority_level"}},
              duration_bounds),
      execution_(
          registry,
          {"apiserver_flowcontrol_request_execution_seconds", "Time for which requests held their seats.", {"flow_schema", "priority_level", "type"}},
          duration_bounds),
      queue_length_(registry,
                    {"apiserver_flowcontrol_request_queue_length_after_enqueue", "Length of a queue after a request was put into it.", flow_labels},
                    length_bounds),
      seats_(registry, {"apiserver_flowcontrol_work_estimated_seats", "Seats that requests were taken to need.", flow_labels}, seat_bounds),
      watchers_(registry, {"apiserver_flowcontrol_watch_count_samples", "Watches that writes were taken to wake.", flow_labels}, watcher_bounds),
      epochs_(
          registry,
          {"apiserver_flowcontrol_epoch_advance_total", "How often a level's virtual time was set back to zero.", {"priority_level", "success"}}) {}

std::unique_ptr<FlowStats> Metrics::flow(const std::string& level, const std::string& schema) {
  std::array<component::metrics::Counter*, refusals> refused{};
  for (std::size_t i = 0; i < refusals; ++i) refused[i] = &refused_.with({schema, level, std::string(reasons[i])});
  return std::unique_ptr<FlowStats>(
      new FlowStats{schema, 0, 0, 0, 0, dispatched_.with({schema, level}), refused, no_accommodation_.with({schema, level}),
                    waited_.with({"true", schema, level}), waited_.with({"false", schema, level}), execution_.with({schema, level, "regular"}),
                    queue_length_.with({schema, level}), seats_.with({schema, level}), watchers_.with({schema, level})});
}

component::metrics::Counter& Metrics::epochs(const std::string& level) { return epochs_.with({level, "true"}); }

}  // namespace pintle::apiserver::fairness

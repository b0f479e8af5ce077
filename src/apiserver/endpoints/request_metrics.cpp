#include "apiserver/endpoints/request_metrics.h"

#include <chrono>

namespace pintle::apiserver::endpoints {

namespace {
constexpr double duration_bounds[] = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60};
}  // namespace

RequestMetrics::RequestMetrics(component::metrics::Registry& registry)
    : requests_(registry, {"apiserver_request_total",
                           "Requests answered, by what they asked for and the code of the answer.",
                           {"code", "component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"}}),
      durations_(registry,
                 {"apiserver_request_duration_seconds",
                  "Time from a request's arrival to the end of its answer, in seconds.",
                  {"component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"}},
                 duration_bounds),
      inflight_(registry, {"apiserver_current_inflight_requests", "Requests being served now, long-running ones aside.", {"request_kind"}}),
      inqueue_(registry, {"apiserver_current_inqueue_requests", "Requests waiting to be served.", {"request_kind"}}),
      long_running_(registry, {"apiserver_longrunning_requests",
                               "Long-running requests being served now.",
                               {"component", "group", "resource", "scope", "subresource", "verb", "version"}}),
      terminations_(registry, {"apiserver_request_terminations_total",
                               "Requests that the server ended to protect itself.",
                               {"code", "component", "group", "resource", "scope", "subresource", "verb", "version"}}) {}

component::metrics::Gauge& RequestMetrics::long_running(const Sample& s) {
  return long_running_.with({"apiserver", s.group, s.resource, s.scope, s.subresource, s.verb, s.version});
}

void RequestMetrics::terminated(const Sample& s) {
  terminations_.with({std::to_string(s.code), "apiserver", s.group, s.resource, s.scope, s.subresource, s.verb, s.version}).add();
}

void RequestMetrics::record(const Sample& s) {
  const std::string dry_run = s.dry_run ? "All" : "";
  requests_.with({std::to_string(s.code), "apiserver", dry_run, s.group, s.resource, s.scope, s.subresource, s.verb, s.version}).add();
  if (s.long_running) return;
  durations_.with({"apiserver", dry_run, s.group, s.resource, s.scope, s.subresource, s.verb, s.version})
      .observe(std::chrono::duration<double>(s.took).count());
}

}  // namespace pintle::apiserver::endpoints

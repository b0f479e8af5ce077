// What the server counts of its requests, under upstream's names.
#pragma once

#include <string>

#include "component/metrics.h"
#include "rt/clock.h"

namespace pintle::apiserver::endpoints {

class RequestMetrics {
 public:
  explicit RequestMetrics(component::metrics::Registry& registry);

  struct Sample {
    std::string verb;  // as upstream names it: GET, LIST, WATCH, POST, PUT, PATCH, APPLY, DELETE, DELETECOLLECTION, CONNECT
    std::string group, version, resource, subresource;
    std::string scope;  // cluster, namespace, resource or ""
    bool dry_run = false;
    int code = 0;
    rt::Duration took{};
    std::size_t answered_bytes = 0;
    bool long_running = false;
  };
  void record(const Sample& sample);

  component::metrics::Gauge& inflight_read() { return inflight_.with({"readOnly"}); }
  component::metrics::Gauge& inflight_mutating() { return inflight_.with({"mutating"}); }
  component::metrics::Gauge& inqueue_read() { return inqueue_.with({"readOnly"}); }
  component::metrics::Gauge& inqueue_mutating() { return inqueue_.with({"mutating"}); }
  component::metrics::Gauge& long_running(const Sample& sample);
  // Refused, or broken off, by the server itself.
  void terminated(const Sample& sample);

 private:
  component::metrics::CounterVec requests_;
  component::metrics::HistogramVec durations_;
  component::metrics::GaugeVec inflight_;
  component::metrics::GaugeVec inqueue_;
  component::metrics::GaugeVec long_running_;
  component::metrics::CounterVec terminations_;
};

}  // namespace pintle::apiserver::endpoints

// The proxy's metrics, under upstream's names.
#pragma once

#include "component/metrics.h"

namespace pintle::proxy {

struct Metrics {
  explicit Metrics(component::metrics::Registry& registry);

  // By ip_family.
  component::metrics::HistogramVec sync_seconds;
  component::metrics::HistogramVec full_sync_seconds;
  component::metrics::HistogramVec partial_sync_seconds;
  component::metrics::HistogramVec network_programming_seconds;
  component::metrics::HistogramVec conntrack_seconds;
  component::metrics::CounterVec conntrack_deleted;
  component::metrics::CounterVec sync_failures;
  component::metrics::CounterVec cleanup_failures;
  component::metrics::GaugeVec last_sync_timestamp;
  component::metrics::GaugeVec last_queued_timestamp;
  component::metrics::GaugeVec no_local_endpoints;  // ip_family, traffic_policy
  // Without labels.
  component::metrics::GaugeVec endpoint_changes_pending;
  component::metrics::CounterVec endpoint_changes;
  component::metrics::GaugeVec service_changes_pending;
  component::metrics::CounterVec service_changes;
  component::metrics::CounterVec healthz;  // code
  component::metrics::CounterVec livez;    // code
};

}  // namespace pintle::proxy

#include "component/metrics.h"

#include <gtest/gtest.h>

namespace pintle::component::metrics {
namespace {

constexpr double bounds[] = {0.1, 1};

TEST(Metrics, WritesPrometheusText) {
  Registry registry;
  CounterVec requests(registry, {"apiserver_request_total", "Requests.", {"verb", "code"}});
  requests.with({"GET", "200"}).add(3);
  requests.with({"P\"OST\n", "500"}).add();
  HistogramVec durations(registry, {"duration_seconds", "Time.", {"verb"}}, bounds);
  durations.with({"GET"}).observe(0.05);
  durations.with({"GET"}).observe(0.5);
  durations.with({"GET"}).observe(5);
  GaugeVec inflight(registry, {"inflight", "Now.", {}});
  inflight.with({}).set(2);
  EXPECT_EQ(registry.write(),
            "# HELP apiserver_request_total Requests.\n# TYPE apiserver_request_total counter\n"
            "apiserver_request_total{verb=\"GET\",code=\"200\"} 3\n"
            "apiserver_request_total{verb=\"P\\\"OST\\n\",code=\"500\"} 1\n"
            "# HELP duration_seconds Time.\n# TYPE duration_seconds histogram\n"
            "duration_seconds_bucket{verb=\"GET\",le=\"0.1\"} 1\n"
            "duration_seconds_bucket{verb=\"GET\",le=\"1\"} 2\n"
            "duration_seconds_bucket{verb=\"GET\",le=\"+Inf\"} 3\n"
            "duration_seconds_sum{verb=\"GET\"} 5.55\n"
            "duration_seconds_count{verb=\"GET\"} 3\n"
            "# HELP inflight Now.\n# TYPE inflight gauge\ninflight 2\n");
}

TEST(Metrics, SeriesAreBounded) {
  Registry registry;
  CounterVec counter(registry, {"many", "Many.", {"id"}});
  for (std::size_t i = 0; i < series_max + 10; ++i) counter.with({std::to_string(i)}).add();
  EXPECT_EQ(counter.with({"overflow"}).value(), 10u);
}

TEST(Metrics, FamiliesLeaveTheRegistry) {
  Registry registry;
  {
    CounterVec gone(registry, {"gone", "Gone.", {}});
    gone.with({}).add();
  }
  EXPECT_EQ(registry.write(), "");
}

TEST(Metrics, ProcessFiguresArePresent) {
  std::string out;
  write_process_metrics(out);
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ", "process_start_time_seconds "})
    EXPECT_NE(out.find(name), std::string::npos) << name;
}

}  // namespace
}  // namespace pintle::component::metrics

#include "kubelet/configuration/defaults.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::configuration {
namespace {

constexpr int64_t second = 1'000'000'000;

void check_reports(int64_t update_s, int64_t report_s, int64_t want_update_s, int64_t want_report_s) {
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  config.node_status_update_frequency.nanos = update_s * second;
  config.node_status_report_frequency.nanos = report_s * second;
  apply_defaults(config);
  EXPECT_EQ(config.node_status_update_frequency.nanos, want_update_s * second);
  EXPECT_EQ(config.node_status_report_frequency.nanos, want_report_s * second);
}

TEST(Defaults, AnIdleNodeReportsEachFiveMinutes) {
  check_reports(0, 0, 10, 300);
  check_reports(4, 0, 4, 4);
  check_reports(4, 60, 4, 60);
}

}  // namespace
}  // namespace pintle::kubelet::configuration

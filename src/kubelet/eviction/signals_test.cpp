#include "kubelet/eviction/signals.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::eviction {
namespace {

TEST(Signals, MeasuredHere) {
  const SignalValues values = measure_signals("/", "/");
  for (const char* signal : {"memory.available", "nodefs.available", "imagefs.available", "pid.available"}) {
    ASSERT_TRUE(values.contains(signal)) << signal;
    EXPECT_GT(values.find(signal)->second.available, 0) << signal;
  }
}

}  // namespace
}  // namespace pintle::kubelet::eviction

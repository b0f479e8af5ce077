#include "kubelet/tokens/pod_tokens.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::tokens {
namespace {

TEST(Tokens, RefreshTimes) {
  const auto at = [](int64_t seconds) { return rt::WallTime(std::chrono::seconds(seconds)); };
  EXPECT_EQ(token_refresh_time({at(0), at(3600)}, {}), at(2880));
  EXPECT_EQ(token_refresh_time({at(0), at(3600)}, std::chrono::seconds(10)), at(2870));
  EXPECT_EQ(token_refresh_time({at(0), at(600)}, {}), at(480));
  EXPECT_EQ(token_refresh_time({at(0), at(365 * 86400)}, {}), at(86400)) << "a day at most";
}

}  // namespace
}  // namespace pintle::kubelet::tokens

#include "apiserver/token_tracking/plan.h"

#include <gtest/gtest.h>

#include "apimachinery/identity/service_accounts.h"

namespace pintle::apiserver::token_tracking {
namespace {

constexpr int64_t noon = 1767268800;  // 2026-01-01 12:00

TEST(TokenTracking, DayToNote) {
  const auto check = [](const char* said, const char* want) {
    api::core_v1::Secret secret;
    if (said != nullptr) secret.metadata.labels[apimachinery::last_used_label] = said;
    EXPECT_EQ(day_to_note(secret, noon).value_or("none"), want) << (said != nullptr ? said : "no label");
  };
  check(nullptr, "2026-01-01");
  check("", "2026-01-01");
  check("yesterday", "2026-01-01");
  check("2025-12-31", "2026-01-01");
  check("2026-01-01", "none");
  check("2026-01-02", "none");
  check("2026-01-03", "2026-01-01");
}

TEST(TokenTracking, SinceWhen) {
  api::core_v1::ConfigMap map;
  map.data["since"] = "2026-01-01";
  EXPECT_TRUE(says_since(map));
  map.data["since"] = "always";
  EXPECT_FALSE(says_since(map));
  map.data.clear();
  EXPECT_FALSE(says_since(map));
}

}  // namespace
}  // namespace pintle::apiserver::token_tracking

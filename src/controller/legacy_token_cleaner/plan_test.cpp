#include "controller/legacy_token_cleaner/plan.h"

#include "controller/testing/text_objects.h"

namespace pintle::controller::legacy_token_cleaner {
namespace {

using namespace testing;
using api::core_v1::ConfigMap;
using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

constexpr int64_t day = 24 * 3600;
constexpr Period period{1767268800, 10 * day};  // 2026-01-01 12:00; uses count from 2025-12-22 on

TEST(LegacyTokenCleaner, NotedLongEnough) {
  const auto check = [](const std::string& data, const std::string& want) {
    const auto enough = noted_long_enough(from_yaml<ConfigMap>("{data: {" + data + "}}"), period);
    EXPECT_EQ(enough ? (*enough ? "yes" : "no") : "unknown", want) << data;
  };
  check("", "unknown");
  check("since: soon", "unknown");
  check("since: '2025-12-20'", "yes");
  check("since: '2025-12-21'", "yes");
  check("since: '2025-12-22'", "no");
  check("since: '2026-01-01'", "no");
}

void check_unused(const std::string& secret, const std::string& account, bool want) {
  auto object = from_yaml<Secret>("{type: kubernetes.io/service-account-token, metadata: {name: t, creationTimestamp: '2025-01-01T00:00:00Z', " +
                                  secret + "}}");
  const auto owner = account.empty() ? ServiceAccount() : from_yaml<ServiceAccount>("{metadata: {name: bot, uid: u-1}, " + account + "}");
  EXPECT_EQ(is_unused(object, account.empty() ? nullptr : &owner, period), want) << secret << " " << account;
}

TEST(LegacyTokenCleaner, Unused) {
  const std::string listed = "secrets: [{name: a}, {name: t}]";
  check_unused("", listed, true);
  check_unused("", "", false);
  check_unused("", "secrets: [{name: a}]", false);  // somebody asked for it
  check_unused("annotations: {kubernetes.io/service-account.uid: u-1}", listed, true);
  check_unused("annotations: {kubernetes.io/service-account.uid: u-2}", listed, false);
  check_unused("deletionTimestamp: '2025-12-31T00:00:00Z'", listed, false);
  check_unused("creationTimestamp: '2025-12-22T11:59:59Z'", listed, true);
  check_unused("creationTimestamp: '2025-12-22T12:00:00Z'", listed, false);
  const std::string used = "labels: {kubernetes.io/legacy-token-last-used: ";
  check_unused(used + "'2025-12-21'}", listed, true);
  check_unused(used + "'2025-12-22'}", listed, false);
  check_unused(used + "'2026-01-01'}", listed, false);
  check_unused(used + "unknown}", listed, false);  // who knows
  Secret opaque;
  opaque.type = "Opaque";
  EXPECT_FALSE(is_unused(opaque, nullptr, period));
}

TEST(LegacyTokenCleaner, Steps) {
  const auto check = [](const char* since, Step want) {
    Secret secret;
    if (since != nullptr) secret.metadata.labels["kubernetes.io/legacy-token-invalid-since"] = since;
    EXPECT_EQ(next_step(secret, period), want) << (since != nullptr ? since : "no label");
  };
  check(nullptr, Step::Mark);
  check("x", Step::Mark);
  check("2026-01-01", Step::Wait);
  check("2025-12-22", Step::Wait);
  check("2025-12-21", Step::Remove);
}

}  // namespace
}  // namespace pintle::controller::legacy_token_cleaner

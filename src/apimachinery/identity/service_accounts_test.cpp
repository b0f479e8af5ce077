#include "apimachinery/identity/service_accounts.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

TEST(ServiceAccounts, NamesOfUsers) {
  EXPECT_EQ(service_account_user("a", "b"), "system:serviceaccount:a:b");
  EXPECT_EQ(account_of_user("system:serviceaccount:a:b"), std::make_pair(std::string("a"), std::string("b")));
  EXPECT_EQ(service_account_groups("a"), (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:a"}));
  for (const char* bad : {"a", "system:serviceaccount:", "system:serviceaccount:a", "system:serviceaccount:a:b:c", "system:serviceaccount:A:b"})
    EXPECT_FALSE(account_of_user(bad)) << bad;
}

TEST(ServiceAccounts, Days) {
  EXPECT_EQ(to_day(0), "1970-01-01");
  EXPECT_EQ(to_day(1767225599), "2025-12-31");
  EXPECT_EQ(parse_day("1970-01-02"), 86400);
  EXPECT_EQ(parse_day("2024-02-29"), 1709164800);
  for (const char* bad : {"", "x", "2026-02-29", "2026-13-01", "2026-00-01", "2026-1-1", "2026-01-1x", "2026/01/01", "-026-01-01", "2026-01-01 "})
    EXPECT_FALSE(parse_day(bad)) << bad;
}

TEST(ServiceAccounts, ClaimsOfSecretTokens) {
  const codec::Value value = to_value(SecretTokenClaims{"wire", "bot", "u-1", "old"});
  EXPECT_EQ(codec::to_json(value),
            R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"wire","kubernetes.io/serviceaccount/secret.name":"old",)"
            R"("kubernetes.io/serviceaccount/service-account.name":"bot","kubernetes.io/serviceaccount/service-account.uid":"u-1",)"
            R"("sub":"system:serviceaccount:wire:bot"})");
  const SecretTokenClaims read = secret_token_claims(value);
  EXPECT_EQ(read.ns + " " + read.account + " " + read.account_uid + " " + read.secret, "wire bot u-1 old");
  EXPECT_EQ(secret_token_claims(*codec::parse_json(R"({"kubernetes.io/serviceaccount/namespace":7})")).ns, "");
}

}  // namespace
}  // namespace pintle::apimachinery

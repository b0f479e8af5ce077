// The users that are service accounts, and what a token that a Secret keeps says of its account: made by a controller, read by the API server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/value.h"

namespace pintle::apimachinery {

// system:serviceaccount:NAMESPACE:NAME
std::string service_account_user(std::string_view ns, std::string_view name);
// Namespace and name; nullopt if `user` is no well-formed service account.
std::optional<std::pair<std::string, std::string>> account_of_user(std::string_view user);
// system:serviceaccounts, system:serviceaccounts:NAMESPACE
std::vector<std::string> service_account_groups(std::string_view ns);

// --- tokens kept in Secrets: they hold as long as the Secret and its account do --------------------------------------------------------
constexpr std::string_view token_secret_type = "kubernetes.io/service-account-token";
constexpr std::string_view account_name_annotation = "kubernetes.io/service-account.name";
constexpr std::string_view account_uid_annotation = "kubernetes.io/service-account.uid";
constexpr std::string_view last_used_label = "kubernetes.io/legacy-token-last-used";          // a day, as 2026-01-31, UTC
constexpr std::string_view invalid_since_label = "kubernetes.io/legacy-token-invalid-since";  // likewise; with any value the token is refused
constexpr std::string_view token_tracking_namespace = "kube-system";
// The ConfigMap that says ("since") from which day on the use of such tokens has been noted.
constexpr std::string_view token_tracking_name = "kube-apiserver-legacy-service-account-token-tracking";
constexpr std::string_view token_tracking_key = "since";

// A day as those labels and the ConfigMap name it, of seconds since 1970; and back, to the seconds of its beginning.
std::string to_day(int64_t seconds);
std::optional<int64_t> parse_day(std::string_view text);

constexpr std::string_view secret_token_issuer = "kubernetes/serviceaccount";

struct SecretTokenClaims {
  std::string ns, account, account_uid, secret;
};
codec::Value to_value(const SecretTokenClaims& claims);
// What is missing, or no text, is "".
SecretTokenClaims secret_token_claims(const codec::Value& value);

}  // namespace pintle::apimachinery

// Bootstrap tokens: which sign the cluster-info, what they sign, when they end. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::controller::bootstrap {

inline constexpr std::string_view token_secret_type = "bootstrap.kubernetes.io/token";
inline constexpr std::string_view signature_prefix = "jws-kubeconfig-";

struct SigningToken {
  std::string id;
  std::string secret;
};
// The token of a well-formed Secret that signs: named bootstrap-token-ID, in time, with usage-bootstrap-signing=true.
std::optional<SigningToken> signing_token(const api::core_v1::Secret& secret, rt::WallTime now);
// When the Secret's token expires; nullopt: never.
std::optional<rt::WallTime> expiration(const api::core_v1::Secret& secret);

// A detached JWS (RFC 7515, HS256) of `content`: "header..signature".
std::string detached_signature(std::string_view content, const SigningToken& token);
// cluster-info's data with exactly the signatures of `tokens` (id → secret).
FlatMap<std::string> signed_data(const FlatMap<std::string>& data, const std::map<std::string, std::string>& tokens);

}  // namespace pintle::controller::bootstrap

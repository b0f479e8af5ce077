// What is to become of a Secret that keeps a service account's token. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "codec/value.h"

namespace pintle::controller::serviceaccount_token {

// The account that a Secret names; `uid` "" where it names none.
struct AccountRef {
  std::string name, uid;
  bool is(const api::core_v1::ServiceAccount& account) const;
};
AccountRef account_of(const api::core_v1::Secret& secret);

enum class Act {
  Keep,
  Remove,     // its account is gone, or another one of that name is there now
  Write,      // `secret`
  SignWrite,  // `secret`, once it has the token of these `claims` as token_key
};
struct Plan {
  Act act = Act::Keep;
  api::core_v1::Secret secret;
  codec::Value claims;
};
inline constexpr std::string_view token_key = "token";

// `account`: the one that the Secret names; nullptr: there is none. `root_ca_pem` "": none is known, and what the Secret has stays.
Plan plan_secret(const api::core_v1::Secret& secret, const api::core_v1::ServiceAccount* account, std::string_view root_ca_pem);

// The account without the Secret in its list; nullopt if it is not there.
std::optional<api::core_v1::ServiceAccount> without_secret(const api::core_v1::ServiceAccount& account, std::string_view secret);

}  // namespace pintle::controller::serviceaccount_token

// What a service account token says, and whether it still holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/authentication/authenticator.h"
#include "apiserver/authentication/service_account/secret_token_uses.h"
#include "apiserver/types/resource_reader.h"
#include "codec/value.h"

namespace pintle::apiserver::authentication::service_account {

constexpr int64_t leeway_seconds = 60;  // between the clocks of issuer and verifier

struct ObjectRef {
  std::string name, uid;
};

struct Claims {
  std::string issuer, subject, id;
  std::vector<std::string> audiences;
  std::optional<int64_t> issued_at, not_before, expires;  // seconds since 1970
  std::string ns;
  ObjectRef account;
  std::optional<ObjectRef> pod, node, secret;
  std::optional<int64_t> warn_after;
  bool kept_in_secret = false;
};

codec::Value to_value(const Claims& claims);
// BadRequest if a claim is of the wrong type.
Result<Claims> claims_from(const codec::Value& value);

struct Validation {
  const ResourceReader& reader;
  int64_t now_seconds = 0;
  bool lookup = true;               // false: a token kept in a Secret is good as long as its signature is
  SecretTokenUses* uses = nullptr;  // nullptr: nobody is told
};
// Whom valid claims stand for; Unauthorized with the reason otherwise: expired, or what the token is bound to is gone or another one by now.
// `token` is compared with the Secret's copy of one that is kept there.
Result<AuthenticationResponse> validate(const Claims& claims, std::string_view token, const Validation& against);

}  // namespace pintle::apiserver::authentication::service_account

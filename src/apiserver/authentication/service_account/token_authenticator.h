// Service account tokens: signed by one of our keys in the name of one of our issuers, and still valid.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/authentication/authenticator.h"
#include "apiserver/authentication/service_account/claims.h"
#include "apiserver/authentication/service_account/jwt.h"
#include "base/mutex.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication::service_account {

struct TokenAuthenticatorConfig {
  std::vector<std::string> issuers;    // that are accepted
  std::vector<std::string> audiences;  // of this server
  KeySet keys;
  bool lookup = true;               // tokens kept in Secrets need their Secret and their account to be there
  SecretTokenUses* uses = nullptr;  // outlives the authenticator; nullptr: nobody is told
};

class ServiceAccountAuthenticator : public TokenAuthenticator {
 public:
  // Clock and reader outlive this.
  ServiceAccountAuthenticator(TokenAuthenticatorConfig config, const rt::Clock& clock, const ResourceReader& reader);
  std::optional<AuthenticationResult> authenticate_token_now(const std::string& token, const std::vector<std::string>& audiences) override;

 private:
  using ClaimsPtr = std::shared_ptr<const Claims>;
  // The claims of a token whose signature is right.
  Result<ClaimsPtr> verified_claims(const ParsedToken& parsed) const;
  ClaimsPtr recall(const std::string& digest);
  void remember(std::string digest, ClaimsPtr claims);

  const TokenAuthenticatorConfig config_;
  const rt::Clock& clock_;
  const ResourceReader& reader_;
  ThreadMutex mutex_;
  // Most recently used first, by the token's digest; never a token itself.
  std::list<std::pair<std::string, ClaimsPtr>> recent_ GUARDED_BY(mutex_);
  std::unordered_map<std::string_view, std::list<std::pair<std::string, ClaimsPtr>>::iterator> by_digest_ GUARDED_BY(mutex_);
};

constexpr std::size_t verified_tokens_max = 4096;  // then the least recently used is forgotten and checked anew

}  // namespace pintle::apiserver::authentication::service_account

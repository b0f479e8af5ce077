// Bearer tokens: taken from the Authorization header, or from a WebSocket's subprotocols, and given to token
// authenticators in turn.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/authentication/authenticator.h"

namespace pintle::apiserver::authentication {

// The token that a request carries; "" if it carries none. Unauthorized: it carries something that is meant as one and
// cannot be read, which must not make its sender anonymous.
Result<std::string> bearer_token(const net::Request& request);

class TokenUnion : public TokenAuthenticator {
 public:
  explicit TokenUnion(std::vector<std::unique_ptr<TokenAuthenticator>> members) : members_(std::move(members)) {}
  std::optional<AuthenticationResult> authenticate_token_now(const std::string& token, const std::vector<std::string>& audiences) override;
  rt::Task<AuthenticationResult> authenticate_token(rt::Context ctx, std::string token, std::vector<std::string> audiences) override;

 private:
  std::vector<std::unique_ptr<TokenAuthenticator>> members_;
};

class BearerAuthenticator : public Authenticator {
 public:
  // `tokens` outlives this.
  explicit BearerAuthenticator(TokenAuthenticator& tokens) : tokens_(tokens) {}
  std::optional<AuthenticationResult> authenticate_now(const net::Request& request) override;
  rt::Task<AuthenticationResult> authenticate(rt::Context ctx, const net::Request& request) override;

 private:
  TokenAuthenticator& tokens_;
};

// For kinds of token that know no audience: they are for the API server, and good if one of its own is asked for.
// nullopt: the token is not for the audiences asked for.
std::optional<std::vector<std::string>> agnostic_audiences(const std::vector<std::string>& own, const std::vector<std::string>& asked);

}  // namespace pintle::apiserver::authentication

// Who asks. Authenticators are tried in order; the first that knows the credentials answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/types/user_info.h"
#include "base/status.h"
#include "net/http.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver::authentication {

struct AuthenticationResponse {
  UserInfo user;
  std::vector<std::string> audiences;
  std::vector<std::string> warnings;  // for the client, about its credentials
};
// nullopt: these are not credentials that this authenticator reads. An error (Unauthorized): they are, and are bad.
using AuthenticationResult = Result<std::optional<AuthenticationResponse>>;

// Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // The answer of an authenticator that never waits; nullopt: this one must be asked through authenticate().
  virtual std::optional<AuthenticationResult> authenticate_now(const net::Request& request) = 0;
  // Answers authenticate_now()'s answer; an authenticator that waits overrides it. `request` outlives the task.
  virtual rt::Task<AuthenticationResult> authenticate(rt::Context ctx, const net::Request& request);
};

// Thread-safe.
class TokenAuthenticator {
 public:
  virtual ~TokenAuthenticator() = default;
  // As above. `audiences` empty: the server's own.
  virtual std::optional<AuthenticationResult> authenticate_token_now(const std::string& token, const std::vector<std::string>& audiences) = 0;
  virtual rt::Task<AuthenticationResult> authenticate_token(rt::Context ctx, std::string token, std::vector<std::string> audiences);
};

// 401; `why` is for logs and token reviews, a client of the API sees "Unauthorized" alone.
Unexpected<Status> unauthorized(std::string why);

}  // namespace pintle::apiserver::authentication

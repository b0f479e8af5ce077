// Who asks. Authenticators are tried in order; the first that knows the credentials answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/flat_map.h"
#include "base/status.h"
#include "net/http.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver {

struct UserInfo {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  FlatMap<std::vector<std::string>> extra;
  bool in_group(std::string_view group) const;
};

struct AuthenticationResponse {
  UserInfo user;
  std::vector<std::string> audiences;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // nullopt: these are not credentials that this authenticator reads. An error (Unauthorized): they are, and are bad.
  virtual rt::Task<Result<std::optional<AuthenticationResponse>>> authenticate(rt::Context ctx, const net::Request& request) = 0;
};

class TokenAuthenticator {
 public:
  virtual ~TokenAuthenticator() = default;
  // `audiences` empty: the server's own. nullopt: not a token of this kind.
  virtual rt::Task<Result<std::optional<AuthenticationResponse>>> authenticate_token(rt::Context ctx, std::string token,
                                                                                     std::vector<std::string> audiences) = 0;
};

}  // namespace pintle::apiserver

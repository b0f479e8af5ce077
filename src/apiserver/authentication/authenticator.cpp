#include "apiserver/authentication/authenticator.h"

#include "base/check.h"

namespace pintle::apiserver::authentication {

rt::Task<AuthenticationResult> Authenticator::authenticate(rt::Context, const net::Request& request) {
  auto result = authenticate_now(request);
  CHECK(result, "an authenticator that waits overrides authenticate()");
  co_return std::move(*result);
}

rt::Task<AuthenticationResult> TokenAuthenticator::authenticate_token(rt::Context, std::string token, std::vector<std::string> audiences) {
  auto result = authenticate_token_now(token, audiences);
  CHECK(result, "an authenticator that waits overrides authenticate_token()");
  co_return std::move(*result);
}

Unexpected<Status> unauthorized(std::string why) { return error(Reason::Unauthorized, std::move(why)); }

}  // namespace pintle::apiserver::authentication

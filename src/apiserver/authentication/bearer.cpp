#include "apiserver/authentication/bearer.h"

#include <algorithm>

#include "codec/base64.h"
#include "net/text.h"
#include "net/websocket.h"

namespace pintle::apiserver::authentication {
namespace {

constexpr std::string_view websocket_prefix = "base64url.bearer.authorization.k8s.io.";
constexpr std::size_t token_bytes_max = 1 << 20;

std::string token_of_authorization(std::string_view header) {
  header = net::trim(header);
  const auto space = header.find(' ');
  if (space == std::string_view::npos || !net::equal_fold(header.substr(0, space), "bearer")) return {};
  const std::string_view rest = header.substr(space + 1);
  return std::string(rest.substr(0, rest.find(' ')));
}

// A browser cannot set a header on a WebSocket: it names the token among the subprotocols.
Result<std::string> token_of_subprotocols(const net::Request& request) {
  std::optional<std::string> token;
  bool others = false;
  for (const std::string_view list : request.headers.get_all("sec-websocket-protocol")) {
    for (const std::string_view protocol : net::split_list(list)) {
      if (!protocol.starts_with(websocket_prefix)) {
        others = true;
        continue;
      }
      if (token) return unauthorized("multiple bearer tokens among the subprotocols");
      token = codec::decode_base64_url(protocol.substr(websocket_prefix.size()));
      if (!token) return unauthorized("the bearer token among the subprotocols is not in base64url");
    }
  }
  if (!token || token->empty()) return std::string();
  // The token's own protocol is never the one chosen: there must be another.
  if (!others) return unauthorized("a bearer token needs another subprotocol beside it");
  return std::move(*token);
}

// What the whole chain says when nobody knew the token: upstream's words, which token reviews show.
AuthenticationResult finish(AuthenticationResult result) {
  if (result && *result) return result;
  if (result) return unauthorized("invalid bearer token");
  return unauthorized("[invalid bearer token, " + result.error().message + "]");
}

}  // namespace

Result<std::string> bearer_token(const net::Request& request) {
  std::string token = token_of_authorization(request.headers.get("authorization"));
  if (token.empty() && net::is_websocket_request(request)) {
    TRY_ASSIGN(token, token_of_subprotocols(request));
  }
  if (token.size() > token_bytes_max) return unauthorized("the bearer token is larger than 1 MiB");
  return token;
}

std::optional<AuthenticationResult> TokenUnion::authenticate_token_now(const std::string& token, const std::vector<std::string>& audiences) {
  AuthenticationResult last(std::nullopt);
  for (const auto& member : members_) {
    auto result = member->authenticate_token_now(token, audiences);
    if (!result) return std::nullopt;
    if (*result && !**result) continue;
    if (*result) return result;
    last = std::move(*result);
  }
  return last;
}

rt::Task<AuthenticationResult> TokenUnion::authenticate_token(rt::Context ctx, std::string token, std::vector<std::string> audiences) {
  AuthenticationResult last(std::nullopt);
  for (const auto& member : members_) {
    AuthenticationResult result = co_await member->authenticate_token(ctx, token, audiences);
    if (result && !*result) continue;
    if (result) co_return result;
    last = std::move(result);
  }
  co_return last;
}

std::optional<AuthenticationResult> BearerAuthenticator::authenticate_now(const net::Request& request) {
  const auto token = bearer_token(request);
  if (!token) return AuthenticationResult(Unexpected(token.error()));
  if (token->empty()) return AuthenticationResult(std::nullopt);
  auto result = tokens_.authenticate_token_now(*token, {});
  if (!result) return std::nullopt;
  return finish(std::move(*result));
}

rt::Task<AuthenticationResult> BearerAuthenticator::authenticate(rt::Context ctx, const net::Request& request) {
  auto token = bearer_token(request);
  if (!token) co_return Unexpected(std::move(token).error());
  if (token->empty()) co_return AuthenticationResult(std::nullopt);
  std::vector<std::string> audiences;
  AuthenticationResult result = co_await tokens_.authenticate_token(ctx, std::move(*token), std::move(audiences));
  co_return finish(std::move(result));
}

std::optional<std::vector<std::string>> agnostic_audiences(const std::vector<std::string>& own, const std::vector<std::string>& asked) {
  if (asked.empty()) return own;
  std::vector<std::string> both;
  for (const auto& audience : own)
    if (std::find(asked.begin(), asked.end(), audience) != asked.end()) both.push_back(audience);
  if (both.empty()) return std::nullopt;
  return both;
}

}  // namespace pintle::apiserver::authentication

#include "apiserver/authentication/bearer.h"

#include <algorithm>

#include "codec/base64.h"

namespace pintle::apiserver {
namespace {

constexpr std::string_view websocket_prefix = "base64url.bearer.authorization.k8s.io.";
constexpr std::size_t token_bytes_max = 1 << 20;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string token_of_authorization(std::string_view header) {
  header = trim(header);
  const auto space = header.find(' ');
  if (space == std::string_view::npos || !equals_ignoring_case(header.substr(0, space), "bearer")) return {};
  const std::string_view rest = header.substr(space + 1);
  return std::string(rest.substr(0, rest.find(' ')));
}

std::string token_of_subprotocols(std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view protocol = trim(list.substr(0, comma));
    if (protocol.starts_with(websocket_prefix)) return codec::decode_base64_url(protocol.substr(websocket_prefix.size())).value_or("");
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return {};
}

// What the whole chain says when nobody knew the token: upstream's words, which token reviews show.
AuthenticationResult finish(AuthenticationResult result) {
  if (result && *result) return result;
  if (result) return unauthorized("invalid bearer token");
  return unauthorized("[invalid bearer token, " + result.error().message + "]");
}

}  // namespace

std::string bearer_token(const net::Request& request) {
  std::string token = token_of_authorization(request.headers.get("authorization"));
  if (token.empty()) token = token_of_subprotocols(request.headers.get("sec-websocket-protocol"));
  if (token.size() > token_bytes_max) token.clear();
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
  const std::string token = bearer_token(request);
  if (token.empty()) return AuthenticationResult(std::nullopt);
  auto result = tokens_.authenticate_token_now(token, {});
  if (!result) return std::nullopt;
  return finish(std::move(*result));
}

rt::Task<AuthenticationResult> BearerAuthenticator::authenticate(rt::Context ctx, const net::Request& request) {
  std::string token = bearer_token(request);
  if (token.empty()) co_return AuthenticationResult(std::nullopt);
  std::vector<std::string> audiences;
  AuthenticationResult result = co_await tokens_.authenticate_token(ctx, std::move(token), std::move(audiences));
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

}  // namespace pintle::apiserver

#include "apiserver/authentication/service_account/token_authenticator.h"

#include <fmt/format.h>

#include <algorithm>

#include "apimachinery/identity/service_accounts.h"
#include "codec/json_text.h"
#include "component/certificate/keys.h"

namespace pintle::apiserver::authentication::service_account {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view value) { return std::find(list.begin(), list.end(), value) != list.end(); }

// ["a" "b"], as Go prints a list of strings.
std::string quoted(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const auto& item : list) {
    if (out.size() > 1) out += ' ';
    out += codec::go_quote(item);
  }
  return out + "]";
}

int64_t seconds(rt::WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

}  // namespace

ServiceAccountAuthenticator::ServiceAccountAuthenticator(TokenAuthenticatorConfig config, const rt::Clock& clock, const ResourceReader& reader)
    : config_(std::move(config)), clock_(clock), reader_(reader) {}

ServiceAccountAuthenticator::ClaimsPtr ServiceAccountAuthenticator::recall(const std::string& digest) {
  ThreadLock lock(mutex_);
  const auto it = by_digest_.find(digest);
  if (it == by_digest_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, it->second);
  return it->second->second;
}

void ServiceAccountAuthenticator::remember(std::string digest, ClaimsPtr claims) {
  ThreadLock lock(mutex_);
  if (by_digest_.contains(digest)) return;
  recent_.emplace_front(std::move(digest), std::move(claims));
  by_digest_.emplace(recent_.front().first, recent_.begin());
  if (recent_.size() <= verified_tokens_max) return;
  by_digest_.erase(recent_.back().first);
  recent_.pop_back();
}

Result<ServiceAccountAuthenticator::ClaimsPtr> ServiceAccountAuthenticator::verified_claims(const ParsedToken& parsed) const {
  TRY(config_.keys.verify(parsed));
  auto claims = claims_from(parsed.claims);
  if (!claims) return unauthorized(claims.error().message);
  return std::make_shared<const Claims>(std::move(*claims));
}

std::optional<AuthenticationResult> ServiceAccountAuthenticator::authenticate_token_now(const std::string& token,
                                                                                        const std::vector<std::string>& audiences) {
  if (token.size() > token_bytes_max) return AuthenticationResult(std::nullopt);
  std::string digest = component::sha256(token);
  ClaimsPtr claims = recall(digest);
  if (!claims) {
    const auto parsed = parse_token(token);
    if (!parsed) return AuthenticationResult(std::nullopt);
    const std::string_view issuer = parsed->claims.string_at("iss");
    if (issuer != apimachinery::secret_token_issuer && !contains(config_.issuers, issuer)) return AuthenticationResult(std::nullopt);
    auto verified = verified_claims(*parsed);
    if (!verified) return AuthenticationResult(Unexpected(verified.error()));
    claims = std::move(*verified);
    remember(std::move(digest), claims);
  }
  // A token without an audience is for the API server.
  const auto& offered = claims->audiences.empty() ? config_.audiences : claims->audiences;
  const auto& wanted = audiences.empty() ? config_.audiences : audiences;
  std::vector<std::string> both;
  for (const auto& audience : offered)
    if (contains(wanted, audience)) both.push_back(audience);
  if (both.empty() && !config_.audiences.empty())
    return AuthenticationResult(
        unauthorized(fmt::format("token audiences {} is invalid for the target audiences {}", quoted(offered), quoted(wanted))));
  auto response = validate(*claims, token, {reader_, seconds(clock_.wall_now()), config_.lookup, config_.uses});
  if (!response) return AuthenticationResult(Unexpected(response.error()));
  response->audiences = std::move(both);
  return AuthenticationResult(std::move(*response));
}

}  // namespace pintle::apiserver::authentication::service_account

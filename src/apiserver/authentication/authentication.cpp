#include "apiserver/authentication/authentication.h"

#include <fmt/format.h>

#include "apimachinery/identity/service_accounts.h"
#include "apiserver/authentication/bearer.h"
#include "apiserver/authentication/bootstrap_token.h"
#include "apiserver/authentication/service_account/token_authenticator.h"
#include "apiserver/authentication/token_file.h"
#include "apiserver/authentication/x509.h"

namespace pintle::apiserver::authentication {
namespace {

class InProcessAuthenticator : public Authenticator {
 public:
  std::optional<AuthenticationResult> authenticate_now(const net::Request& request) override {
    if (request.in_process_user.empty()) return AuthenticationResult(std::nullopt);
    return AuthenticationResult(AuthenticationResponse{in_process_user(request.in_process_user), {}});
  }
};

Result<service_account::KeySet> read_keys(const AuthenticationConfig& config) {
  std::vector<component::PublicKey> keys;
  for (const auto& pem : config.key_pems) {
    auto parsed = component::parse_public_keys_pem(pem);
    if (!parsed) return bad_request("--service-account-key-file: " + parsed.error().message);
    std::move(parsed->begin(), parsed->end(), std::back_inserter(keys));
  }
  return service_account::KeySet(std::move(keys));
}

Result<std::unique_ptr<service_account::TokenIssuer>> make_issuer(const AuthenticationConfig& config, const rt::Clock& clock, rt::Random& random,
                                                                  const ResourceReader& reader) {
  if (config.signing_key_pem.empty() || config.service_account_issuers.empty()) return nullptr;
  auto key = component::PrivateKey::parse_pem(config.signing_key_pem);
  if (!key) return bad_request("--service-account-signing-key-file: " + key.error().message);
  service_account::TokenIssuerConfig issuer;
  issuer.issuer = config.service_account_issuers.front();
  issuer.key = std::move(*key);
  issuer.audiences = config.audiences;
  issuer.max_expiration_seconds = std::chrono::duration_cast<std::chrono::seconds>(config.max_token_expiration).count();
  issuer.extend_expiration = config.extend_token_expiration;
  return std::make_unique<service_account::TokenIssuer>(std::move(issuer), clock, random, reader);
}

}  // namespace

UserInfo in_process_user(std::string_view name) {
  UserInfo user;
  user.name = name;
  if (name == "system:apiserver" || name == "system:admin") user.groups.emplace_back(group_masters);
  if (name.starts_with(user_node_prefix)) user.groups.emplace_back(group_nodes);
  if (const auto account = apimachinery::account_of_user(name)) user.groups = apimachinery::service_account_groups(account->first);
  user.groups.emplace_back(group_authenticated);
  return user;
}

Authentication::~Authentication() = default;

TokenAuthenticator& Authentication::tokens() { return *tokens_; }

Result<std::unique_ptr<Authentication>> Authentication::make(AuthenticationConfig config, const rt::Clock& clock, rt::Random& random,
                                                             const ResourceReader& reader) {
  if (config.audiences.empty() && !config.service_account_issuers.empty()) config.audiences = {config.service_account_issuers.front()};
  std::unique_ptr<Authentication> out(new Authentication());
  out->anonymous_ = config.anonymous;
  out->audiences_ = config.audiences;

  std::vector<std::unique_ptr<TokenAuthenticator>> tokens;
  if (!config.token_file_name.empty()) {
    TRY_ASSIGN(auto file, TokenFileAuthenticator::parse(config.token_file_text, config.token_file_name, config.audiences));
    tokens.push_back(std::move(file));
  }
  TRY_ASSIGN(auto keys, read_keys(config));
  if (!keys.keys().empty() && !config.service_account_issuers.empty()) {
    auto documents = service_account::make_openid_documents(config.service_account_issuers.front(), config.jwks_uri, config.external_host, keys);
    if (documents) out->openid_ = std::move(*documents);
    service_account::TokenAuthenticatorConfig accounts{config.service_account_issuers, config.audiences, std::move(keys), config.lookup,
                                                       config.secret_token_uses};
    tokens.push_back(std::make_unique<service_account::ServiceAccountAuthenticator>(std::move(accounts), clock, reader));
  }
  if (config.bootstrap_tokens) tokens.push_back(std::make_unique<BootstrapTokenAuthenticator>(config.audiences, clock, reader));
  out->tokens_ = std::make_unique<TokenUnion>(std::move(tokens));

  out->authenticators_.push_back(std::make_unique<InProcessAuthenticator>());
  if (config.front_proxy) {
    auto front_proxy = std::make_unique<FrontProxyAuthenticator>(std::move(*config.front_proxy), clock);
    out->front_proxy_ = front_proxy.get();
    out->authenticators_.push_back(std::move(front_proxy));
  }
  out->authenticators_.push_back(std::make_unique<X509Authenticator>(clock));
  out->authenticators_.push_back(std::make_unique<BearerAuthenticator>(*out->tokens_));
  TRY_ASSIGN(out->issuer_, make_issuer(config, clock, random, reader));
  return out;
}

Result<AuthenticationResponse> Authentication::finish(AuthenticationResult result) const {
  if (!result) return Unexpected(std::move(result.error()));
  if (*result) {
    UserInfo& user = (*result)->user;
    if (user.name != user_anonymous && !user.in_group(group_authenticated) && !user.in_group(group_unauthenticated))
      user.groups.emplace_back(group_authenticated);
    return std::move(**result);
  }
  if (!anonymous_) return unauthorized("no credentials provided");
  AuthenticationResponse nobody;
  nobody.user.name = user_anonymous;
  nobody.user.groups = {std::string(group_unauthenticated)};
  return nobody;
}

std::optional<Result<AuthenticationResponse>> Authentication::authenticate_now(const net::Request& request) {
  AuthenticationResult last(std::nullopt);
  for (const auto& authenticator : authenticators_) {
    auto result = authenticator->authenticate_now(request);
    if (!result) return std::nullopt;
    if (*result && !**result) continue;
    last = std::move(*result);
    if (last) break;
  }
  return finish(std::move(last));
}

rt::Task<Result<AuthenticationResponse>> Authentication::authenticate(rt::Context ctx, const net::Request& request) {
  AuthenticationResult last(std::nullopt);
  for (const auto& authenticator : authenticators_) {
    AuthenticationResult result = co_await authenticator->authenticate(ctx, request);
    if (result && !*result) continue;
    last = std::move(result);
    if (last) break;
  }
  co_return finish(std::move(last));
}

}  // namespace pintle::apiserver::authentication

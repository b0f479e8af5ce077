// TokenIssuer: makes service account tokens, answers TokenRequest, and publishes the keys (OpenID discovery).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/authentication_v1.h"
#include "apiserver/authentication/service_account/claims.h"
#include "apiserver/authentication/service_account/jwt.h"
#include "apiserver/types/resource_reader.h"
#include "component/certificate/keys.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication::service_account {

constexpr int64_t expiration_seconds_default = 3600;
constexpr int64_t expiration_seconds_min = 600;
constexpr int64_t expiration_seconds_max = int64_t{1} << 32;
// A pod-bound token asked for this long, which is what projected volumes ask for, holds for a year: clients of old that
// never read the file again keep working. The answer and the kubelet go by the time asked for.
constexpr int64_t expiration_seconds_warn_only = 3607;
constexpr int64_t expiration_seconds_extended = 365 * 24 * 3600;

struct TokenIssuerConfig {
  std::string issuer;
  component::PrivateKey key;
  std::vector<std::string> audiences;  // of this server; the default of a request
  int64_t max_expiration_seconds = 0;  // 0: no limit of our own
  bool extend_expiration = true;
};

class TokenIssuer {
 public:
  // The three outlive this.
  TokenIssuer(TokenIssuerConfig config, const rt::Clock& clock, rt::Random& random, const ResourceReader& reader);
  // Completes a request for a token of the service account `ns`/`name`, as validating admission sees it, or says what is wrong with it.
  Result<Unit> prepare(std::string_view ns, std::string_view name, api::authentication_v1::TokenRequest& request) const;
  // Answers one that is prepared; `warnings` are for the client.
  Result<api::authentication_v1::TokenRequest> issue(std::string_view ns, std::string_view name, api::authentication_v1::TokenRequest request,
                                                     std::vector<std::string>& warnings);

 private:
  struct Binding;
  int64_t seconds_now() const;
  Result<Binding> bind(std::string_view ns, std::string_view name, const api::authentication_v1::BoundObjectReference& ref) const;

  const TokenIssuerConfig config_;
  const rt::Clock& clock_;
  rt::Random& random_;
  const ResourceReader& reader_;
};

// /.well-known/openid-configuration and /openid/v1/jwks, as JSON.
struct OpenIdDocuments {
  std::string configuration;
  std::string jwks;
};
constexpr std::string_view openid_configuration_path = "/.well-known/openid-configuration";
constexpr std::string_view jwks_path = "/openid/v1/jwks";
// `jwks_uri` "": https://`external_host`/openid/v1/jwks. BadRequest if the issuer is no https URL: then the documents
// are not served.
Result<OpenIdDocuments> make_openid_documents(const std::string& issuer, const std::string& jwks_uri, const std::string& external_host,
                                              const KeySet& keys);

}  // namespace pintle::apiserver::authentication::service_account

// Authentication: everything that decides who makes a request, put together from the server's options.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/authentication/authenticator.h"
#include "apiserver/authentication/front_proxy.h"
#include "apiserver/authentication/service_account/issuer.h"
#include "apiserver/authentication/service_account/jwt.h"
#include "apiserver/authentication/service_account/secret_token_uses.h"
#include "apiserver/types/resource_reader.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication {

struct AuthenticationConfig {
  bool anonymous = true;
  bool bootstrap_tokens = false;
  std::string token_file_text;  // of --token-auth-file; "" with an empty name: none
  std::string token_file_name;
  std::vector<std::string> service_account_issuers;  // accepted; the first one signs
  std::vector<std::string> audiences;                // "": the first issuer
  std::vector<std::string> key_pems;                 // texts of --service-account-key-file
  std::string signing_key_pem;                       // text of --service-account-signing-key-file; "": no tokens are made
  rt::Duration max_token_expiration{};
  bool extend_token_expiration = true;
  bool lookup = true;                                             // --service-account-lookup
  service_account::SecretTokenUses* secret_token_uses = nullptr;  // is told of them, and outlives all
  std::string jwks_uri;                                           // "": https://external_host/openid/v1/jwks
  std::string external_host;                                      // host:port under which clients reach this server
  std::optional<FrontProxyConfig> front_proxy;                    // nullopt: no front proxy is believed
};

class Authentication {
 public:
  // BadRequest with one clear line if a key or the token file cannot be read. The three outlive it.
  static Result<std::unique_ptr<Authentication>> make(AuthenticationConfig config, const rt::Clock& clock, rt::Random& random,
                                                      const ResourceReader& reader);
  ~Authentication();

  // Who makes the request; system:authenticated added. Unauthorized: bad credentials, or none where anonymous requests are
  // refused. The answer of authenticators that need not wait; nullopt: ask authenticate().
  std::optional<Result<AuthenticationResponse>> authenticate_now(const net::Request& request);
  rt::Task<Result<AuthenticationResponse>> authenticate(rt::Context ctx, const net::Request& request);

  // Takes from the request what only a front proxy may say, once it is known who makes it.
  void drop_front_proxy_headers(net::Headers& headers) const {
    if (front_proxy_ != nullptr) front_proxy_->drop_headers(headers);
  }

  TokenAuthenticator& tokens();  // for TokenReview
  const std::vector<std::string>& audiences() const { return audiences_; }
  service_account::TokenIssuer* issuer() { return issuer_.get(); }                           // nullptr without a signing key
  const std::optional<service_account::OpenIdDocuments>& openid() const { return openid_; }  // absent: not served

 private:
  Authentication() = default;
  Result<AuthenticationResponse> finish(AuthenticationResult result) const;

  bool anonymous_ = true;
  std::vector<std::string> audiences_;
  std::unique_ptr<TokenAuthenticator> tokens_;
  std::vector<std::unique_ptr<Authenticator>> authenticators_;
  const FrontProxyAuthenticator* front_proxy_ = nullptr;  // among those; nullptr: none
  std::unique_ptr<service_account::TokenIssuer> issuer_;
  std::optional<service_account::OpenIdDocuments> openid_;
};

// The identity of a component in this process, which names itself: its user name and the groups that go with it.
UserInfo in_process_user(std::string_view name);

}  // namespace pintle::apiserver::authentication

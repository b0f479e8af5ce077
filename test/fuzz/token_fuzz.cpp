// Bearer tokens: JSON Web Tokens and their claims, token files, bootstrap tokens.
#include "api/gen/core_v1.h"
#include "apiserver/authentication/bootstrap_token.h"
#include "apiserver/authentication/service_account/claims.h"
#include "apiserver/authentication/service_account/jwt.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/authentication/token_file.h"
#include "base/check.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

namespace service_account = apiserver::authentication::service_account;

constexpr std::string_view bootstrap_token = "abcdef.0123456789abcdef";

struct FixedClock final : rt::Clock {
  rt::TimePoint now() const override { return {}; }
  rt::WallTime wall_now() const override { return rt::WallTime(std::chrono::seconds(1'800'000'000)); }
};

const service_account::KeySet& keys() {
  static const service_account::KeySet set = [] {
    const auto key = component::PrivateKey::generate_ec_p256();
    CHECK(key.has_value(), "a key");
    return service_account::KeySet({key->public_key()});
  }();
  return set;
}

void check_claims(const codec::Value& value) {
  const auto claims = service_account::claims_from(value);
  if (!claims) return;
  const auto again = service_account::claims_from(service_account::to_value(*claims));
  CHECK(again && again->subject == claims->subject && again->audiences == claims->audiences && again->expires == claims->expires, "claims read back");
  const apiserver::testing::FakeReader nothing;
  CHECK(!service_account::validate(*claims, "", {nothing, 1'800'000'000}), "no account, no user");
}

// The input is what somebody wrote into the secret.
void check_bootstrap_secret(std::string_view input) {
  api::core_v1::Secret secret;
  secret.metadata.name = "bootstrap-token-abcdef";
  secret.metadata.namespace_ = "kube-system";
  secret.type = "bootstrap.kubernetes.io/token";
  secret.data["token-id"] = "abcdef";
  secret.data["token-secret"] = "0123456789abcdef";
  secret.data["usage-bootstrap-authentication"] = "true";
  const std::size_t line = std::min(input.find('\n'), input.size());
  secret.data["auth-extra-groups"] = std::string(input.substr(0, line));
  secret.data["expiration"] = std::string(input.substr(std::min(line + 1, input.size())));
  apiserver::testing::FakeReader reader;
  reader.put({"", "secrets"}, std::move(secret));
  const FixedClock clock;
  apiserver::authentication::BootstrapTokenAuthenticator authenticator({"api"}, clock, reader);
  (void)authenticator.authenticate_token_now(std::string(bootstrap_token), {"api"});
  (void)authenticator.authenticate_token_now(std::string(input), {"api"});
}

}  // namespace

void one(std::string_view input) {
  if (const auto parsed = service_account::parse_token(input)) {
    CHECK(!keys().verify(*parsed), "nobody guesses a signature");
    check_claims(parsed->claims);
  }
  if (const auto value = codec::parse_json(input)) check_claims(*value);
  if (const auto file = apiserver::authentication::TokenFileAuthenticator::parse(input, "tokens.csv", {"api"}))
    (void)(*file)->authenticate_token_now(std::string(input), {"api"});
  check_bootstrap_secret(input);
}

std::vector<std::string> seeds() {
  const std::string claims =
      R"({"iss":"https://a","sub":"system:serviceaccount:n:a","aud":["api"],"exp":1800000600,"iat":1800000000,"nbf":1800000000,"jti":"j","kubernetes.io":{"namespace":"n","serviceaccount":{"name":"a","uid":"u"},"pod":{"name":"p","uid":"v"},"node":{"name":"m","uid":"w"},"warnafter":1800000300}})";
  const std::string jwt =
      codec::base64_url(R"({"alg":"ES256","kid":"k"})") + "." + codec::base64_url(claims) + "." + codec::base64_url(std::string(64, 'x'));
  return {
      claims,
      jwt,
      R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"n","kubernetes.io/serviceaccount/secret.name":"s","kubernetes.io/serviceaccount/service-account.name":"a","kubernetes.io/serviceaccount/service-account.uid":"u","sub":"system:serviceaccount:n:a"})",
      "t1,user,uid,\"g1,g2\"\nt2,other,2\n",
      "system:bootstrappers:a,system:bootstrappers:b:c\n2030-01-02T03:04:05Z",
      std::string(bootstrap_token)};
}
std::vector<std::string> tokens() {
  return {".",
          "\"",
          "\"\"",
          ",",
          "\n",
          "\"exp\":",
          "\"aud\":\"x\"",
          "1e400",
          "-1",
          "9223372036854775807",
          "\"kubernetes.io\":{",
          "\"pod\":{",
          "system:bootstrappers:",
          "system:bootstrappers:x,",
          "eyJhbGciOiJub25lIn0",
          "{",
          "}",
          "[",
          "]",
          "2030-01-02T03:04:05Z"};
}

}  // namespace pintle::fuzz

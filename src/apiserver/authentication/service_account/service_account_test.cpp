#include "api/gen/core_v1.h"
#include "apimachinery/identity/service_accounts.h"
#include "apiserver/authentication/reviews.h"
#include "apiserver/authentication/service_account/extra_keys.h"
#include "apiserver/authentication/service_account/issuer.h"
#include "apiserver/authentication/service_account/token_authenticator.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "component/certificate/web_token.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::authentication::service_account {
namespace {

using namespace api::core_v1;
using api::authentication_v1::TokenRequest;

constexpr const char* issuer_url = "https://kubernetes.default.svc.cluster.local";

template <class T>
T named(const std::string& ns, const std::string& name, const std::string& uid) {
  T object;
  object.metadata.namespace_ = ns;
  object.metadata.name = name;
  object.metadata.uid = uid;
  return object;
}

class ServiceAccountTokens : public ::testing::Test {
 protected:
  void SetUp() override {
    reader_.put({"", "serviceaccounts"}, named<ServiceAccount>("wire", "bot", "uid-sa"));
    Pod pod = named<Pod>("wire", "p", "uid-pod");
    pod.spec.service_account_name = "bot";
    pod.spec.node_name = "n1";
    reader_.put({"", "pods"}, pod);
    reader_.put({"", "nodes"}, named<Node>("", "n1", "uid-node"));
    reader_.put({"", "secrets"}, named<Secret>("wire", "s", "uid-secret"));
    reset("EC");
  }
  void reset(const std::string& kind) {
    key_ = kind == "EC" ? *component::PrivateKey::generate_ec_p256() : *component::PrivateKey::generate_rsa(2048);
    TokenIssuerConfig issuer;
    issuer.issuer = issuer_url;
    issuer.key = key_;
    issuer.audiences = {issuer_url};
    issuer_ = std::make_unique<TokenIssuer>(issuer, clock_, random_, reader_);
    authenticator_ = std::make_unique<ServiceAccountAuthenticator>(
        TokenAuthenticatorConfig{{issuer_url}, {issuer_url}, KeySet({key_.public_key(), key_.public_key()})}, clock_, reader_);
  }
  Result<TokenRequest> ask(TokenRequest request, std::string_view account = "bot") {
    TRY(issuer_->prepare("wire", account, request));
    return issuer_->issue("wire", account, std::move(request), warnings_);
  }
  TokenRequest bound(const std::string& kind, const std::string& name, const std::string& uid = "") {
    TokenRequest request;
    request.spec.bound_object_ref = api::authentication_v1::BoundObjectReference{kind, "v1", name, uid};
    return request;
  }
  std::string check(const std::string& token, std::vector<std::string> audiences = {}) {
    const auto result = *authenticator_->authenticate_token_now(token, audiences);
    if (!result) return result.error().message;
    return *result ? (*result)->user.name : "unknown";
  }
  static codec::Value claims_of(const std::string& token) {
    const auto first = token.find('.');
    return *codec::parse_json(*codec::decode_base64_url(std::string_view(token).substr(first + 1, token.rfind('.') - first - 1)));
  }

  testing::FakeReader reader_;
  testing::FakeClock clock_;
  testing::FakeRandom random_;
  component::PrivateKey key_;
  std::unique_ptr<TokenIssuer> issuer_;
  std::unique_ptr<ServiceAccountAuthenticator> authenticator_;
  std::vector<std::string> warnings_;
};

TEST_F(ServiceAccountTokens, RoundTripWithBothKindsOfKey) {
  for (const char* kind : {"EC", "RSA"}) {
    reset(kind);
    const auto answer = ask({});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->metadata.name, "bot");
    EXPECT_EQ(answer->metadata.uid, "uid-sa");
    EXPECT_EQ(answer->status.expiration_timestamp.seconds, clock_.seconds() + 3600);
    EXPECT_EQ(check(answer->status.token), "system:serviceaccount:wire:bot");
    EXPECT_EQ(check(answer->status.token), "system:serviceaccount:wire:bot");  // from memory
  }
}

TEST_F(ServiceAccountTokens, ClaimsAreUpstreams) {
  TokenRequest request;
  request.spec.audiences = {"vault"};
  request.spec.expiration_seconds = 700;
  codec::Value claims = claims_of(ask(request)->status.token);
  EXPECT_EQ(claims.find("exp")->as_int(), clock_.seconds() + 700);
  for (const char* key : {"exp", "iat", "nbf", "jti"}) claims[key] = "x";
  EXPECT_EQ(
      codec::to_json(claims),
      R"({"aud":["vault"],"exp":"x","iat":"x","iss":"https://kubernetes.default.svc.cluster.local","jti":"x",)"
      R"("kubernetes.io":{"namespace":"wire","serviceaccount":{"name":"bot","uid":"uid-sa"}},"nbf":"x","sub":"system:serviceaccount:wire:bot"})");
  const codec::Value pod_claims = claims_of(ask(bound("Pod", "p"))->status.token);
  EXPECT_EQ(
      codec::to_json(*pod_claims.find("kubernetes.io")),
      R"({"namespace":"wire","node":{"name":"n1","uid":"uid-node"},"pod":{"name":"p","uid":"uid-pod"},"serviceaccount":{"name":"bot","uid":"uid-sa"}})");
}

TEST_F(ServiceAccountTokens, ExtrasNameThePodAndNode) {
  const std::string token = ask(bound("Pod", "p", "uid-pod"))->status.token;
  const auto result = *authenticator_->authenticate_token_now(token, {});
  ASSERT_TRUE(result && *result);
  const UserInfo& user = (*result)->user;
  EXPECT_EQ(user.groups, (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:wire"}));
  EXPECT_EQ(*user.extra.get(extra_pod_name), std::vector<std::string>{"p"});
  EXPECT_EQ(*user.extra.get(extra_node_uid), std::vector<std::string>{"uid-node"});
  EXPECT_TRUE(user.extra.get(extra_credential_id)->front().starts_with("JTI="));
}

TEST_F(ServiceAccountTokens, TokensEnd) {
  const std::string token = ask({})->status.token;
  clock_.advance(3600 + leeway_seconds);
  EXPECT_EQ(check(token), "system:serviceaccount:wire:bot");
  clock_.advance(1);
  EXPECT_EQ(check(token), "service account token has expired");
  clock_.advance(-3600 - 2 * leeway_seconds - 2);
  EXPECT_EQ(check(token), "service account token is not valid yet");
}

TEST_F(ServiceAccountTokens, BindingsHold) {
  const std::string plain = ask({})->status.token;
  const std::string pod = ask(bound("Pod", "p"))->status.token;
  const std::string node = ask(bound("Node", "n1"))->status.token;
  const std::string secret = ask(bound("Secret", "s"))->status.token;
  for (const auto& token : {plain, pod, node, secret}) EXPECT_EQ(check(token), "system:serviceaccount:wire:bot");
  reader_.remove({"", "nodes"}, "", "n1");
  EXPECT_EQ(check(node), "service account token has been invalidated");
  EXPECT_EQ(check(pod), "system:serviceaccount:wire:bot");
  reader_.remove({"", "secrets"}, "wire", "s");
  EXPECT_EQ(check(secret), "service account token has been invalidated");
  Pod other = named<Pod>("wire", "p", "uid-2");
  reader_.put({"", "pods"}, other);
  EXPECT_EQ(check(pod), "pod UID (uid-2) does not match service account pod ref claim (uid-pod)");
  Pod going = named<Pod>("wire", "p", "uid-pod");
  going.metadata.deletion_timestamp = api::Time{clock_.seconds() - leeway_seconds, 0};
  reader_.put({"", "pods"}, going);
  EXPECT_EQ(check(pod), "system:serviceaccount:wire:bot");
  clock_.advance(1);
  EXPECT_EQ(check(pod), "service account token has been invalidated");
  reader_.put({"", "serviceaccounts"}, named<ServiceAccount>("wire", "bot", "uid-2"));
  EXPECT_EQ(check(plain), "service account UID (uid-2) does not match claim (uid-sa)");
  reader_.remove({"", "serviceaccounts"}, "wire", "bot");
  EXPECT_NE(check(plain).find("not found"), std::string::npos);
}

TEST_F(ServiceAccountTokens, Audiences) {
  TokenRequest request;
  request.spec.audiences = {"vault", "bank"};
  const std::string token = ask(request)->status.token;
  EXPECT_EQ(check(token, {"bank"}), "system:serviceaccount:wire:bot");
  EXPECT_EQ(check(token),
            "token audiences [\"vault\" \"bank\"] is invalid for the target audiences [\"https://kubernetes.default.svc.cluster.local\"]");
}

TEST_F(ServiceAccountTokens, BadTokens) {
  const std::string token = ask({})->status.token;
  for (const std::string& bad : {std::string(""), std::string("x"), std::string("a.b.c"), std::string("..."), token.substr(0, token.rfind('.')),
                                 "x" + token, std::string(token_bytes_max + 1, 'x')})
    EXPECT_EQ(check(bad), "unknown") << bad.substr(0, 40);
  std::string forged = token;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(check(forged), "invalid signature");
  const auto other = component::PrivateKey::generate_ec_p256();
  EXPECT_EQ(check(*component::sign_web_token(*other, claims_of(token))), "invalid signature, no keys found");
  codec::Value foreign = claims_of(token);
  foreign["iss"] = "https://elsewhere";
  EXPECT_EQ(check(*component::sign_web_token(key_, foreign)), "unknown");
  codec::Value odd = claims_of(token);
  odd["exp"] = "soon";
  EXPECT_EQ(check(*component::sign_web_token(key_, odd)), "claim exp is no number");
}

TEST_F(ServiceAccountTokens, KeptInSecrets) {
  codec::Value claims = apimachinery::to_value(apimachinery::SecretTokenClaims{"wire", "bot", "uid-sa", "old"});
  const std::string token = *component::sign_web_token(key_, claims);
  EXPECT_EQ(check(token), "Token has been invalidated");
  Secret secret = named<Secret>("wire", "old", "u");
  secret.data["token"] = "another";
  reader_.put({"", "secrets"}, secret);
  EXPECT_EQ(check(token), "Token does not match server's copy");
  secret.data["token"] = token;
  reader_.put({"", "secrets"}, secret);
  EXPECT_EQ(check(token), "system:serviceaccount:wire:bot");
  // Without a look at what is stored, nothing but the signature counts; of legacy tokens alone.
  ServiceAccountAuthenticator trusting(TokenAuthenticatorConfig{{issuer_url}, {issuer_url}, KeySet({key_.public_key()}), false}, clock_, reader_);
  reader_.remove({"", "secrets"}, "wire", "old");
  EXPECT_EQ(check(token), "Token has been invalidated");
  EXPECT_TRUE(*trusting.authenticate_token_now(token, {}));
  const std::string to_pod = ask(bound("Pod", "p"))->status.token;
  EXPECT_TRUE(*trusting.authenticate_token_now(to_pod, {}));
  reader_.remove({"", "pods"}, "wire", "p");
  EXPECT_FALSE(*trusting.authenticate_token_now(to_pod, {}));
  claims["sub"] = "system:serviceaccount:wire:root";
  EXPECT_EQ(check(*component::sign_web_token(key_, claims)), "sub claim is invalid");
}

// Each use is told: of a token that a person asked for, of one that a manager of old made, of one that is refused.
TEST_F(ServiceAccountTokens, UsesOfThoseInSecretsAreTold) {
  struct Uses final : SecretTokenUses {
    std::string said;
    void used(SecretTokenUse use, const Secret& secret) override {
      said += (use == SecretTokenUse::Manual ? "manual " : use == SecretTokenUse::Automatic ? "automatic " : "refused ") + secret.metadata.name + ";";
    }
  } uses;
  ServiceAccountAuthenticator telling(TokenAuthenticatorConfig{{issuer_url}, {issuer_url}, KeySet({key_.public_key()}), true, &uses}, clock_,
                                      reader_);
  const std::string token = *component::sign_web_token(key_, apimachinery::to_value(apimachinery::SecretTokenClaims{"wire", "bot", "uid-sa", "old"}));
  Secret secret = named<Secret>("wire", "old", "u");
  secret.data["token"] = token;
  ServiceAccount account = named<ServiceAccount>("wire", "bot", "uid-sa");
  const auto check_use = [&](const std::string& told, std::size_t warnings, const std::string& error) {
    reader_.put({"", "secrets"}, secret);
    reader_.put({"", "serviceaccounts"}, account);
    uses.said.clear();
    const auto result = *telling.authenticate_token_now(token, {});
    EXPECT_EQ(uses.said, told);
    if (result) {
      EXPECT_EQ((*result)->warnings.size(), warnings);
      EXPECT_EQ((*result)->audiences, std::vector<std::string>{issuer_url});
    }
    EXPECT_EQ(result ? "" : result.error().message, error);
  };
  check_use("manual old;", 0, "");
  account.secrets.resize(2);
  account.secrets[1].name = "old";
  check_use("automatic old;", 1, "");
  secret.metadata.labels[apimachinery::invalid_since_label] = "";
  check_use("automatic old;", 1, "");
  secret.metadata.labels[apimachinery::invalid_since_label] = "2026-01-31";
  check_use("refused old;", 0,
            "the token in secret wire/old for service account wire/bot has been marked invalid; without the label "
            "'kubernetes.io/legacy-token-invalid-since' on the secret it holds again");
  account.metadata.uid = "uid-2";
  check_use("", 0, "service account UID (uid-2) does not match claim (uid-sa)");
}

TEST_F(ServiceAccountTokens, RequestsThatAreRefused) {
  struct Case {
    TokenRequest request;
    int code;
  };
  TokenRequest brief, endless, renamed, uid;
  brief.spec.expiration_seconds = 599;
  endless.spec.expiration_seconds = expiration_seconds_max + 1;
  renamed.metadata.name = "other";
  uid.metadata.uid = "uid-2";
  const Case cases[] = {{brief, 422},
                        {endless, 422},
                        {renamed, 422},
                        {uid, 409},
                        {bound("Pod", "none"), 404},
                        {bound("Pod", "p", "uid-2"), 409},
                        {bound("Service", "s"), 400}};
  for (const auto& c : cases) {
    const auto answer = ask(c.request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().http(), c.code) << answer.error().message;
  }
  EXPECT_EQ(ask({}, "none").error().http(), 404);
  Pod stranger = named<Pod>("wire", "q", "u");
  stranger.spec.service_account_name = "other";
  reader_.put({"", "pods"}, stranger);
  EXPECT_EQ(ask(bound("Pod", "q")).error().http(), 400);
}

TEST_F(ServiceAccountTokens, PodTokensAreExtended) {
  TokenRequest request = bound("Pod", "p");
  request.spec.expiration_seconds = expiration_seconds_warn_only;
  const auto answer = ask(request);
  EXPECT_EQ(answer->status.expiration_timestamp.seconds, clock_.seconds() + expiration_seconds_warn_only);
  const codec::Value claims = claims_of(answer->status.token);
  EXPECT_EQ(claims.find("exp")->as_int(), clock_.seconds() + expiration_seconds_extended);
  EXPECT_EQ(claims.find("kubernetes.io")->find("warnafter")->as_int(), clock_.seconds() + expiration_seconds_warn_only);
}

TEST_F(ServiceAccountTokens, Review) {
  TokenRequest request;
  request.spec.audiences = {"vault"};
  api::authentication_v1::TokenReview question;
  question.spec.token = ask(request)->status.token;
  question.spec.audiences = {"vault"};
  const auto ask_review = [&](const auto& q) { return testing::now(review(rt::Context::background(), *authenticator_, {issuer_url}, q)); };
  auto answer = ask_review(question);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->status.authenticated);
  EXPECT_EQ(answer->status.user.groups, (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:wire", "system:authenticated"}));
  EXPECT_EQ(answer->status.audiences, std::vector<std::string>{"vault"});
  question.spec.audiences = {"other"};
  EXPECT_EQ(ask_review(question)->status.error,
            "[invalid bearer token, token audiences [\"vault\"] is invalid for the target audiences [\"other\"]]");
  question.spec.audiences = {};
  EXPECT_EQ(
      ask_review(question)->status.error,
      "[invalid bearer token, token audiences [\"vault\"] is invalid for the target audiences [\"https://kubernetes.default.svc.cluster.local\"]]");
  question.spec.token = "x";
  EXPECT_EQ(ask_review(question)->status.error, "invalid bearer token");
  question.spec.token = "";
  EXPECT_EQ(ask_review(question).error().http(), 400);
}

TEST(OpenId, Documents) {
  const auto key = component::PrivateKey::generate_rsa(2048);
  const auto ec = component::PrivateKey::generate_ec_p256();
  const auto documents = make_openid_documents(issuer_url, "", "10.0.0.1:6443", KeySet({key->public_key(), ec->public_key()}));
  ASSERT_TRUE(documents);
  EXPECT_EQ(
      documents->configuration,
      R"({"issuer":"https://kubernetes.default.svc.cluster.local","jwks_uri":"https://10.0.0.1:6443/openid/v1/jwks","response_types_supported":["id_token"],)"
      R"("subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256","RS256"]})");
  EXPECT_TRUE(documents->jwks.starts_with(R"({"keys":[{"use":"sig","kty":"RSA","kid":")"));
  EXPECT_EQ(codec::parse_json(documents->jwks)->find("keys")->as_array().size(), 2u);
  for (const char* bad : {"http://x", "kubernetes/serviceaccount", "https://x?y", "https://x#y"})
    EXPECT_FALSE(make_openid_documents(bad, "", "h", KeySet({key->public_key()})));
}

}  // namespace
}  // namespace pintle::apiserver::authentication::service_account

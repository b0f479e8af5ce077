#include "apiserver/authentication/authentication.h"

#include "api/gen/core_v1.h"
#include "apiserver/authentication/bearer.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/authentication/token_file.h"
#include "apiserver/authorization/impersonation.h"
#include "component/certificate/certificate.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::authentication {
namespace {

class AuthenticationTest : public ::testing::Test {
 protected:
  std::unique_ptr<Authentication> make(AuthenticationConfig config) {
    auto made = Authentication::make(std::move(config), clock_, random_, reader_);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  static AuthenticationConfig config() {
    AuthenticationConfig out;
    out.token_file_name = "tokens.csv";
    out.token_file_text = "secret,jane,42,\"devs,ops\"\nplain,bob,7\n";
    out.service_account_issuers = {"https://issuer"};
    out.bootstrap_tokens = true;
    return out;
  }
  // "name|group,group", or the error.
  static std::string who(Authentication& authentication, const net::Request& request) {
    const auto user = *authentication.authenticate_now(request);
    if (!user) return std::to_string(user.error().http()) + " " + user.error().message;
    std::string out = user->user.name + "|";
    for (const auto& group : user->user.groups) out += (out.back() == '|' ? "" : ",") + group;
    return out;
  }
  static net::Request bearer(const std::string& value) {
    net::Request request;
    request.headers.add("Authorization", value);
    return request;
  }
  net::Request with_certificate(const std::string& name, std::vector<std::string> groups, int64_t not_after) {
    const auto key = component::PrivateKey::generate_ec_p256();
    component::CertificateSpec spec;
    spec.common_name = name;
    spec.organizations = std::move(groups);
    spec.not_before = clock_.seconds() - 10;
    spec.not_after = not_after;
    const auto pem = component::issue_certificate(spec, key->public_key(), *key, "");
    auto peer = std::make_shared<net::PeerCertificates>();
    peer->verified_chain_der = *component::certificates_from_pem(*pem);
    net::Request request;
    request.peer = peer;
    return request;
  }

  testing::FakeReader reader_;
  testing::FakeClock clock_;
  testing::FakeRandom random_;
};

TEST_F(AuthenticationTest, Bearer) {
  const auto authentication = make(config());
  struct Case {
    const char* header;
    const char* want;
  };
  const Case cases[] = {
      {"Bearer secret", "jane|devs,ops,system:authenticated"},
      {"bearer   ", "system:anonymous|system:unauthenticated"},
      {"Bearer plain more", "bob|system:authenticated"},
      {"Basic c2VjcmV0", "system:anonymous|system:unauthenticated"},
      {"Bearer wrong", "401 invalid bearer token"},
      {"", "system:anonymous|system:unauthenticated"},
  };
  for (const auto& c : cases) EXPECT_EQ(who(*authentication, bearer(c.header)), c.want) << c.header;
}

TEST_F(AuthenticationTest, BearerTokenOfAWebSocket) {
  const auto authentication = make(config());
  const std::string token = "base64url.bearer.authorization.k8s.io.c2VjcmV0";
  const std::pair<std::string, std::string> cases[] = {
      {"v4.channel.k8s.io, " + token, "jane|devs,ops,system:authenticated"},
      {"v4.channel.k8s.io", "system:anonymous|system:unauthenticated"},
      {token, "401 a bearer token needs another subprotocol beside it"},
      {"v4.channel.k8s.io, " + token + "," + token, "401 multiple bearer tokens among the subprotocols"},
      {"v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.***", "401 the bearer token among the subprotocols is not in base64url"},
      {"v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.d3Jvbmc", "401 invalid bearer token"},
  };
  for (const auto& [protocols, want] : cases) {
    net::Request socket;
    socket.method = "GET";
    socket.headers.add("Connection", "Upgrade");
    socket.headers.add("Upgrade", "websocket");
    socket.headers.add("Sec-WebSocket-Protocol", protocols);
    EXPECT_EQ(who(*authentication, socket), want) << protocols;
  }
}

// Headers name a user on the connection of a front proxy alone, and on nobody else's, whatever they say.
TEST_F(AuthenticationTest, FrontProxies) {
  AuthenticationConfig c = config();
  c.front_proxy = FrontProxyConfig{{"proxy"}, {"X-Remote-User", "X-Second"}, {"X-Remote-Uid"}, {"X-Remote-Group"}, {"X-Remote-Extra-"}};
  const auto authentication = make(c);
  const auto from = [&](const std::string& common_name, bool by_proxies_authority, int64_t not_after) {
    net::Request request = with_certificate(common_name, {"system:masters"}, not_after);
    auto peer = std::make_shared<net::PeerCertificates>(*request.peer);
    if (by_proxies_authority) {
      peer->front_proxy_der = std::exchange(peer->verified_chain_der, {}).front();
      request.peer_error = "unable to get local issuer certificate";
    }
    request.peer = peer;
    for (const auto& [name, value] : {std::pair{"x-remote-user", "jane"},
                                      {"X-Remote-Group", "devs"},
                                      {"X-Remote-Group", "ops"},
                                      {"X-Remote-Uid", "7"},
                                      {"X-Remote-Extra-Example.com%2fScopes", "a"},
                                      {"x-remote-extra-example.com%2Fscopes", "b"},
                                      {"X-Second", "joe"}})
      request.headers.add(name, value);
    return request;
  };
  const int64_t later = clock_.seconds() + 100;
  const net::Request good = from("proxy", true, later);
  EXPECT_EQ(who(*authentication, good), "jane|devs,ops,system:authenticated");
  const UserInfo user = (*authentication->authenticate_now(good))->user;
  EXPECT_EQ(user.uid, "7");
  ASSERT_NE(user.extra.get("example.com/scopes"), nullptr);
  EXPECT_EQ(*user.extra.get("example.com/scopes"), (std::vector<std::string>{"a", "b"}));
  // A client's certificate, another name, a certificate of the past, no certificate, no name.
  EXPECT_EQ(who(*authentication, from("proxy", false, later)), "proxy|system:masters,system:authenticated");
  const std::string no_identity = "401 the client certificate does not verify: unable to get local issuer certificate";
  EXPECT_EQ(who(*authentication, from("other", true, later)), no_identity);
  EXPECT_EQ(who(*authentication, from("proxy", true, clock_.seconds() - 1)), no_identity);
  net::Request bare = from("proxy", true, later);
  bare.peer = nullptr;
  bare.peer_error.clear();
  EXPECT_EQ(who(*authentication, bare), "system:anonymous|system:unauthenticated");
  net::Request nameless = from("proxy", true, later);
  nameless.headers.set("X-Remote-User", "");
  EXPECT_EQ(who(*authentication, nameless), "joe|devs,ops,system:authenticated");
  nameless.headers.remove("X-Second");
  EXPECT_EQ(who(*authentication, nameless), no_identity);
  // Without the option nobody is believed.
  EXPECT_EQ(who(*make(config()), good), no_identity);
  net::Headers headers = good.headers;
  headers.add("Accept", "*/*");
  authentication->drop_front_proxy_headers(headers);
  EXPECT_EQ(headers.items().size(), 1U);
}

// Whoever shows a credential that is no good is refused, even where anonymous requests are welcome; another credential of the
// same request may still be good.
TEST_F(AuthenticationTest, ABadCertificateIsNotAnonymous) {
  const auto authentication = make(config());
  net::Request request;
  request.peer_error = "certificate has expired";
  EXPECT_EQ(who(*authentication, request), "401 the client certificate does not verify: certificate has expired");
  request.headers.add("Authorization", "Bearer secret");
  EXPECT_EQ(who(*authentication, request), "jane|devs,ops,system:authenticated");
}

TEST_F(AuthenticationTest, AnonymousCanBeRefused) {
  AuthenticationConfig c = config();
  c.anonymous = false;
  EXPECT_EQ(who(*make(c), net::Request()), "401 no credentials provided");
}

TEST_F(AuthenticationTest, ClientCertificates) {
  const auto authentication = make(config());
  const auto request = with_certificate("alice", {"admins", "system:masters"}, clock_.seconds() + 100);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(who(*authentication, request), "alice|admins,system:masters,system:authenticated");
  EXPECT_TRUE(authentication->authenticate_now(request)
                  ->value()
                  .user.extra.get("authentication.kubernetes.io/credential-id")
                  ->front()
                  .starts_with("X509SHA256="));
  EXPECT_EQ(who(*authentication, with_certificate("", {"x"}, clock_.seconds() + 100)), "system:anonymous|system:unauthenticated");
  clock_.advance(101);
  EXPECT_TRUE(who(*authentication, request).starts_with("401"));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(who(*authentication, with_certificate("u", {}, clock_.seconds() + 10)), "u|system:authenticated");
}

TEST_F(AuthenticationTest, ComponentsOfThisProcess) {
  const auto authentication = make(config());
  net::Request request;
  const std::pair<const char*, const char*> cases[] = {
      {"system:apiserver", "system:apiserver|system:masters,system:authenticated"},
      {"system:admin", "system:admin|system:masters,system:authenticated"},
      {"system:kube-scheduler", "system:kube-scheduler|system:authenticated"},
      {"system:kube-controller-manager", "system:kube-controller-manager|system:authenticated"},
      {"system:node:n1", "system:node:n1|system:nodes,system:authenticated"},
      {"system:serviceaccount:kube-system:gc",
       "system:serviceaccount:kube-system:gc|system:serviceaccounts,system:serviceaccounts:kube-system,system:authenticated"},
  };
  for (const auto& [name, want] : cases) {
    request.in_process_user = name;
    EXPECT_EQ(who(*authentication, request), want);
    // The API handler asks for it without the rest of authentication.
    std::string direct(name);
    char separator = '|';
    for (const std::string& group : in_process_user(name).groups) {
      direct += separator + group;
      separator = ',';
    }
    EXPECT_EQ(direct, want);
  }
}

TEST_F(AuthenticationTest, BootstrapTokens) {
  const auto authentication = make(config());
  api::core_v1::Secret secret;
  secret.metadata.namespace_ = "kube-system";
  secret.metadata.name = "bootstrap-token-abcdef";
  secret.type = "bootstrap.kubernetes.io/token";
  secret.data["token-id"] = "abcdef";
  secret.data["token-secret"] = "0123456789abcdef";
  secret.data["usage-bootstrap-authentication"] = "true";
  secret.data["auth-extra-groups"] = "system:bootstrappers:workers";
  const auto ask = [&](const api::core_v1::Secret& s) {
    reader_.put({"", "secrets"}, s);
    return who(*authentication, bearer("Bearer abcdef.0123456789abcdef"));
  };
  EXPECT_EQ(ask(secret), "system:bootstrap:abcdef|system:bootstrappers,system:bootstrappers:workers,system:authenticated");
  EXPECT_EQ(who(*authentication, bearer("Bearer abcdef.0123456789abcdee")), "401 invalid bearer token");
  const std::pair<const char*, const char*> spoiled[] = {{"token-id", "abcdeg"},
                                                         {"usage-bootstrap-authentication", "yes"},
                                                         {"auth-extra-groups", "system:masters"},
                                                         {"expiration", "2001-01-01T00:00:00Z"},
                                                         {"expiration", "soon"}};
  for (const auto& [key, value] : spoiled) {
    auto bad = secret;
    bad.data[key] = value;
    EXPECT_EQ(ask(bad), "401 invalid bearer token") << key;
  }
  auto later = secret;
  later.data["expiration"] = "2100-01-01T00:00:00Z";
  EXPECT_TRUE(ask(later).starts_with("system:bootstrap"));
}

TEST_F(AuthenticationTest, BadConfiguration) {
  const std::pair<const char*, const char*> files[] = {
      {"a,b\n", "tokens.csv:1"}, {"a,b,c\n\"x,y,z\n", "tokens.csv:2"}, {"a,b\"c,d\n", "tokens.csv:1"}, {"\"a\"b,c,d\n", "tokens.csv:1"}};
  for (const auto& [text, where] : files) {
    AuthenticationConfig c = config();
    c.token_file_text = text;
    const auto made = Authentication::make(c, clock_, random_, reader_);
    ASSERT_FALSE(made) << text;
    EXPECT_TRUE(made.error().message.starts_with(where)) << made.error().message;
  }
  AuthenticationConfig c = config();
  c.key_pems = {"garbage"};
  EXPECT_TRUE(Authentication::make(c, clock_, random_, reader_).error().message.starts_with("--service-account-key-file"));
  c = config();
  c.signing_key_pem = "garbage";
  EXPECT_TRUE(Authentication::make(c, clock_, random_, reader_).error().message.starts_with("--service-account-signing-key-file"));
}

// Allows impersonation of what is listed: "users jane", "userextras/scopes view".
class ListAuthorizer : public authorization::Authorizer {
 public:
  explicit ListAuthorizer(std::vector<std::string> rights) : rights_(std::move(rights)) {}
  std::optional<authorization::AuthorizationResult> authorize_now(const authorization::AuthorizationAttributes& a) override {
    std::string right = a.resource;
    if (!a.subresource.empty()) right += "/" + a.subresource;
    right += " " + (a.ns.empty() ? a.name : a.ns + "/" + a.name);
    const bool allowed = a.verb == "impersonate" && std::find(rights_.begin(), rights_.end(), right) != rights_.end();
    return authorization::AuthorizationResult{allowed ? authorization::Decision::Allow : authorization::Decision::NoOpinion, {}, {}};
  }
  authorization::UserRules rules_for(const UserInfo&, const std::string&) override { return {}; }

 private:
  std::vector<std::string> rights_;
};

TEST(Impersonation, Table) {
  ListAuthorizer authorizer({"users jane", "users system:anonymous", "groups devs", "groups system:unauthenticated", "serviceaccounts wire/bot",
                             "userextras/scopes view", "userextras/a/b c", "uids 42"});
  struct Case {
    std::vector<net::Headers::Item> headers;
    std::string want;
  };
  const Case cases[] = {
      {{}, "root|"},
      {{{"Impersonate-User", "jane"}}, "jane|system:authenticated"},
      {{{"impersonate-user", "jane"}, {"Impersonate-Group", "devs"}}, "jane|devs,system:authenticated"},
      {{{"Impersonate-User", "jane"}, {"Impersonate-Group", "system:unauthenticated"}}, "jane|system:unauthenticated"},
      {{{"Impersonate-User", "system:anonymous"}}, "system:anonymous|system:unauthenticated"},
      {{{"Impersonate-User", "system:serviceaccount:wire:bot"}},
       "system:serviceaccount:wire:bot|system:serviceaccounts,system:serviceaccounts:wire,system:authenticated"},
      {{{"Impersonate-User", "jane"}, {"Impersonate-Extra-Scopes", "view"}, {"Impersonate-Uid", "42"}}, "jane|system:authenticated"},
      {{{"Impersonate-User", "jane"}, {"Impersonate-Extra-a%2fb", "c"}}, "jane|system:authenticated"},
      {{{"Impersonate-User", "bob"}}, "403"},
      {{{"Impersonate-User", "jane"}, {"Impersonate-Group", "ops"}}, "403"},
      {{{"Impersonate-User", "jane"}, {"Impersonate-Extra-scopes", "edit"}}, "403"},
      {{{"Impersonate-Group", "devs"}}, "500"},
  };
  for (const auto& c : cases) {
    net::Headers headers;
    for (const auto& [name, value] : c.headers) headers.add(name, value);
    EXPECT_EQ(authorization::wants_impersonation(headers), !c.headers.empty());
    UserInfo root;
    root.name = "root";
    const auto user = testing::now(authorization::impersonate(rt::Context::background(), authorizer, headers, root));
    std::string got = user ? user->name + "|" : std::to_string(user.error().http());
    if (user)
      for (const auto& group : user->groups) got += (got.back() == '|' ? "" : ",") + group;
    EXPECT_EQ(got, c.want);
    authorization::drop_impersonation_headers(headers);
    EXPECT_TRUE(headers.items().empty());
  }
}

}  // namespace
}  // namespace pintle::apiserver::authentication

#include "component/serving/access.h"

#include <gtest/gtest.h>

#include "component/certificate/certificate.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::component {
namespace {

// Whoever shows a credential that is no good is refused, even where anonymous requests are welcome.
rt::Task<void> bad_credentials() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  DelegatedAccess access({.clock = runtime.clock()});
  const rt::Context ctx = rt::Context::background();
  net::Request nobody;
  auto user = co_await access.authenticate(ctx, nobody);
  EXPECT_TRUE(user.has_value());
  if (user) {
    EXPECT_EQ(user->username, "system:anonymous");
  }
  net::Request unverified;
  unverified.peer_error = "certificate has expired";
  user = co_await access.authenticate(ctx, unverified);
  EXPECT_FALSE(user.has_value());
  net::Request token;
  token.headers.add("Authorization", "Bearer wrong");
  user = co_await access.authenticate(ctx, token);
  EXPECT_FALSE(user.has_value()) << "there is nobody to ask about it";

  // A connection that has outlived its certificate, and a certificate without a name.
  for (const auto& [name, end] : {std::pair<std::string, int64_t>{"jane", 1}, {"", 4000000000}}) {
    const auto key = PrivateKey::generate_ec_p256();
    CertificateSpec spec;
    spec.common_name = name;
    spec.not_after = end;
    auto peer = std::make_shared<net::PeerCertificates>();
    peer->verified_chain_der = *certificates_from_pem(*issue_certificate(spec, key->public_key(), *key, ""));
    net::Request verified;
    verified.peer = peer;
    user = co_await access.authenticate(ctx, verified);
    EXPECT_FALSE(user.has_value()) << name;
  }
}
TEST(DelegatedAccess, BadCredentialsAreNotAnonymous) {
  rt::testing::run_task([] { return bad_credentials(); });
}

// Knows the token "good" and lets jane get /metrics; counts what it is asked.
class Reviewer final : public AccessReviewer {
 public:
  rt::Task<Result<std::optional<UserInfo>>> review_token(rt::Context, std::string token) override {
    ++tokens;
    std::optional<UserInfo> out;
    if (down) co_return error(Reason::ServiceUnavailable, "down");
    if (token == "good") out = UserInfo{.username = "jane", .uid = "1", .groups = {"devs"}, .extra = {}};
    co_return out;
  }
  rt::Task<Result<bool>> review_access(rt::Context, UserInfo user, AccessAttributes attributes) override {
    ++decisions;
    if (down) co_return error(Reason::ServiceUnavailable, "down");
    co_return user.username == "jane" && attributes.verb == "get" && attributes.path == "/metrics";
  }
  int tokens = 0, decisions = 0;
  bool down = false;
};

rt::Task<void> asks_and_remembers() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  const rt::Context ctx = rt::Context::background();
  Reviewer reviewer;
  DelegatedAccess access({.clock = runtime.clock(), .reviewer = &reviewer});
  net::Request request;
  request.headers.add("Authorization", "bearer  good ");
  for (int i = 0; i < 2; ++i) {
    const auto user = co_await access.authenticate(ctx, request);
    EXPECT_TRUE(user.has_value());
    if (!user) co_return;
    EXPECT_EQ(user->username, "jane");
    EXPECT_EQ(user->groups, (std::vector<std::string>{"devs", "system:authenticated"}));
    for (const char* path : {"/metrics", "/configz"}) {
      const AccessAttributes attributes{.verb = "get", .path = path};
      const auto allowed = co_await access.is_allowed(ctx, *user, attributes);
      EXPECT_TRUE(allowed.has_value());
      EXPECT_EQ(allowed.value_or(false), path == std::string("/metrics")) << path;
    }
  }
  EXPECT_EQ(reviewer.tokens, 1);
  EXPECT_EQ(reviewer.decisions, 2);
  (void)co_await rt::sleep_for(ctx, std::chrono::seconds(11));
  // What is no longer remembered is not guessed.
  reviewer.down = true;
  auto user = co_await access.authenticate(ctx, request);
  EXPECT_FALSE(user.has_value());
  const UserInfo jane{.username = "jane", .uid = "1", .groups = {}, .extra = {}};
  const AccessAttributes metrics{.verb = "get", .path = "/metrics"};
  const auto allowed = co_await access.is_allowed(ctx, jane, metrics);
  EXPECT_FALSE(allowed.has_value());
  EXPECT_EQ(reviewer.tokens, 2);
  reviewer.down = false;
  user = co_await access.authenticate(ctx, request);
  EXPECT_TRUE(user.has_value()) << "an error is not kept";
}
TEST(DelegatedAccess, AsksAndRemembers) {
  rt::testing::run_sim([] { return asks_and_remembers(); });
}

TEST(DelegatedAccess, NoTwoQuestionsShareAnAnswer) {
  const auto key = [](std::string name, std::string uid, std::vector<std::string> groups, std::vector<std::string> scopes = {}) {
    UserInfo user{.username = std::move(name), .uid = std::move(uid), .groups = std::move(groups), .extra = {}};
    if (!scopes.empty()) user.extra["scopes"] = std::move(scopes);
    return access_key(user, {.verb = "get", .path = "/metrics"});
  };
  EXPECT_EQ(key("jane", "1", {"a"}), key("jane", "1", {"a"}));
  EXPECT_NE(key("jane\n1", "x", {}), key("jane", "1\nx", {}));
  EXPECT_NE(key("jane", "1\nadmins", {}), key("jane", "1", {"admins"}));
  EXPECT_NE(key("jane", "1", {"a\nb"}), key("jane", "1", {"a", "b"}));
  EXPECT_NE(key("jane", "1", {"scopes=all"}), key("jane", "1", {}, {"all"}));
  EXPECT_NE(key("jane", "1", {"a"}, {"b"}), key("jane", "1", {"a"}, {"b", ""}));
  const UserInfo jane{.username = "jane", .uid = {}, .groups = {}, .extra = {}};
  EXPECT_NE(access_key(jane, {.verb = "get", .path = "/metrics"}), access_key(jane, {.verb = "get", .path = "/configz"}));
  EXPECT_NE(access_key(jane, {.verb = "get", .resource = "nodes", .subresource = "log"}),
            access_key(jane, {.verb = "get", .resource = "nodes", .name = "log"}));
}

}  // namespace
}  // namespace pintle::component

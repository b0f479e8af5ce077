#include "kubelet/server/access.h"

#include <gtest/gtest.h>

#include "component/certificate/certificate.h"
#include "rt/testing.h"

namespace pintle::kubelet::server {
namespace {

// Whoever shows a credential that is no good is refused, even where anonymous requests are welcome.
rt::Task<void> bad_credentials() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  AccessDeps deps{runtime.clock()};
  deps.authentication.anonymous.enabled = true;
  Access access(std::move(deps));
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
    const auto key = component::PrivateKey::generate_ec_p256();
    component::CertificateSpec spec;
    spec.common_name = name;
    spec.not_after = end;
    auto peer = std::make_shared<net::PeerCertificates>();
    peer->verified_chain_der = *component::certificates_from_pem(*component::issue_certificate(spec, key->public_key(), *key, ""));
    net::Request verified;
    verified.peer = peer;
    user = co_await access.authenticate(ctx, verified);
    EXPECT_FALSE(user.has_value()) << name;
  }
}
TEST(KubeletAccess, BadCredentialsAreNotAnonymous) {
  rt::testing::run_task([] { return bad_credentials(); });
}

TEST(KubeletAccess, NoTwoUsersShareADecision) {
  const auto key = [](std::string name, std::string uid, std::vector<std::string> groups, std::vector<std::string> extra = {}) {
    User user;
    user.username = std::move(name);
    user.uid = std::move(uid);
    user.groups = std::move(groups);
    if (!extra.empty()) user.extra["scopes"] = std::move(extra);
    return decision_key(user, "get", "log");
  };
  EXPECT_EQ(key("jane", "1", {"a"}), key("jane", "1", {"a"}));
  EXPECT_NE(key("jane\n1", "x", {}), key("jane", "1\nx", {}));
  EXPECT_NE(key("jane", "1\nadmins", {}), key("jane", "1", {"admins"}));
  EXPECT_NE(key("jane", "1", {"a\nb"}), key("jane", "1", {"a", "b"}));
  EXPECT_NE(key("jane", "1", {"scopes=all"}), key("jane", "1", {}, {"all"}));
  EXPECT_NE(key("jane", "1", {"a"}, {"b"}), key("jane", "1", {"a"}, {"b", ""}));
}

}  // namespace
}  // namespace pintle::kubelet::server

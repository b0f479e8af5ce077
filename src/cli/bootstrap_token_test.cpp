#include "cli/bootstrap_token.h"

#include <gtest/gtest.h>

#include "cli/cluster_config.h"
#include "rt/sim/simulation.h"

namespace pintle::cli {
namespace {

rt::WallTime at(int64_t seconds) { return rt::WallTime(std::chrono::seconds(seconds)); }

TEST(BootstrapToken, IsASecretAsKubeadmMakesIt) {
  BootstrapToken token;
  token.text = "abcdef.0123456789abcdef";
  token.description = "for the lab";
  token.expires = at(1700000000);
  const auto secret = secret_of(token);
  EXPECT_EQ(secret.metadata.name, "bootstrap-token-abcdef");
  EXPECT_EQ(secret.metadata.namespace_, "kube-system");
  EXPECT_EQ(*secret.data.get("expiration"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(*secret.data.get("usage-bootstrap-signing"), "true");
  EXPECT_EQ(*secret.data.get("usage-bootstrap-authentication"), "true");
  EXPECT_EQ(*secret.data.get("auth-extra-groups"), "system:bootstrappers:kubeadm:default-node-token");
  const auto again = token_of(secret);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->text, token.text);
  EXPECT_EQ(again->description, token.description);
  EXPECT_EQ(again->groups, token.groups);
  EXPECT_EQ(again->expires, token.expires);
  auto other = secret;
  other.metadata.name = "bootstrap-token-abcdeg";
  EXPECT_FALSE(token_of(other));
  other = secret;
  other.type = "Opaque";
  EXPECT_FALSE(token_of(other));
}

TEST(BootstrapToken, Expires) {
  BootstrapToken token;
  token.text = "abcdef.0123456789abcdef";
  EXPECT_FALSE(is_expired(token, at(2000000000)));
  token.expires = at(1000);
  EXPECT_FALSE(is_expired(token, at(999)));
  EXPECT_TRUE(is_expired(token, at(1000)));
  auto secret = secret_of(token);
  secret.data["expiration"] = "soon";
  EXPECT_TRUE(is_expired(*token_of(secret), at(1)));
}

TEST(BootstrapToken, Lists) {
  BootstrapToken one, two, three;
  one.text = "aaaaaa.0123456789abcdef";
  one.expires = at(1000 + 23 * 3600 + 5);
  two.text = "bbbbbb.0123456789abcdef";
  three.text = "cccccc.0123456789abcdef";
  three.expires = at(10);
  three.usages = three.groups = {};
  const std::string table = format_tokens({one, two, three}, at(1000));
  for (const char* part :
       {"TOKEN", "aaaaaa.0123456789abcdef   23h", "1970-01-01T23:16:45Z", "signing,authentication", "<forever>", "<never>", "<expired>", "<none>"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
}

TEST(BootstrapToken, Mistakes) {
  const auto check = [](auto change) {
    BootstrapToken token;
    token.text = "abcdef.0123456789abcdef";
    EXPECT_TRUE(check_token(token));
    change(token);
    EXPECT_FALSE(check_token(token));
  };
  check([](BootstrapToken& token) { token.text = "abcdef"; });
  check([](BootstrapToken& token) { token.text = "ABCDEF.0123456789abcdef"; });
  check([](BootstrapToken& token) { token.usages = {"everything"}; });
  for (const char* group :
       {"system:masters", "system:bootstrappers:", "system:bootstrappers:A", "system:bootstrappers:a,system:masters", "system:bootstrappers:a:"})
    check([&](BootstrapToken& token) { token.groups = {group}; });
  EXPECT_EQ(token_id_of("abcdef"), "abcdef");
  EXPECT_EQ(token_id_of("abcdef.0123456789abcdef"), "abcdef");
  for (const char* bad : {"", "abcde", "abcdef.", "abcdef.0123", "../..", "abcdef.0123456789abcdef.x"}) EXPECT_FALSE(token_id_of(bad)) << bad;
}

TEST(BootstrapToken, IsDrawnInItsForm) {
  rt::Simulation sim({.seed = 1});
  rt::Machine& machine = sim.add_machine({.name = "a"});
  const std::string token = make_token_text(machine.random());
  EXPECT_TRUE(is_bootstrap_token(token)) << token;
  EXPECT_NE(token, make_token_text(machine.random()));
}

}  // namespace
}  // namespace pintle::cli

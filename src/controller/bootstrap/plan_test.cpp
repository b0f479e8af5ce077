#include "controller/bootstrap/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::bootstrap {
namespace {

using namespace testing;

// "NAME key=value ...": a Secret of the tokens' type with that data; "type=..." and "deleted" say otherwise.
api::core_v1::Secret secret_of(const std::string& text) {
  const auto words = split(text, ' ');
  api::core_v1::Secret secret;
  secret.metadata.name = words[0];
  secret.type = token_secret_type;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string key = words[i].substr(0, words[i].find('=')), value = words[i].substr(words[i].find('=') + 1);
    if (key == "deleted") {
      secret.metadata.deletion_timestamp = ago(0);
    } else if (key == "type") {
      secret.type = value;
    } else {
      secret.data[key] = value;
    }
  }
  return secret;
}

void check_signs(const std::string& secret, const std::string& want) {
  const auto token = signing_token(secret_of(secret), plan_time);
  EXPECT_EQ(token ? token->id + "." + token->secret : "no", want) << secret;
}

TEST(BootstrapPlan, WhichTokensSign) {
  const std::string good = "bootstrap-token-abcdef token-id=abcdef token-secret=0123 usage-bootstrap-signing=true";
  check_signs(good, "abcdef.0123");
  check_signs(good + " usage-bootstrap-authentication=false", "abcdef.0123");
  check_signs(good + " type=Opaque", "no");
  check_signs(good + " deleted", "no");
  check_signs("abcdef token-id=abcdef token-secret=0123 usage-bootstrap-signing=true", "no");  // named otherwise
  check_signs("bootstrap-token-abcdef token-id=fedcba token-secret=0123 usage-bootstrap-signing=true", "no");
  check_signs("bootstrap-token-abcdef token-secret=0123 usage-bootstrap-signing=true", "no");
  check_signs("bootstrap-token-abcdef token-id=abcdef usage-bootstrap-signing=true", "no");
  check_signs("bootstrap-token-abcdef token-id=abcdef token-secret=0123", "no");
  check_signs("bootstrap-token-abcdef token-id=abcdef token-secret=0123 usage-bootstrap-signing=yes", "no");
}

TEST(BootstrapPlan, Expiration) {
  const std::string good = "bootstrap-token-abcdef token-id=abcdef token-secret=0123 usage-bootstrap-signing=true";
  check_signs(good + " expiration=" + api::format_time(ago(-1)), "abcdef.0123");
  check_signs(good + " expiration=" + api::format_time(ago(0)), "no");
  check_signs(good + " expiration=" + api::format_time(ago(1)), "no");
  const auto expires = [](const std::string& text) { return expiration(secret_of("s" + text)); };
  EXPECT_EQ(expires(" expiration=" + api::format_time(ago(-90))), plan_time + std::chrono::seconds(90));
  EXPECT_EQ(expires(" expiration=1970-01-12T15:16:40+01:30"), plan_time);
  EXPECT_EQ(expires(""), std::nullopt);
}

// RFC 7515 with a detached payload, as upstream's cluster-info carries it; the values are openssl's.
TEST(BootstrapPlan, Signature) {
  EXPECT_EQ(detached_signature("content", {"abcdef", "0123456789abcdef"}),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..psz1NayrXM3IaFzKZGsb5n_mBl7MjtlsZ1xE8MRmF_4");
  EXPECT_EQ(detached_signature("content", {"abcdef", std::string(100, 'x')}),  // longer than a block
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..QFuW6iKuGz7pa2YT6kg3RHM8eA_orMxeM8qWwICXPPE");
}

void check_signed(const std::string& data, const std::map<std::string, std::string>& tokens, const std::string& want) {
  Words keys;
  for (const auto& [key, value] : signed_data(secret_of("s " + data).data, tokens)) keys.add(key + (value == "old" ? "=old" : ""));
  EXPECT_EQ(keys.text(), want) << data;
}

TEST(BootstrapPlan, ExactlyTheSignaturesOfTheTokens) {
  check_signed("kubeconfig=k", {}, "kubeconfig");
  check_signed("kubeconfig=k", {{"aaaaaa", "1"}, {"bbbbbb", "2"}}, "jws-kubeconfig-aaaaaa jws-kubeconfig-bbbbbb kubeconfig");
  check_signed("kubeconfig=k jws-kubeconfig-aaaaaa=old jws-kubeconfig-cccccc=old", {{"aaaaaa", "1"}}, "jws-kubeconfig-aaaaaa kubeconfig");
  check_signed("other=old jws-kubeconfig-aaaaaa=old", {{"aaaaaa", "1"}}, "other=old");  // nothing to sign
}

}  // namespace
}  // namespace pintle::controller::bootstrap

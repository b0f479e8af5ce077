#include "controller/serviceaccount_token/plan.h"

#include "codec/json.h"
#include "controller/testing/text_objects.h"

namespace pintle::controller::serviceaccount_token {
namespace {

using namespace testing;
using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

Secret secret_of(const std::string& annotations, const std::string& data) {
  auto secret = from_yaml<Secret>("{metadata: {name: t, namespace: wire, annotations: {" + annotations + "}}}");
  for (const std::string& entry : split(data, ' ')) secret.data[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
  return secret;
}
const std::string named = "kubernetes.io/service-account.name: bot", with_uid = named + ", kubernetes.io/service-account.uid: u-1";

// "write ca.crt=CA namespace=wire uid=u-1", "sign ...", "keep", "remove".
std::string told(const Plan& plan) {
  if (plan.act == Act::Keep) return "keep";
  if (plan.act == Act::Remove) return "remove";
  std::string out = plan.act == Act::Write ? "write" : "sign";
  for (const auto& [key, value] : plan.secret.data) out += " " + key + "=" + value;
  return out + " uid=" + account_of(plan.secret).uid;
}

void check(const std::string& annotations, const std::string& data, const std::string& account, std::string_view ca, const std::string& want) {
  const auto there = account.empty() ? ServiceAccount() : from_yaml<ServiceAccount>(account);
  EXPECT_EQ(told(plan_secret(secret_of(annotations, data), account.empty() ? nullptr : &there, ca)), want) << annotations << " " << data;
}

TEST(TokenSecretPlan, FilledOnce) {
  const std::string bot = "{metadata: {name: bot, namespace: wire, uid: u-1}}";
  check(named, "", bot, "CA", "sign ca.crt=CA namespace=wire uid=u-1");
  check(with_uid, "", bot, "CA", "sign ca.crt=CA namespace=wire uid=u-1");
  check(named, "", bot, "", "sign namespace=wire uid=u-1");
  check(with_uid, "ca.crt=CA namespace=wire token=T", bot, "CA", "keep");
  check(with_uid, "ca.crt=OLD namespace=wire token=T", bot, "CA", "write ca.crt=CA namespace=wire token=T uid=u-1");
  check(with_uid, "ca.crt=OLD namespace=wire token=T", bot, "", "keep");
  check(with_uid, "ca.crt=CA namespace=other token=T", bot, "CA", "keep");
  check(with_uid, "ca.crt=CA token=T more=x", bot, "CA", "write ca.crt=CA more=x namespace=wire token=T uid=u-1");
  // What is complete is not written for its missing uid alone.
  check(named, "ca.crt=CA namespace=wire token=T", bot, "CA", "keep");
}

TEST(TokenSecretPlan, GoesWithItsAccount) {
  check(with_uid, "", "", "CA", "remove");
  check(with_uid, "ca.crt=CA namespace=wire token=T", "{metadata: {name: bot, namespace: wire, uid: u-2}}", "CA", "remove");
  check("", "", "{metadata: {name: bot, namespace: wire, uid: u-1}}", "CA", "remove");
}

TEST(TokenSecretPlan, Claims) {
  const auto bot = from_yaml<ServiceAccount>("{metadata: {name: bot, namespace: wire, uid: u-1}}");
  const Plan plan = plan_secret(secret_of(named, ""), &bot, "CA");
  EXPECT_EQ(plan.claims.string_at("sub"), "system:serviceaccount:wire:bot");
  EXPECT_EQ(plan.claims.string_at("kubernetes.io/serviceaccount/secret.name"), "t");
}

TEST(TokenSecretPlan, AccountWithoutSecret) {
  const auto account = from_yaml<ServiceAccount>("{metadata: {name: bot}, secrets: [{name: a}, {name: t}, {name: b}, {name: t}]}");
  const auto without = without_secret(account, "t");
  ASSERT_TRUE(without);
  ASSERT_EQ(without->secrets.size(), 2u);
  EXPECT_EQ(without->secrets[1].name, "b");
  EXPECT_FALSE(without_secret(account, "c"));
}

}  // namespace
}  // namespace pintle::controller::serviceaccount_token

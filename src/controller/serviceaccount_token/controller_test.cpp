#include "controller/serviceaccount_token/controller.h"

#include "apimachinery/identity/service_accounts.h"
#include "controller/testing.h"
#include "controller/testing/text_objects.h"

namespace pintle::controller::serviceaccount_token {
namespace {

using namespace testing;
using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

const auto bot = from_yaml<ServiceAccount>("{metadata: {name: bot, namespace: wire, uid: u-1}, secrets: [{name: t}, {name: other}]}");
const std::string path = "/api/v1/namespaces/wire/secrets/t";

Secret token_secret(const std::string& uid = "") {
  auto out = from_yaml<Secret>("{metadata: {name: t, namespace: wire, uid: s-1}, type: kubernetes.io/service-account-token}");
  out.metadata.annotations[apimachinery::account_name_annotation] = "bot";
  if (!uid.empty()) out.metadata.annotations[apimachinery::account_uid_annotation] = uid;
  return out;
}

rt::Task<void> begin(World& world) {
  world.options.service_account_key = *component::PrivateKey::generate_ec_p256();
  world.options.root_ca_pem = "CA";
  co_await world.start(make_token_controller);
  co_await pass(std::chrono::seconds(1));
}

rt::Task<void> fills(World& world) {
  world.server.put(bot);
  world.server.put(token_secret());
  co_await begin(world);
  const auto writes = world.server.written("PUT", path);
  CHECK(writes.size() == 1, "one write");
  const auto secret = writes[0].as<Secret>();
  EXPECT_EQ(*secret.data.get("ca.crt"), "CA");
  EXPECT_EQ(*secret.data.get("namespace"), "wire");
  EXPECT_EQ(std::ranges::count(*secret.data.get("token"), '.'), 2);
  EXPECT_EQ(*secret.metadata.annotations.get(apimachinery::account_uid_annotation), "u-1");
  world.server.put(secret);
  co_await pass(std::chrono::seconds(1));
  EXPECT_EQ(world.server.writes.size(), 1u) << "what is complete is left alone";
}
TEST(TokenController, FillsASecret) { in_world(fills); }

// The account is not there yet in what the informer has seen: the server is asked before the Secret goes.
rt::Task<void> removes(World& world) {
  world.server.put(token_secret());
  co_await begin(world);
  EXPECT_EQ(world.server.written("DELETE", path).size(), 1u);
  EXPECT_TRUE(world.server.written("PUT", path).empty());
}
TEST(TokenController, RemovesOneWithoutItsAccount) { in_world(removes); }

rt::Task<void> account_remade(World& world) {
  world.server.put(bot);
  world.server.put(token_secret("u-1"));
  co_await begin(world);
  ServiceAccount another = bot;
  another.metadata.uid = "u-2";
  world.server.remove(bot);
  world.server.put(another);
  co_await pass(std::chrono::seconds(1));
  EXPECT_GE(world.server.written("DELETE", path).size(), 1u);
}
TEST(TokenController, RemovesThoseOfAnAccountThatWasMadeAnew) { in_world(account_remade); }

rt::Task<void> reference_goes(World& world) {
  Secret secret = token_secret("u-1");
  for (const char* key : {"ca.crt", "namespace", "token"}) secret.data[key] = key == std::string("ca.crt") ? "CA" : "x";
  world.server.put(bot);
  world.server.put(secret);
  co_await begin(world);
  EXPECT_TRUE(world.server.writes.empty());
  world.server.remove(secret);
  co_await pass(std::chrono::seconds(1));
  const auto writes = world.server.written("PUT", "/serviceaccounts/bot");
  CHECK(writes.size() == 1, "one write");
  const auto account = writes[0].as<ServiceAccount>();
  CHECK(account.secrets.size() == 1, "the other one stays");
  EXPECT_EQ(account.secrets[0].name, "other");
}
TEST(TokenController, AnAccountLosesASecretThatIsGone) { in_world(reference_goes); }

rt::Task<void> without_key(World& world) {
  world.server.put(token_secret());
  co_await world.start(make_token_controller);
  co_await pass(std::chrono::seconds(1));
  EXPECT_TRUE(world.server.writes.empty());
}
TEST(TokenController, WithoutAKeyItDoesNothing) { in_world(without_key); }

}  // namespace
}  // namespace pintle::controller::serviceaccount_token

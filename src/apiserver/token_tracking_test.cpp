// A token that a Secret keeps, against a whole server: who it is, and what the server notes of it.
#include "apiserver/token_tracking/token_tracking.h"

#include <gtest/gtest.h>

#include "apimachinery/clock_time.h"
#include "apimachinery/identity/service_accounts.h"
#include "apiserver/testing/in_process.h"
#include "codec/base64.h"
#include "component/certificate/web_token.h"
#include "rt/testing.h"

namespace pintle::apiserver {
namespace {

using testing::Answer;
using testing::InProcessServer;

const std::string accounts = "/api/v1/namespaces/default/serviceaccounts", secrets = "/api/v1/namespaces/default/secrets";
const std::string tracking = "/api/v1/namespaces/kube-system/configmaps/" + std::string(apimachinery::token_tracking_name);

rt::Runtime& runtime() { return rt::Executor::current().runtime(); }
rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }
std::string today() { return apimachinery::to_day(apimachinery::to_api_time(runtime().clock().wall_now()).seconds); }

rt::Task<Answer> review(InProcessServer& server, std::string token) {
  std::string body = R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":")" + token + R"("}})";
  co_return co_await server.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", std::move(body));
}

// The token of the Secret "t", which is made with it.
rt::Task<std::string> make_token(InProcessServer& server, const component::PrivateKey* key) {
  const Answer account = co_await server.ask("POST", accounts, R"({"metadata":{"name":"bot"}})");
  EXPECT_EQ(account.status, 201) << account.body;
  const apimachinery::SecretTokenClaims claims{"default", "bot", account.at("metadata.uid"), "t"};
  auto token = component::sign_web_token(*key, apimachinery::to_value(claims));
  CHECK(token.has_value(), "it signs");
  std::string body = R"({"metadata":{"name":"t","annotations":{"kubernetes.io/service-account.name":"bot"}},)"
                     R"("type":"kubernetes.io/service-account-token","stringData":{"token":")" +
                     *token + R"("}})";
  const Answer made = co_await server.ask("POST", secrets, std::move(body));
  EXPECT_EQ(made.status, 201) << made.body;
  co_return std::move(*token);
}

rt::Task<std::string> last_used(InProcessServer& server) {
  const Answer secret = co_await server.get(secrets + "/t");
  const codec::Value* labels = secret.json.find("metadata")->find("labels");
  co_return labels != nullptr ? std::string(labels->string_at(apimachinery::last_used_label)) : std::string("none");
}

rt::Task<void> notes_uses(InProcessServer& server, const component::PrivateKey* key) {
  const std::string token = co_await make_token(server, key);
  std::string noted = co_await last_used(server);
  EXPECT_EQ(noted, "none");
  const Answer first = co_await review(server, token);
  EXPECT_EQ(first.at("status.user.username"), "system:serviceaccount:default:bot") << first.body;
  co_await pass(std::chrono::seconds(1));
  noted = co_await last_used(server);
  EXPECT_EQ(noted, today());
  co_await pass(std::chrono::hours(48));
  noted = co_await last_used(server);
  EXPECT_NE(noted, today());
  (void)co_await review(server, token);
  co_await pass(std::chrono::seconds(1));
  noted = co_await last_used(server);
  EXPECT_EQ(noted, today());
  const Answer marked =
      co_await server.ask("PATCH", secrets + "/t", R"({"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":"2026-01-01"}}})",
                          "application/merge-patch+json");
  EXPECT_EQ(marked.status, 200) << marked.body;
  const Answer refused = co_await review(server, token);
  EXPECT_EQ(refused.at("status.authenticated"), "") << refused.body;
}

// What somebody deletes or breaks comes back; the second time within half an hour it takes that long.
rt::Task<void> keeps_the_map(InProcessServer& server, std::string began) {
  Answer map = co_await server.get(tracking);
  EXPECT_EQ(map.at("data.since"), began) << map.body;
  const Answer broken = co_await server.ask("PATCH", tracking, R"({"data":{"since":"never"}})", "application/merge-patch+json");
  EXPECT_EQ(broken.status, 200);
  co_await pass(std::chrono::seconds(1));
  map = co_await server.get(tracking);
  EXPECT_EQ(map.at("data.since"), today());
  (void)co_await server.ask("DELETE", tracking);
  co_await pass(std::chrono::seconds(1));
  map = co_await server.get(tracking);
  EXPECT_EQ(map.at("data.since"), today()) << map.body;
  (void)co_await server.ask("DELETE", tracking);
  co_await pass(token_tracking::remake_interval - std::chrono::minutes(1));
  map = co_await server.get(tracking);
  EXPECT_EQ(map.status, 404);
  co_await pass(std::chrono::minutes(2));
  map = co_await server.get(tracking);
  EXPECT_EQ(map.status, 200);
}

rt::Task<void> run() {
  const auto key = component::PrivateKey::generate_ec_p256();
  CHECK(key && runtime().disk().write("/sa.key", key->to_pem()), "the key is there");
  ApiServerOptions options;
  options.service_account_signing_key_file = "/sa.key";
  auto server = co_await InProcessServer::start(runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  const std::string began = today();
  co_await notes_uses(**server, &*key);
  co_await keeps_the_map(**server, began);
  co_await (*server)->stop();
}
TEST(TokenTracking, AgainstAServer) { rt::testing::run_sim(run(), 1); }

}  // namespace
}  // namespace pintle::apiserver

#include "component/serving/secure_port.h"

#include <gtest/gtest.h>

#include "net/client.h"
#include "rt/testing.h"

namespace pintle::component {
namespace {

class Reviewer final : public AccessReviewer {
 public:
  rt::Task<Result<std::optional<UserInfo>>> review_token(rt::Context, std::string token) override {
    std::optional<UserInfo> out;
    if (token != "wrong") out = UserInfo{.username = token, .uid = {}, .groups = {}, .extra = {}};
    co_return out;
  }
  rt::Task<Result<bool>> review_access(rt::Context, UserInfo user, AccessAttributes attributes) override {
    co_return user.username == "jane" && attributes.verb == "get" && attributes.path != "/configz";
  }
};

rt::Task<std::string> get(net::Transport& transport, const SecurePort& port, std::string path, std::string token = "") {
  net::ClientRequest request;
  request.method = "GET";
  request.url = "https://127.0.0.1:" + std::to_string(port.local().port) + path;
  if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
  auto response = co_await transport.send(rt::Context::background(), std::move(request));
  if (!response) co_return "error: " + response.error().message;
  auto body = co_await net::read_all(rt::Context::background(), *response->body, 1 << 20);
  co_return std::to_string(response->status) + " " + std::string(body ? body->view() : "");
}

struct Pair {
  std::string certificate, key;
};
Pair make_authority() {
  const auto key = PrivateKey::generate_ec_p256();
  CertificateSpec spec;
  spec.common_name = "authority";
  spec.authority = true;
  spec.not_after = int64_t{4102444800};
  return {*issue_certificate(spec, key->public_key(), *key, ""), key->to_pem()};
}

struct Cluster {
  metrics::Registry registry;
  Reviewer reviewer;
  Pair authority = make_authority();
  bool ready = false;

  SecurePortSetup setup() {
    rt::Runtime& runtime = rt::Executor::current().runtime();
    (void)runtime.disk().make_directories("/pki");
    (void)runtime.disk().write("/pki/ca.crt", authority.certificate);
    SecurePortSetup out{.runtime = runtime, .metrics = registry, .reviewer = &reviewer, .name = "kube-x"};
    out.options.bind_address = "127.0.0.1";
    out.options.tls.client_ca_file = "/pki/ca.crt";
    out.options.cert_dir = "/certs";
    out.ready = [this] { return ready; };
    out.config["x"] = "{}";
    return out;
  }
};

rt::Task<void> who_sees_what() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  Cluster cluster;
  cluster.registry.add_callback([](std::string& out) { out += "pintle_test 1\n"; });
  SecurePort port(cluster.setup());
  const auto started = co_await port.start();
  EXPECT_TRUE(started.has_value());
  net::ClientOptions options;  // its own certificate is good for whoever trusts it
  options.ca_pem = runtime.disk().read("/certs/kube-x.crt").value_or("");
  auto stranger = net::make_transport(runtime, options);
  std::string said = co_await get(**stranger, port, "/healthz");
  EXPECT_EQ(said, "200 ok");
  said = co_await get(**stranger, port, "/readyz");
  EXPECT_TRUE(said.starts_with("500 ")) << said;
  cluster.ready = true;
  said = co_await get(**stranger, port, "/readyz");
  EXPECT_EQ(said, "200 ok");
  said = co_await get(**stranger, port, "/metrics");
  EXPECT_EQ(said, "403 forbidden: User \"system:anonymous\" cannot get path \"/metrics\"\n");
  said = co_await get(**stranger, port, "/metrics", "wrong");
  EXPECT_EQ(said, "401 Unauthorized\n");
  said = co_await get(**stranger, port, "/metrics", "jane");
  EXPECT_EQ(said, "200 pintle_test 1\n");
  said = co_await get(**stranger, port, "/configz", "jane");
  EXPECT_TRUE(said.starts_with("403 ")) << said;
  said = co_await get(**stranger, port, "/nothing", "jane");
  EXPECT_EQ(said, "404 404 page not found\n");
  co_await (*stranger)->close();
  co_await port.stop();
  EXPECT_TRUE(runtime.disk().exists("/certs/kube-x.key"));
}
TEST(SecurePort, WhoSeesWhat) {
  rt::testing::run_sim([] { return who_sees_what(); });
}

rt::Task<void> administrators_need_no_review() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  Cluster cluster;
  SecurePortSetup setup = cluster.setup();
  setup.reviewer = nullptr;
  setup.options.cert_dir.clear();
  setup.options.always_allow_paths = {"/readyz/*"};
  SecurePort port(std::move(setup));
  const auto started = co_await port.start();
  EXPECT_TRUE(started.has_value());
  net::ClientOptions options;
  options.insecure_skip_verify = true;
  const auto made = PrivateKey::generate_ec_p256();
  CertificateSpec spec;
  spec.common_name = "root";
  spec.organizations = {"system:masters"};
  spec.client = true;
  spec.not_after = int64_t{4102444800};
  options.cert_pem = *issue_certificate(spec, made->public_key(), *PrivateKey::parse_pem(cluster.authority.key), cluster.authority.certificate);
  options.key_pem = made->to_pem();
  auto root = net::make_transport(runtime, options);
  std::string said = co_await get(**root, port, "/configz");
  EXPECT_EQ(said, "200 {\"x\":{}}");
  co_await (*root)->close();
  net::ClientOptions of_nobody;
  of_nobody.insecure_skip_verify = true;
  auto nobody = net::make_transport(runtime, of_nobody);
  said = co_await get(**nobody, port, "/healthz");
  EXPECT_TRUE(said.starts_with("403 ")) << said;
  cluster.ready = true;
  said = co_await get(**nobody, port, "/readyz/ping");
  EXPECT_EQ(said, "200 ok");
  co_await (*nobody)->close();
  co_await port.stop();
  const auto left = runtime.disk().list("/tmp");
  EXPECT_TRUE(!left || left->empty()) << "the temporary certificate is removed";
}
TEST(SecurePort, AdministratorsNeedNoReview) {
  rt::testing::run_sim([] { return administrators_need_no_review(); });
}

}  // namespace
}  // namespace pintle::component

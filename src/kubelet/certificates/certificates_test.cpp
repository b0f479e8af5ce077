#include <gtest/gtest.h>
#include <stdlib.h>

#include "api/codec.h"
#include "api/gen/certificates_v1.h"
#include "client/wire.h"
#include "component/serving/self_signed_certificate.h"
#include "kubelet/certificates/certificate_manager.h"
#include "os/path.h"
#include "rt/real/real_disk.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::certificates {
namespace {

using namespace std::chrono_literals;
using api::certificates_v1::CertificateSigningRequest;
using api::core_v1::NodeAddress;

NodeAddress address(std::string type, std::string text) {
  NodeAddress out;
  out.type = std::move(type);
  out.address = std::move(text);
  return out;
}

TEST(KubeletCertificates, WhatIsAskedFor) {
  const auto client = client_certificate_spec("n1");
  EXPECT_EQ(client.common_name, "system:node:n1");
  EXPECT_EQ(client.organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_FALSE(serving_certificate_spec("n1", {address("Hostname", "n1")}).has_value());
  const auto serving =
      serving_certificate_spec("n1", {address("Hostname", "n1"), address("InternalIP", "10.0.0.2"), address("InternalIP", "10.0.0.1"),
                                      address("ExternalDNS", "n1.example.com"), address("InternalIP", "10.0.0.1"), address("InternalIP", "")});
  ASSERT_TRUE(serving.has_value());
  EXPECT_EQ(serving->dns_names, (std::vector<std::string>{"n1", "n1.example.com"}));
  EXPECT_EQ(serving->ip_addresses, (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
  EXPECT_TRUE(serving->server);
  component::CertificateInfo info;
  info.common_name = "system:node:n1";
  info.organizations = {"system:nodes"};
  EXPECT_TRUE(certifies(info, client));
  EXPECT_FALSE(certifies(info, *serving));
  EXPECT_EQ(renewal_time(1000, 2000, 0), 1700);
  EXPECT_EQ(renewal_time(1000, 2000, 1), 1900);
}

std::string folder(rt::Disk& disk) {
  const std::string out = "/tmp/pintle-kubelet-certificates-" + std::to_string(rt::Executor::current().runtime().random().next_u64());
  EXPECT_TRUE(disk.make_directories(out).has_value());
  return out;
}

rt::Task<void> stored() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  rt::Disk& disk = runtime.disk();
  const std::string dir = folder(disk);
  const std::vector<std::string> ips = {"10.0.0.1"};
  component::SelfSignedSetup wanted{.runtime = runtime, .cert_file = dir + "/kubelet.crt", .key_file = dir + "/kubelet.key", .common_name = "n1"};
  wanted.ip_addresses = ips;
  component::SelfSignedCertificate made(std::move(wanted));
  EXPECT_TRUE(made.ensure().has_value());
  const std::string certificate = disk.read(made.cert_file()).value_or(""), key = disk.read(made.key_file()).value_or("");

  const CertificateStore store(disk, dir, "kubelet-client");
  EXPECT_EQ(store.load().error().reason, Reason::NotFound);
  EXPECT_FALSE(make_pair(certificate, component::PrivateKey::generate_ec_p256()->to_pem()).has_value());
  auto pair = make_pair(certificate, key);
  EXPECT_TRUE(pair.has_value());
  EXPECT_TRUE(store.save(*pair, 1'767'323'045).has_value());
  EXPECT_TRUE(store.save(*pair, 1'767'323'046).has_value());
  EXPECT_TRUE(disk.exists(dir + "/kubelet-client-2026-01-02-03-04-05.pem"));
  EXPECT_EQ(disk.stat(store.current_path())->mode & 0777, 0600u);
  const auto loaded = store.load();
  EXPECT_TRUE(loaded.has_value());
  if (loaded) {
    EXPECT_EQ(loaded->info.ip_addresses, ips);
  }
  const auto names = disk.list(dir);
  for (const std::string& name : *names) (void)disk.remove(dir + "/" + name);
  (void)disk.remove(dir);
  co_return;
}
TEST(KubeletCertificates, Stored) {
  rt::testing::run_task([] { return stored(); });
}

// An API server that refuses everything, and counts.
class Refusing final : public net::Transport {
 public:
  rt::Task<Result<net::Response>> send(rt::Context, net::ClientRequest request) override {
    asked.push_back(request.method + " " + request.url);
    co_return error(Reason::Forbidden, "no");
  }
  rt::Task<void> close() override { co_return; }
  std::vector<std::string> asked;
};

rt::Task<void> asks_when_it_can_say_for_what() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  auto transport = std::make_shared<Refusing>();
  client::ClientConfig config;
  client::Client client(runtime, transport, config);
  std::vector<NodeAddress> addresses;
  CertificateManagerDeps deps{runtime, client, [&addresses] { return serving_certificate_spec("n1", addresses); }};
  CertificateManager manager(std::move(deps), {"/pki", "kubelet-server", serving_signer});
  manager.start();
  (void)co_await rt::sleep_for(rt::Context::background(), 1min);
  EXPECT_TRUE(transport->asked.empty());
  addresses.push_back(address("InternalIP", "10.0.0.1"));
  manager.poke();
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_EQ(transport->asked.size(), 1u);
  (void)co_await rt::sleep_for(rt::Context::background(), 10min);
  EXPECT_GT(transport->asked.size(), 8u);
  EXPECT_LT(transport->asked.size(), 20u);
  co_await manager.stop();
  co_await client.close();
}
TEST(KubeletCertificates, AsksWhenItCanSayForWhat) { rt::testing::run_sim(asks_when_it_can_say_for_what()); }

// What a signer makes of a request: the certificate's life, as of now, and its name.
struct Signed {
  std::string common_name = "system:node:n1";
  int64_t begun = 0;
  int64_t left = 3600;
};

class OneAnswer final : public net::BodyReader {
 public:
  explicit OneAnswer(std::string text) : text_(std::move(text)) {}
  rt::Task<Result<Bytes>> read(rt::Context) override { co_return Bytes(std::exchange(text_, "")); }

 private:
  std::string text_;
};

// An API server that signs at once, whatever it is asked for.
class Signing final : public net::Transport {
 public:
  Signing(rt::Runtime& runtime, Signed wanted) : runtime_(runtime), wanted_(std::move(wanted)) {}
  rt::Task<Result<net::Response>> send(rt::Context, net::ClientRequest request) override {
    if (request.method == "POST") {
      if (++asked > 100) co_return error(Reason::Forbidden, "that is enough");
      const auto& type = api::type_of<CertificateSigningRequest>();
      auto object = *client::wire::decode_object(request.headers.get("content-type"), request.body.view(), type);
      auto& csr = object.as<CertificateSigningRequest>();
      csr.metadata.name = "csr-1";
      csr.status.conditions.emplace_back().type = "Approved";
      csr.status.certificate = certificate(csr.spec.request);
      last_.clear();
      api::encode_json(type, &csr, last_);
    }
    net::Response response;
    response.status = request.method == "POST" ? 201 : 200;
    response.headers.add("content-type", "application/json");
    response.body = std::make_unique<OneAnswer>(last_);
    co_return std::move(response);
  }
  rt::Task<void> close() override { co_return; }
  int asked = 0;

 private:
  std::string certificate(const std::string& request) const {
    component::CertificateSpec spec;
    spec.common_name = wanted_.common_name;
    spec.organizations = {"system:nodes"};
    spec.client = true;
    const int64_t now = runtime_.clock().wall_now().time_since_epoch().count() / 1'000'000'000;
    spec.not_before = now - wanted_.begun;
    spec.not_after = now + wanted_.left;
    return *component::issue_certificate(spec, *component::certificate_request_key_pem(request), *component::PrivateKey::generate_ec_p256(), "");
  }
  rt::Runtime& runtime_;
  const Signed wanted_;
  std::string last_;
};

// Simulated but for its disk: the store makes links.
class OnRealDisk final : public rt::Runtime {
 public:
  explicit OnRealDisk(rt::Runtime& rest) : rest_(rest) {}
  rt::Clock& clock() override { return rest_.clock(); }
  rt::Random& random() override { return rest_.random(); }
  rt::Network& network() override { return rest_.network(); }
  rt::Disk& disk() override { return disk_; }
  std::size_t executor_count() const override { return rest_.executor_count(); }
  rt::Executor& executor(std::size_t i) override { return rest_.executor(i); }
  rt::Task<void> run_blocking(std::function<void()> work) override { return rest_.run_blocking(std::move(work)); }
  Result<std::unique_ptr<rt::FileWatcher>> watch_files(std::vector<std::string> paths) override { return rest_.watch_files(std::move(paths)); }
  rt::Task<Result<int>> wait_signal(rt::Context ctx, std::vector<int> signals) override {
    return rest_.wait_signal(std::move(ctx), std::move(signals));
  }

 private:
  rt::Runtime& rest_;
  rt::RealDisk disk_;
};

std::string stranger() {
  component::CertificateSpec spec;
  spec.common_name = "another authority";
  spec.authority = true;
  const auto key = component::PrivateKey::generate_ec_p256();
  return *component::issue_certificate(spec, key->public_key(), *key, "");
}

rt::Task<void> ask_for_ten_minutes(Signed made, std::string authority, int least, int most) {
  OnRealDisk runtime(rt::Executor::current().runtime());
  std::string dir = ::testing::TempDir() + "pintle-certificates-XXXXXX";
  EXPECT_NE(::mkdtemp(dir.data()), nullptr);
  auto transport = std::make_shared<Signing>(runtime, std::move(made));
  client::ClientConfig config;
  client::Client client(runtime, transport, config);
  CertificateManagerDeps deps{runtime, client, [] { return std::optional(client_certificate_spec("n1")); }};
  CertificateManager manager(std::move(deps), {dir, "kubelet-client", client_signer, authority});
  manager.start();
  (void)co_await rt::sleep_for(rt::Context::background(), 10min);
  EXPECT_TRUE(manager.current().has_value());
  EXPECT_GE(transport->asked, least);
  EXPECT_LE(transport->asked, most);
  co_await manager.stop();
  co_await client.close();
  EXPECT_TRUE(os::remove_tree(dir));
}
TEST(KubeletCertificates, AsksAgainAfterAPause) {
  rt::testing::run_sim(ask_for_ten_minutes({}, "", 1, 1));
  rt::testing::run_sim(ask_for_ten_minutes({"system:node:n2"}, "", 8, 20));
  rt::testing::run_sim(ask_for_ten_minutes({"system:node:n1", 3600, 60}, "", 8, 20));
}
// As after an upgrade that gave serving certificates an authority of their own.
TEST(KubeletCertificates, AsksForOneOfTheRightAuthority) { rt::testing::run_sim(ask_for_ten_minutes({}, stranger(), 8, 20)); }

// The name may belong to the key as soon as it was asked for: a kubelet that ends before the answer asks with the same key again.
rt::Task<void> bootstrap_twice() {
  OnRealDisk runtime(rt::Executor::current().runtime());
  std::string dir = ::testing::TempDir() + "pintle-certificates-XXXXXX";
  EXPECT_NE(::mkdtemp(dir.data()), nullptr);
  const std::string file = dir + "/kubelet-client.key.tmp", name = "n1";
  client::ClientConfig config;
  client::Client refused(runtime, std::make_shared<Refusing>(), config);
  auto first = co_await bootstrap_client_certificate(rt::Context::background(), &refused, dir, name);
  EXPECT_FALSE(first.has_value());
  const std::string key = runtime.disk().read(file).value_or("");
  EXPECT_EQ(runtime.disk().stat(file)->mode & 0777, 0600u);
  const Signed made;
  client::Client signing(runtime, std::make_shared<Signing>(runtime, made), config);
  auto second = co_await bootstrap_client_certificate(rt::Context::background(), &signing, dir, name);
  EXPECT_TRUE(second.has_value());
  if (second) {
    EXPECT_NE(runtime.disk().read(*second).value_or("").find(key), std::string::npos);
  }
  EXPECT_FALSE(runtime.disk().exists(file));
  co_await refused.close();
  co_await signing.close();
  EXPECT_TRUE(os::remove_tree(dir));
}
TEST(KubeletCertificates, TheFirstKeyIsKeptUntilItIsCertified) { rt::testing::run_sim(bootstrap_twice()); }

}  // namespace
}  // namespace pintle::kubelet::certificates

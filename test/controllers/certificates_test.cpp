// Who gets which certificate: names of nodes belong to keys, serving certificates name their own node alone.
#include <gtest/gtest.h>

#include "api/gen/certificates_v1.h"
#include "cluster.h"
#include "component/certificate/certificate.h"
#include "rt/sync.h"

namespace pintle::controller::testing {
namespace {

using api::certificates_v1::CertificateSigningRequest;
using api::core_v1::Node;
using component::CertificateSpec;
using component::PrivateKey;

constexpr const char* client_signer = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr const char* serving_signer = "kubernetes.io/kubelet-serving";

ClusterOptions as_pintle_server() {
  ClusterOptions out;
  out.hollow = false;
  out.controllers = {"certificatesigningrequest-approving-controller", "certificatesigningrequest-signing-controller"};
  out.options.approve_kubelet_serving = out.options.bind_node_names = true;
  out.options.reserved_node_names = {"server"};
  out.options.reserved_serving_names = {"api.example.com", "10.0.0.99"};
  out.options.service_cidrs = {"10.43.0.0/16"};
  const auto key = PrivateKey::generate_ec_p256();
  CertificateSpec authority;
  authority.common_name = "ca";
  authority.authority = true;
  authority.not_after = 4000000000;
  const SigningAuthority signer{*component::issue_certificate(authority, key->public_key(), *key, ""), key->to_pem()};
  for (const char* name : {client_signer, serving_signer, "kubernetes.io/kube-apiserver-client"}) out.options.signers[name] = signer;
  return out;
}

CertificateSpec node_spec(const std::string& node) {
  CertificateSpec out;
  out.common_name = "system:node:" + node;
  out.organizations = {"system:nodes"};
  return out;
}

class Requests {
 public:
  explicit Requests(Cluster& cluster) : cluster_(cluster) {}

  // Asks as `client`'s user; the request's name.
  rt::Task<std::string> ask(client::Client* client, std::string signer, CertificateSpec spec, PrivateKey key) {
    CertificateSigningRequest request;
    request.metadata.name = "csr-" + std::to_string(++count_);
    request.spec.request = *component::make_certificate_request(spec, key);
    request.spec.signer_name = signer;
    request.spec.usages = {"digital signature", signer == serving_signer ? "server auth" : "client auth"};
    const std::string name = request.metadata.name;
    auto made = co_await client->create<CertificateSigningRequest>(rt::Context::background(), std::move(request));
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    co_return name;
  }
  // "Issued", or the reason of a denial, or "Pending" if nothing comes.
  rt::Task<std::string> outcome(std::string name, rt::Duration patience) {
    const std::string path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/" + name;
    for (rt::Duration waited{}; waited < patience; waited += std::chrono::milliseconds(100)) {
      const std::string certificate = co_await cluster_.at(path, "status.certificate");
      if (!certificate.empty()) co_return "Issued";
      const std::string type = co_await cluster_.at(path, "status.conditions.0.type");
      const std::string reason = co_await cluster_.at(path, "status.conditions.0.reason");
      if (type == "Denied") co_return reason;
      (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(100));
    }
    co_return "Pending";
  }
  rt::Task<std::string> client_certificate(client::Client* client, std::string node, PrivateKey key) {
    CertificateSpec spec = node_spec(node);
    std::string name = co_await ask(client, client_signer, std::move(spec), std::move(key));
    co_return co_await outcome(std::move(name), std::chrono::seconds(30));
  }

 private:
  Cluster& cluster_;
  int count_ = 0;
};

rt::Task<void> make_node(Cluster& c, std::string name) {
  co_await c.create("/api/v1/nodes", R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name + "\"}}");
}

rt::Task<void> remove_node(Cluster& c, std::string name) {
  auto gone = co_await c.client().remove<Node>(rt::Context::background(), std::string(), name);
  EXPECT_TRUE(gone.has_value());
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(5));  // virtual: the approver has heard of it
}

rt::Task<void> report(Cluster& c, std::string name, std::string addresses) {
  client::PatchOptions options;
  options.subresource = "status";
  std::string body = R"({"status":{"addresses":[)" + addresses + "]}}";
  auto done =
      co_await c.client().patch<Node>(rt::Context::background(), std::string(), name, client::PatchType::Merge, std::move(body), std::move(options));
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
}

TEST(NodeNames, BelongToTheFirstKeyUntilTheNodeIsDeleted) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    client::Client* const token = &c.client();
    const auto own = *PrivateKey::generate_ec_p256(), other = *PrivateKey::generate_ec_p256();
    EXPECT_EQ(co_await requests.client_certificate(token, "a", own), "Issued");
    EXPECT_EQ(co_await requests.client_certificate(token, "a", other), "NodeNameTaken");
    co_await make_node(c, "a");
    EXPECT_EQ(co_await requests.client_certificate(token, "a", other), "NodeNameTaken");
    EXPECT_EQ(co_await requests.client_certificate(token, "a", own), "Issued") << "the answer was lost: it asks again";
    EXPECT_EQ(co_await requests.client_certificate(token, "b", other), "Issued");
    co_await remove_node(c, "a");
    EXPECT_EQ(co_await requests.client_certificate(token, "a", other), "Issued");
    EXPECT_EQ(co_await requests.client_certificate(token, "a", own), "NodeNameTaken");
  });
}

TEST(NodeNames, TheNodeItselfMayChangeItsKey) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    const auto first = *PrivateKey::generate_ec_p256(), second = *PrivateKey::generate_ec_p256(), thief = *PrivateKey::generate_ec_p256();
    co_await make_node(c, "a");  // of a release that kept no keys
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", thief), "NodeNameTaken");
    const auto node = c.client_of("system:node:a");
    EXPECT_EQ(co_await requests.client_certificate(node.get(), "a", first), "Issued");
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", thief), "NodeNameTaken");
    EXPECT_EQ(co_await requests.client_certificate(node.get(), "a", second), "Issued");
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", first), "NodeNameTaken");
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", second), "Issued");
    co_await node->close();
  });
}

TEST(NodeNames, ReservedAndIllFormed) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    const auto key = *PrivateKey::generate_ec_p256();
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "server", key), "NodeNameTaken");
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "x:a", key), "Pending") << "no name of a node";
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), std::string(253, 'n'), key), "Issued") << "the longest name";
  });
}

constexpr const char* bindings = "/api/v1/namespaces/kube-system/configmaps?labelSelector=pintle/node-key";

// What a holder of a token leaves behind by asking for names goes away, also where the controllers were restarted meanwhile.
TEST(NodeNames, NothingIsKeptOfNamesThatAreNotUsed) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    const auto key = *PrivateKey::generate_ec_p256();
    for (const char* name : {"a", "b", "c"}) {
      const std::string node = name;
      EXPECT_EQ(co_await requests.client_certificate(&c.client(), node, key), "Issued");
    }
    co_await make_node(c, "b");
    EXPECT_EQ(co_await c.count(bindings), 3u);
    co_await c.stop_controllers();
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(30));  // virtual
    c.start_controllers();
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), std::string("d"), key), "Issued");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(35));
    EXPECT_EQ(co_await c.count(bindings), 2u) << "b's, which is there, and d's, which may come";
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(35));
    EXPECT_EQ(co_await c.count(bindings), 1u);
  });
}

TEST(NodeNames, ANameThatWasNeverUsedIsFreeAgain) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    const auto first = *PrivateKey::generate_ec_p256(), second = *PrivateKey::generate_ec_p256();
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", first), "Issued");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(50));  // virtual
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", second), "NodeNameTaken");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(15));
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", second), "Issued");
    EXPECT_EQ(co_await requests.client_certificate(&c.client(), "a", first), "NodeNameTaken");
  });
}

TEST(KubeletServing, NamesItsOwnNodeAlone) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    const auto key = *PrivateKey::generate_ec_p256();
    co_await make_node(c, "a");
    co_await make_node(c, "b");
    co_await report(c, "b", R"({"type":"InternalIP","address":"10.0.0.2"})");
    const auto node = c.client_of("system:node:a");
    const auto outcome = [&](std::vector<std::string> dns, std::vector<std::string> ips) -> rt::Task<std::string> {
      CertificateSpec spec = node_spec("a");
      spec.dns_names = std::move(dns);
      spec.ip_addresses = std::move(ips);
      std::string name = co_await requests.ask(node.get(), serving_signer, std::move(spec), key);
      co_return co_await requests.outcome(std::move(name), std::chrono::seconds(20));
    };
    // It reports that it is everything.
    co_await report(
        c, "a", R"({"type":"InternalIP","address":"10.0.0.1"},{"type":"InternalIP","address":"10.43.0.1"},{"type":"InternalIP","address":"10.0.0.2"},
      {"type":"InternalIP","address":"127.0.0.1"},{"type":"InternalIP","address":"10.0.0.99"},{"type":"Hostname","address":"kubernetes.default.svc"},{"type":"Hostname","address":"b"},
      {"type":"Hostname","address":"a,DNS:kubernetes"}, {"type":"Hostname","address":"api.example.com"})");
    const std::vector<std::string> none;
    for (const char* name : {"kubernetes.default.svc", "kubernetes", "a,DNS:kubernetes", "api.example.com", "localhost"}) {
      const std::vector<std::string> names = {name};
      EXPECT_EQ(co_await outcome(names, none), "NameNotAllowed") << name;
    }
    for (const char* address : {"10.43.0.1", "127.0.0.1", "10.0.0.99"}) {
      const std::vector<std::string> addresses = {address};
      EXPECT_EQ(co_await outcome(none, addresses), "NameNotAllowed") << address;
    }
    const std::vector<std::string> another = {"b"}, self = {"a"}, own_address = {"10.0.0.1"};
    EXPECT_EQ(co_await outcome(another, none), "Pending");
    EXPECT_EQ(co_await outcome(self, own_address), "Issued");
    co_await node->close();
  });
}

// An administrator approves what he reads; what is signed is that, and not what a text form would make of it.
TEST(Signer, ACommaInANameStaysInTheName) {
  with_cluster(as_pintle_server(), [](Cluster& c) -> rt::Task<void> {
    Requests requests(c);
    CertificateSpec spec;
    spec.common_name = "jane";
    spec.dns_names = {"a,DNS:kubernetes"};
    spec.uris = {"spiffe://a,URI:b"};
    const std::string name = co_await requests.ask(&c.client(), "kubernetes.io/kube-apiserver-client", spec, *PrivateKey::generate_ec_p256());
    auto request = co_await c.client().get<CertificateSigningRequest>(rt::Context::background(), std::string(), name);
    auto& approval = request->status.conditions.emplace_back();
    approval.type = "Approved";
    approval.status = "True";
    approval.reason = "Read";
    CertificateSigningRequest approved = std::move(*request);
    auto done =
        co_await c.client().update_subresource<CertificateSigningRequest>(rt::Context::background(), std::string("approval"), std::move(approved));
    EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
    EXPECT_EQ(co_await requests.outcome(name, std::chrono::seconds(20)), "Issued");
    auto issued = co_await c.client().get<CertificateSigningRequest>(rt::Context::background(), std::string(), name);
    const auto info = component::parse_certificate_der(component::certificates_from_pem(issued->status.certificate)->front());
    EXPECT_EQ(info->dns_names, spec.dns_names);
    EXPECT_EQ(info->uris, spec.uris);
  });
}

}  // namespace
}  // namespace pintle::controller::testing

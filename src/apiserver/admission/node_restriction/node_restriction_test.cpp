#include "apiserver/admission/factories.h"

#include "api/gen/authentication_v1.h"
#include "api/gen/coordination_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"
#include "apiserver/authentication/testing/fake_reader.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

class NodeRestrictionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    user_.name = "system:node:n1";
    user_.groups = {"system:nodes"};
    Node node;
    node.metadata.name = "n1";
    node.metadata.uid = "uid-n1";
    reader_.put({"", "nodes"}, node);
    Pod pod;
    pod.metadata.name = "p";
    pod.metadata.namespace_ = "ns";
    pod.metadata.uid = "uid-p";
    pod.spec.node_name = "n1";
    reader_.put({"", "pods"}, pod);
    pod.metadata.name = "q";
    pod.spec.node_name = "n2";
    reader_.put({"", "pods"}, pod);
  }
  template <class T>
  int run(Operation operation, GroupResource resource, const std::string& name, const T* object, const T* old = nullptr,
          const std::string& subresource = "") {
    AdmissionAttributes a;
    a.operation = operation;
    a.resource = std::move(resource);
    a.subresource = subresource;
    a.ns = "ns";
    if (a.resource.resource == "leases") a.ns = "kube-node-lease";
    a.name = name;
    a.user = &user_;
    api::Object now = object ? api::Object::of<T>(*object) : api::Object();
    api::Object before = old ? api::Object::of<T>(*old) : api::Object();
    if (object) a.object = &now;
    if (old) a.old_object = &before;
    const auto answer = plugin_->admit_now(a);
    return *answer ? 200 : answer->error().http();
  }

  testing::FakeReader reader_;
  UserInfo user_;
  std::unique_ptr<AdmissionPlugin> plugin_ = make_node_restriction({reader_});
};

TEST_F(NodeRestrictionTest, Nodes) {
  const GroupResource nodes{"", "nodes"};
  Node node;
  node.metadata.name = "n1";
  EXPECT_EQ(run(Operation::Create, nodes, "n1", &node), 200);
  EXPECT_EQ(run(Operation::Create, nodes, "n2", &node), 403);
  const std::pair<const char*, int> labels[] = {{"mine", 200},
                                                {"kubernetes.io/hostname", 200},
                                                {"node.kubernetes.io/x", 200},
                                                {"sub.kubelet.kubernetes.io/x", 200},
                                                {"node-role.kubernetes.io/master", 403},
                                                {"node-restriction.kubernetes.io/x", 403},
                                                {"a.node-restriction.kubernetes.io/x", 403},
                                                {"x.k8s.io/y", 403},
                                                {"notk8s.io/y", 200}};
  for (const auto& [label, want] : labels) {
    Node labeled = node;
    labeled.metadata.labels[label] = "v";
    EXPECT_EQ(run(Operation::Create, nodes, "n1", &labeled), want) << label;
    EXPECT_EQ(run(Operation::Update, nodes, "n1", &node, &labeled), want) << label;
    EXPECT_EQ(run(Operation::Update, nodes, "n1", &labeled, &labeled), 200) << label;
  }
  Node tainted = node;
  tainted.spec.taints.resize(1);
  EXPECT_EQ(run(Operation::Create, nodes, "n1", &tainted), 200);
  EXPECT_EQ(run(Operation::Update, nodes, "n1", &node, &tainted), 403);
  user_.name = "jane";
  EXPECT_EQ(run(Operation::Create, nodes, "n2", &node), 200);
}

// What is not there to be looked at is refused, never waved through.
TEST_F(NodeRestrictionTest, NothingIsJudgedUnseen) {
  const GroupResource nodes{"", "nodes"}, slices{"resource.k8s.io", "resourceslices"}, requests{"certificates.k8s.io", "certificatesigningrequests"};
  Node node;
  node.metadata.name = "n1";
  EXPECT_EQ(run<Node>(Operation::Create, nodes, "n1", nullptr), 403);
  EXPECT_EQ(run<Node>(Operation::Update, nodes, "n1", nullptr, &node), 403);
  EXPECT_EQ(run<Node>(Operation::Update, nodes, "n1", &node), 403);
  EXPECT_EQ(run<Node>(Operation::Delete, nodes, "n1", nullptr, &node), 200);
  EXPECT_EQ(run<Node>(Operation::Delete, nodes, "n2", nullptr, &node), 403);
  EXPECT_EQ(run<Node>(Operation::Delete, nodes, "", nullptr), 403);

  api::resource_v1::ResourceSlice own, other;
  own.spec.node_name = "n1";
  other.spec.node_name = "n2";
  EXPECT_EQ(run(Operation::Create, slices, "", &own), 200);
  EXPECT_EQ(run(Operation::Create, slices, "", &other), 403);
  EXPECT_EQ(run<Node>(Operation::Create, slices, "", nullptr), 403);
  EXPECT_EQ(run<api::resource_v1::ResourceSlice>(Operation::Delete, slices, "s", nullptr, &own), 200);
  EXPECT_EQ(run<api::resource_v1::ResourceSlice>(Operation::Delete, slices, "s", nullptr, &other), 403);
  EXPECT_EQ(run<Node>(Operation::Delete, slices, "s", nullptr), 403);
  EXPECT_EQ(run<Node>(Operation::Create, requests, "", nullptr), 403);

  Pod pod;
  EXPECT_EQ(run(Operation::Update, {"", "pods"}, "p", &pod, &pod, "resize"), 403);
  EXPECT_EQ(run(Operation::Update, {"", "pods"}, "p", &pod, &pod, "ephemeralcontainers"), 403);
  EXPECT_EQ(run<Pod>(Operation::Create, {"", "pods"}, "p", nullptr, nullptr, "binding"), 403);
}

TEST_F(NodeRestrictionTest, MirrorPods) {
  const GroupResource pods{"", "pods"};
  Pod mirror;
  mirror.metadata.name = "m";
  mirror.metadata.annotations["kubernetes.io/config.mirror"] = "hash";
  mirror.spec.node_name = "n1";
  mirror.metadata.owner_references.resize(1);
  auto& owner = mirror.metadata.owner_references[0];
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = "n1";
  owner.uid = "uid-n1";
  owner.controller = true;
  EXPECT_EQ(run(Operation::Create, pods, "m", &mirror), 200);
  const auto spoiled = [&](auto change) {
    Pod bad = mirror;
    change(bad);
    return run(Operation::Create, pods, "m", &bad);
  };
  EXPECT_EQ(spoiled([](Pod& p) { p.metadata.annotations.clear(); }), 403);
  EXPECT_EQ(spoiled([](Pod& p) { p.spec.node_name = "n2"; }), 403);
  EXPECT_EQ(spoiled([](Pod& p) { p.metadata.owner_references.clear(); }), 403);
  EXPECT_EQ(spoiled([](Pod& p) { p.metadata.owner_references[0].uid = "other"; }), 403);
  EXPECT_EQ(spoiled([](Pod& p) { p.spec.service_account_name = "sa"; }), 403);
  EXPECT_EQ(spoiled([](Pod& p) { p.spec.volumes.resize(1), p.spec.volumes[0].secret.emplace().secret_name = "s"; }), 403);
  EXPECT_EQ(spoiled([](Pod& p) { p.spec.volumes.resize(1), p.spec.volumes[0].empty_dir.emplace(); }), 200);
  EXPECT_EQ(run<Pod>(Operation::Delete, pods, "p", nullptr), 200);
  EXPECT_EQ(run<Pod>(Operation::Delete, pods, "q", nullptr), 403);
  EXPECT_EQ(run<Pod>(Operation::Delete, pods, "none", nullptr), 404);
}

TEST_F(NodeRestrictionTest, StatusTokensAndLeases) {
  const Pod own = *reader_.get_as<Pod>({"", "pods"}, "ns", "p");
  const Pod other = *reader_.get_as<Pod>({"", "pods"}, "ns", "q");
  EXPECT_EQ(run(Operation::Update, {"", "pods"}, "p", &own, &own, "status"), 200);
  EXPECT_EQ(run(Operation::Update, {"", "pods"}, "q", &other, &other, "status"), 403);
  Pod labeled = own;
  labeled.metadata.labels["a"] = "b";
  EXPECT_EQ(run(Operation::Update, {"", "pods"}, "p", &labeled, &own, "status"), 403);

  api::authentication_v1::TokenRequest request;
  EXPECT_EQ(run(Operation::Create, {"", "serviceaccounts"}, "sa", &request, {}, "token"), 403);
  request.spec.bound_object_ref = api::authentication_v1::BoundObjectReference{"Pod", "v1", "q", "uid-p"};
  EXPECT_EQ(run(Operation::Create, {"", "serviceaccounts"}, "sa", &request, {}, "token"), 403);
  request.spec.bound_object_ref->name = "p";
  EXPECT_EQ(run(Operation::Create, {"", "serviceaccounts"}, "sa", &request, {}, "token"), 403);  // no volume asks for it
  Pod with_token = own;
  with_token.spec.volumes.resize(1);
  with_token.spec.volumes[0].projected.emplace().sources.resize(1);
  with_token.spec.volumes[0].projected->sources[0].service_account_token.emplace().path = "token";
  reader_.put({"", "pods"}, with_token);
  EXPECT_EQ(run(Operation::Create, {"", "serviceaccounts"}, "sa", &request, {}, "token"), 200);
  request.spec.audiences = {"vault"};
  EXPECT_EQ(run(Operation::Create, {"", "serviceaccounts"}, "sa", &request, {}, "token"), 403);

  api::coordination_v1::Lease lease;
  lease.metadata.name = "n1";
  EXPECT_EQ(run(Operation::Create, {"coordination.k8s.io", "leases"}, "", &lease), 200);
  lease.metadata.name = "n2";
  EXPECT_EQ(run(Operation::Create, {"coordination.k8s.io", "leases"}, "", &lease), 403);
}

}  // namespace
}  // namespace pintle::apiserver::admission

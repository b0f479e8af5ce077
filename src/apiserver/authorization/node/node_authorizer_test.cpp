#include "apiserver/authorization/node/node_authorizer.h"

#include "api/gen/resource_v1.h"
#include "api/gen/storage_v1.h"
#include "apiserver/authentication/testing/fake_reader.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::authorization::node {
namespace {

using namespace api::core_v1;

Pod pod_on(const std::string& node, const std::string& name) {
  Pod pod;
  pod.metadata.name = name;
  pod.metadata.namespace_ = "ns";
  pod.spec.node_name = node;
  pod.spec.service_account_name = "sa";
  pod.spec.image_pull_secrets.resize(1);
  pod.spec.image_pull_secrets[0].name = "pull";
  pod.spec.containers.resize(1);
  auto& container = pod.spec.containers[0];
  container.env_from.resize(2);
  container.env_from[0].secret_ref.emplace().name = "env-from";
  container.env_from[1].config_map_ref.emplace().name = "env-map";
  container.env.resize(1);
  container.env[0].value_from.emplace().secret_key_ref.emplace().name = "env-key";
  pod.spec.volumes.resize(4);
  pod.spec.volumes[0].secret.emplace().secret_name = "mounted";
  pod.spec.volumes[1].persistent_volume_claim.emplace().claim_name = "claim";
  pod.spec.volumes[2].name = "scratch";
  pod.spec.volumes[2].ephemeral.emplace();
  pod.spec.volumes[3].projected.emplace().sources.resize(1);
  pod.spec.volumes[3].projected->sources[0].config_map.emplace().name = "kube-root-ca.crt";
  pod.spec.resource_claims.resize(1);
  pod.spec.resource_claims[0].resource_claim_name = "gpu";
  return pod;
}

class NodeAuthorizerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    reader_.subscribe(pods_resource_, [this](const storage::CacheEvent& event) { index_.apply(event); });
    reader_.put(pods_resource_, pod_on("n1", "p"), {{"spec.nodeName", "n1"}});
    PersistentVolumeClaim claim;
    claim.metadata.name = "claim";
    claim.metadata.namespace_ = "ns";
    claim.spec.volume_name = "volume";
    reader_.put({"", "persistentvolumeclaims"}, claim);
    PersistentVolume volume;
    volume.metadata.name = "volume";
    volume.spec.claim_ref.emplace().name = "claim";
    volume.spec.claim_ref->namespace_ = "ns";
    volume.spec.csi.emplace().node_stage_secret_ref.emplace().name = "stage";
    volume.spec.csi->node_stage_secret_ref->namespace_ = "vault";
    reader_.put({"", "persistentvolumes"}, volume);
    api::storage_v1::VolumeAttachment attachment;
    attachment.metadata.name = "att";
    attachment.spec.node_name = "n1";
    reader_.put({"storage.k8s.io", "volumeattachments"}, attachment);
    api::resource_v1::ResourceSlice slice;
    slice.metadata.name = "slice";
    slice.spec.node_name = "n1";
    reader_.put({"resource.k8s.io", "resourceslices"}, slice);
  }
  Decision ask(const std::string& node, const std::string& verb, const std::string& group, const std::string& resource, const std::string& ns,
               const std::string& name, const std::string& field_selector = "") {
    AuthorizationAttributes a;
    a.user.name = "system:node:" + node;
    a.user.groups = {"system:nodes"};
    a.verb = verb;
    a.group = group;
    const auto slash = resource.find('/');
    a.resource = resource.substr(0, slash);
    if (slash != std::string::npos) a.subresource = resource.substr(slash + 1);
    a.ns = ns;
    a.name = name;
    a.field_selector = field_selector;
    return authorizer_.authorize_now(a)->decision;
  }

  const GroupResource pods_resource_{"", "pods"};
  testing::FakeReader reader_;
  PodIndex index_{reader_};
  NodeAuthorizer authorizer_{index_, reader_};
};

TEST_F(NodeAuthorizerTest, Table) {
  struct Case {
    const char* node;
    const char* verb;
    const char* group;
    const char* resource;
    const char* ns;
    const char* name;
    const char* fields;
    bool allowed;
  };
  const Case cases[] = {
      {"n1", "get", "", "secrets", "ns", "pull", "", true},
      {"n1", "get", "", "secrets", "ns", "env-from", "", true},
      {"n1", "get", "", "secrets", "ns", "env-key", "", true},
      {"n1", "watch", "", "secrets", "ns", "mounted", "", true},
      {"n2", "get", "", "secrets", "ns", "mounted", "", false},
      {"n1", "get", "", "secrets", "ns", "other", "", false},
      {"n1", "get", "", "secrets", "other", "mounted", "", false},
      {"n1", "list", "", "secrets", "ns", "", "", false},
      {"n1", "update", "", "secrets", "ns", "mounted", "", false},
      {"n1", "get", "", "secrets", "vault", "stage", "", true},
      {"n2", "get", "", "secrets", "vault", "stage", "", false},
      {"n1", "get", "", "configmaps", "ns", "env-map", "", true},
      {"n1", "get", "", "configmaps", "ns", "kube-root-ca.crt", "", true},
      {"n2", "get", "", "configmaps", "ns", "env-map", "", false},
      {"n1", "get", "", "persistentvolumeclaims", "ns", "claim", "", true},
      {"n1", "get", "", "persistentvolumeclaims", "ns", "p-scratch", "", true},
      {"n1", "list", "", "persistentvolumeclaims", "ns", "claim", "", false},
      {"n1", "patch", "", "persistentvolumeclaims/status", "ns", "claim", "", true},
      {"n2", "patch", "", "persistentvolumeclaims/status", "ns", "claim", "", false},
      {"n1", "get", "", "persistentvolumes", "", "volume", "", true},
      {"n2", "get", "", "persistentvolumes", "", "volume", "", false},
      {"n1", "get", "", "serviceaccounts", "ns", "sa", "", true},
      {"n1", "create", "", "serviceaccounts/token", "ns", "sa", "", true},
      {"n2", "create", "", "serviceaccounts/token", "ns", "sa", "", false},
      {"n1", "create", "", "serviceaccounts", "ns", "sa", "", false},
      {"n1", "get", "resource.k8s.io", "resourceclaims", "ns", "gpu", "", true},
      {"n2", "get", "resource.k8s.io", "resourceclaims", "ns", "gpu", "", false},
      {"n1", "get", "", "nodes", "", "n1", "", true},
      {"n1", "get", "", "nodes", "", "n2", "", false},
      {"n1", "list", "", "nodes", "", "", "", false},
      {"n1", "create", "", "nodes", "", "", "", true},
      {"n1", "patch", "", "nodes/status", "", "n1", "", true},
      {"n1", "delete", "", "nodes", "", "n1", "", false},
      {"n1", "get", "", "pods", "ns", "p", "", true},
      {"n2", "get", "", "pods", "ns", "p", "", false},
      {"n1", "list", "", "pods", "", "", "spec.nodeName=n1", true},
      {"n1", "list", "", "pods", "", "", "spec.nodeName=n2", false},
      {"n1", "list", "", "pods", "", "", "", false},
      {"n1", "watch", "", "pods", "ns", "p", "metadata.name=p", true},
      {"n1", "delete", "", "pods", "ns", "p", "", true},
      {"n1", "update", "", "pods", "ns", "p", "", false},
      {"n1", "patch", "", "pods/status", "ns", "x", "", true},
      {"n1", "create", "", "pods/eviction", "ns", "x", "", true},
      {"n1", "create", "", "pods/exec", "ns", "p", "", false},
      {"n1", "get", "coordination.k8s.io", "leases", "kube-node-lease", "n1", "", true},
      {"n1", "update", "coordination.k8s.io", "leases", "kube-node-lease", "n2", "", false},
      {"n1", "create", "coordination.k8s.io", "leases", "kube-node-lease", "", "", true},
      {"n1", "get", "coordination.k8s.io", "leases", "kube-system", "n1", "", false},
      {"n1", "get", "storage.k8s.io", "csinodes", "", "n1", "", true},
      {"n1", "list", "storage.k8s.io", "csinodes", "", "", "", false},
      {"n1", "get", "storage.k8s.io", "volumeattachments", "", "att", "", true},
      {"n2", "get", "storage.k8s.io", "volumeattachments", "", "att", "", false},
      {"n1", "get", "resource.k8s.io", "resourceslices", "", "slice", "", true},
      {"n2", "delete", "resource.k8s.io", "resourceslices", "", "slice", "", false},
      {"n1", "list", "resource.k8s.io", "resourceslices", "", "", "spec.nodeName=n1", true},
      {"n1", "list", "resource.k8s.io", "resourceslices", "", "", "", false},
      {"n1", "list", "", "services", "", "", "", true},
      {"n1", "create", "events.k8s.io", "events", "ns", "", "", true},
      {"n1", "watch", "node.k8s.io", "runtimeclasses", "", "", "", true},
      {"n1", "create", "authentication.k8s.io", "tokenreviews", "", "", "", true},
      {"n1", "list", "apps", "deployments", "", "", "", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(ask(c.node, c.verb, c.group, c.resource, c.ns, c.name, c.fields) == Decision::Allow, c.allowed)
        << c.node << " " << c.verb << " " << c.resource << " " << c.ns << "/" << c.name << " " << c.fields;
}

TEST_F(NodeAuthorizerTest, OnlyNodesAreAnswered) {
  AuthorizationAttributes a;
  a.user.name = "system:node:n1";  // without the group
  a.verb = "get";
  a.resource = "nodes";
  a.name = "n1";
  EXPECT_EQ(authorizer_.authorize_now(a)->decision, Decision::NoOpinion);
  a.user.name = "system:node:";
  a.user.groups = {"system:nodes"};
  EXPECT_EQ(authorizer_.authorize_now(a)->decision, Decision::NoOpinion);
  EXPECT_TRUE(authorizer_.rules_for(a.user, "ns").resource_rules.empty());
  for (const char* name : {"system:node:x:n1", "system:node::n1", "system:node:n1:", "system:node:N1"}) {
    a.user.name = name;
    EXPECT_EQ(authorizer_.authorize_now(a)->decision, Decision::NoOpinion) << name;
    a.resource = "services";  // what every node may read
    EXPECT_EQ(authorizer_.authorize_now(a)->decision, Decision::NoOpinion) << name;
    a.resource = "nodes";
  }
  a.user.name = "system:node:n1";
  EXPECT_TRUE(authorizer_.rules_for(a.user, "ns").incomplete);
}

TEST_F(NodeAuthorizerTest, FollowsThePods) {
  Pod pod = pod_on("n1", "p");
  pod.spec.volumes[0].secret->secret_name = "rotated";
  reader_.put(pods_resource_, pod, {{"spec.nodeName", "n1"}});
  EXPECT_EQ(ask("n1", "get", "", "secrets", "ns", "mounted"), Decision::NoOpinion);
  EXPECT_EQ(ask("n1", "get", "", "secrets", "ns", "rotated"), Decision::Allow);
  // References are read once a version.
  const int decoded = reader_.decoded();
  EXPECT_EQ(ask("n1", "get", "", "secrets", "ns", "rotated"), Decision::Allow);
  EXPECT_EQ(reader_.decoded(), decoded);
  pod.metadata.annotations[mirror_annotation] = "x";
  reader_.put(pods_resource_, pod, {{"spec.nodeName", "n1"}});
  EXPECT_EQ(ask("n1", "get", "", "secrets", "ns", "rotated"), Decision::NoOpinion);
  EXPECT_EQ(ask("n1", "get", "", "pods", "ns", "p"), Decision::Allow);
  reader_.remove(pods_resource_, "ns", "p");
  EXPECT_EQ(ask("n1", "get", "", "pods", "ns", "p"), Decision::NoOpinion);
}

}  // namespace
}  // namespace pintle::apiserver::authorization::node

#include "cli/addons.h"

#include <gtest/gtest.h>

#include "codec/yaml.h"

namespace pintle::cli {
namespace {

std::vector<std::string> kinds_of(std::string_view manifest) {
  std::vector<std::string> out;
  for (const auto part : codec::split_yaml(manifest)) {
    const auto document = codec::parse_yaml(part);
    EXPECT_TRUE(document) << part;
    if (document && !document->is_null())
      out.push_back(std::string(document->string_at("kind")) + "/" + std::string(document->find("metadata")->string_at("name")));
  }
  return out;
}

TEST(Addons, AreReadableManifests) {
  ClusterConfig config;
  config.cluster_dns = "10.43.0.10";
  const std::string pem = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
  AddonFacts facts{"https://10.0.0.1:6443", pem, pem, "10.0.0.1"};
  const auto manifests = addon_manifests(config, facts);
  EXPECT_EQ(kinds_of(manifests.at("join")),
            (std::vector<std::string>{"ConfigMap/cluster-info", "Role/kubeadm:bootstrap-signer-clusterinfo",
                                      "RoleBinding/kubeadm:bootstrap-signer-clusterinfo", "ConfigMap/pintle-cluster", "Role/pintle:cluster-facts",
                                      "RoleBinding/pintle:cluster-facts", "ClusterRole/pintle:kubelet-serving-approver",
                                      "ClusterRoleBinding/pintle:kubelet-serving-approver", "Role/pintle:node-names", "RoleBinding/pintle:node-names",
                                      "ClusterRoleBinding/kubeadm:kubelet-bootstrap", "ClusterRoleBinding/kubeadm:node-autoapprove-bootstrap",
                                      "ClusterRoleBinding/kubeadm:node-autoapprove-certificate-rotation", "ClusterRoleBinding/pintle:node-proxier"}));
  EXPECT_EQ(kinds_of(manifests.at("dns")),
            (std::vector<std::string>{"ServiceAccount/coredns", "ClusterRole/system:coredns", "ClusterRoleBinding/system:coredns", "Service/kube-dns",
                                      "EndpointSlice/kube-dns"}));
  facts.dns_node_ip.clear();
  EXPECT_EQ(addon_manifests(config, facts).count("dns"), 0u);
}

}  // namespace
}  // namespace pintle::cli

#include "cli/addons.h"

#include <fmt/format.h>

#include "cli/bootstrap_token.h"
#include "client/kubeconfig.h"

namespace pintle::cli {
namespace {

// Lines of `text`, each with `indent` spaces before it.
std::string indented(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out += std::string(indent, ' ') + std::string(text.substr(0, end)) + "\n";
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

// What a bootstrap token may do, and what a joining node trusts: the objects that kubeadm makes, under its names; and what nodes
// need to know of the cluster.
constexpr std::string_view join_manifest = R"(apiVersion: v1
kind: ConfigMap
metadata: {{name: cluster-info, namespace: kube-public}}
data:
  kubeconfig: |
{kubeconfig}---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: kubeadm:bootstrap-signer-clusterinfo, namespace: kube-public}}
rules:
- {{apiGroups: [""], resources: [configmaps], resourceNames: [cluster-info], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: kubeadm:bootstrap-signer-clusterinfo, namespace: kube-public}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: kubeadm:bootstrap-signer-clusterinfo}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: system:anonymous}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: pintle-cluster, namespace: kube-system}}
data:
  clusterCIDR: "{cluster_cidr}"
  clusterDNS: "{cluster_dns}"
  clusterDomain: "{cluster_domain}"
  localStorage: "{local_storage}"
  kubeletServingCA: |
{kubelet_serving_ca}---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: pintle:cluster-facts, namespace: kube-system}}
rules:
- {{apiGroups: [""], resources: [configmaps], resourceNames: [pintle-cluster], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: pintle:cluster-facts, namespace: kube-system}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: pintle:cluster-facts}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:nodes}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: pintle:kubelet-serving-approver}}
rules:
- {{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: [kubernetes.io/kubelet-serving], verbs: [approve]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: pintle:kubelet-serving-approver}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pintle:kubelet-serving-approver}}
subjects:
- {{kind: ServiceAccount, name: certificate-controller, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: pintle:node-names, namespace: kube-system}}
rules:
- {{apiGroups: [""], resources: [configmaps], verbs: [get, list, create, update, delete]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: pintle:node-names, namespace: kube-system}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: pintle:node-names}}
subjects:
- {{kind: ServiceAccount, name: certificate-controller, namespace: kube-system}}
---
{bindings})";

std::string group_binding(std::string_view name, std::string_view role, std::string_view group) {
  return fmt::format(R"(apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {}}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: Group, name: {}}}
---
)",
                     name, role, group);
}

std::string join_objects(const ClusterConfig& config, const AddonFacts& facts) {
  client::KubeconfigContent cluster_info;
  cluster_info.server = facts.server_url;
  cluster_info.ca_pem = facts.ca_pem;
  // Nodes run the service proxy with their own identity: it reads Services, EndpointSlices and Nodes.
  const std::string bindings =
      group_binding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", join_group) +
      group_binding("kubeadm:node-autoapprove-bootstrap", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", join_group) +
      group_binding("kubeadm:node-autoapprove-certificate-rotation", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
                    "system:nodes") +
      group_binding("pintle:node-proxier", "system:node-proxier", "system:nodes");
  return fmt::format(join_manifest, fmt::arg("kubeconfig", indented(client::write_kubeconfig(cluster_info), 4)), fmt::arg("bindings", bindings),
                     fmt::arg("cluster_cidr", config.cluster_cidr), fmt::arg("cluster_dns", config.cluster_dns),
                     fmt::arg("cluster_domain", config.cluster_domain), fmt::arg("local_storage", !config.disabled("local-storage")),
                     fmt::arg("kubelet_serving_ca", indented(facts.kubelet_serving_ca_pem, 4)));
}

// The names are CoreDNS's, so that what looks for the cluster's DNS finds it.
constexpr std::string_view dns_manifest = R"(apiVersion: v1
kind: ServiceAccount
metadata: {{name: coredns, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: system:coredns}}
rules:
- {{apiGroups: [""], resources: [endpoints, services, pods, namespaces, nodes], verbs: [list, watch]}}
- {{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: system:coredns}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:coredns}}
subjects:
- {{kind: ServiceAccount, name: coredns, namespace: kube-system}}
---
apiVersion: v1
kind: Service
metadata:
  name: kube-dns
  namespace: kube-system
  labels: {{k8s-app: kube-dns, kubernetes.io/cluster-service: "true", kubernetes.io/name: CoreDNS}}
spec:
  clusterIP: {service_ip}
  ports:
  - {{name: dns, port: 53, protocol: UDP, targetPort: {port}}}
  - {{name: dns-tcp, port: 53, protocol: TCP, targetPort: {port}}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: kube-dns
  namespace: kube-system
  labels: {{kubernetes.io/service-name: kube-dns, endpointslice.kubernetes.io/managed-by: pintle}}
addressType: {family}
endpoints:
- addresses: ["{node_ip}"]
  conditions: {{ready: true, serving: true, terminating: false}}
ports:
- {{name: dns, port: {port}, protocol: UDP}}
- {{name: dns-tcp, port: {port}, protocol: TCP}}
)";

// The provisioner of the storage in the box: what external-provisioner and external-resizer may do, of capacities its own namespace alone.
constexpr std::string_view local_storage_manifest = R"(apiVersion: v1
kind: ServiceAccount
metadata: {name: local-storage, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pintle:local-storage}
rules:
- {apiGroups: [""], resources: [persistentvolumes], verbs: [get, list, watch, create, patch, delete]}
- {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get, list, watch, patch]}
- {apiGroups: [""], resources: [persistentvolumeclaims/status], verbs: [patch]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}
- {apiGroups: [""], resources: [nodes], verbs: [get]}
- {apiGroups: [storage.k8s.io], resources: [storageclasses, csinodes, csistoragecapacities], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: pintle:local-storage}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pintle:local-storage}
subjects:
- {kind: ServiceAccount, name: local-storage, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pintle:local-storage, namespace: kube-system}
rules:
- {apiGroups: [storage.k8s.io], resources: [csistoragecapacities], verbs: [create, update, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pintle:local-storage, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pintle:local-storage}
subjects:
- {kind: ServiceAccount, name: local-storage, namespace: kube-system}
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: local.csi.pintle.dev}
spec: {attachRequired: false, podInfoOnMount: false, storageCapacity: true, fsGroupPolicy: File, volumeLifecycleModes: [Persistent]}
)";

}  // namespace

std::map<std::string, std::string> addon_manifests(const ClusterConfig& config, const AddonFacts& facts) {
  std::map<std::string, std::string> out;
  out["join"] = join_objects(config, facts);
  if (!config.disabled("local-storage")) out["local-storage"] = local_storage_manifest;
  if (!facts.dns_node_ip.empty()) {
    const bool v6 = facts.dns_node_ip.find(':') != std::string::npos;
    out["dns"] = fmt::format(dns_manifest, fmt::arg("service_ip", config.cluster_dns), fmt::arg("port", cluster_dns_port),
                             fmt::arg("family", v6 ? "IPv6" : "IPv4"), fmt::arg("node_ip", facts.dns_node_ip));
  }
  return out;
}

}  // namespace pintle::cli

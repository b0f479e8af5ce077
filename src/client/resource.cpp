#include "client/resource.h"

#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "net/url.h"

namespace pintle::client {

namespace {

struct Row {
  std::string_view group;
  std::string_view version;
  std::string_view name;
  std::string_view kind;
  bool namespaced;
};

// What a 1.36 API server serves, and the resource metrics API. test/simulation checks it against our own discovery.
constexpr Row rows[] = {
    {"", "v1", "bindings", "Binding", true},
    {"", "v1", "componentstatuses", "ComponentStatus", false},
    {"", "v1", "configmaps", "ConfigMap", true},
    {"", "v1", "endpoints", "Endpoints", true},
    {"", "v1", "events", "Event", true},
    {"", "v1", "limitranges", "LimitRange", true},
    {"", "v1", "namespaces", "Namespace", false},
    {"", "v1", "nodes", "Node", false},
    {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true},
    {"", "v1", "persistentvolumes", "PersistentVolume", false},
    {"", "v1", "pods", "Pod", true},
    {"", "v1", "podtemplates", "PodTemplate", true},
    {"", "v1", "replicationcontrollers", "ReplicationController", true},
    {"", "v1", "resourcequotas", "ResourceQuota", true},
    {"", "v1", "secrets", "Secret", true},
    {"", "v1", "serviceaccounts", "ServiceAccount", true},
    {"", "v1", "services", "Service", true},
    {"admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", false},
    {"admissionregistration.k8s.io", "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", false},
    {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false},
    {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", false},
    {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", false},
    {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false},
    {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false},
    {"apiregistration.k8s.io", "v1", "apiservices", "APIService", false},
    {"apps", "v1", "controllerrevisions", "ControllerRevision", true},
    {"apps", "v1", "daemonsets", "DaemonSet", true},
    {"apps", "v1", "deployments", "Deployment", true},
    {"apps", "v1", "replicasets", "ReplicaSet", true},
    {"apps", "v1", "statefulsets", "StatefulSet", true},
    {"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false},
    {"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false},
    {"authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", true},
    {"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
    {"authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false},
    {"authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false},
    {"autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true},
    {"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true},
    {"batch", "v1", "cronjobs", "CronJob", true},
    {"batch", "v1", "jobs", "Job", true},
    {"certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", false},
    {"coordination.k8s.io", "v1", "leases", "Lease", true},
    {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true},
    {"events.k8s.io", "v1", "events", "Event", true},
    {"flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", false},
    {"flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", false},
    {"metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false},
    {"metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true},
    {"networking.k8s.io", "v1", "ingressclasses", "IngressClass", false},
    {"networking.k8s.io", "v1", "ingresses", "Ingress", true},
    {"networking.k8s.io", "v1", "ipaddresses", "IPAddress", false},
    {"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true},
    {"networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", false},
    {"node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", false},
    {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true},
    {"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false},
    {"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false},
    {"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true},
    {"rbac.authorization.k8s.io", "v1", "roles", "Role", true},
    {"resource.k8s.io", "v1", "deviceclasses", "DeviceClass", false},
    {"resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", true},
    {"resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate", true},
    {"resource.k8s.io", "v1", "resourceslices", "ResourceSlice", false},
    {"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false},
    {"storage.k8s.io", "v1", "csidrivers", "CSIDriver", false},
    {"storage.k8s.io", "v1", "csinodes", "CSINode", false},
    {"storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", true},
    {"storage.k8s.io", "v1", "storageclasses", "StorageClass", false},
    {"storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", false},
    {"storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass", false},
};

using Table = std::unordered_map<const api::Type*, Resource>;

Table make_table() {
  Table table;
  for (const Row& row : rows) {
    const api::KindInfo* kind = api::find_kind(row.group, row.version, row.kind);
    if (kind == nullptr) continue;  // a group that the schema does not have
    table.emplace(kind->type,
                  Resource{std::string(row.group), std::string(row.version), std::string(row.name), std::string(row.kind), row.namespaced});
  }
  return table;
}

const Table& table() {
  static const Table made = make_table();
  return made;
}

}  // namespace

std::string Resource::path(std::string_view namespace_name, std::string_view object_name, std::string_view subresource) const {
  std::string out = group.empty() ? "/api/" : "/apis/" + group + "/";
  out += version;
  if (namespaced && !namespace_name.empty()) out.append("/namespaces/").append(net::percent_encode(namespace_name));
  out.append("/").append(name);
  if (!object_name.empty()) out.append("/").append(net::percent_encode(object_name));
  if (!subresource.empty()) out.append("/").append(subresource);
  return out;
}

std::string Resource::group_resource() const { return group.empty() ? name : name + "." + group; }

std::string Resource::api_version() const { return group.empty() ? version : group + "/" + version; }

const Resource& resource_of(const api::Type& type) {
  const auto found = table().find(&type);
  CHECK(found != table().end(), "the type is no served kind");
  return found->second;
}

std::vector<const Resource*> builtin_resources() {
  std::vector<const Resource*> out;
  for (const Row& row : rows) {
    if (const api::KindInfo* kind = api::find_kind(row.group, row.version, row.kind)) out.push_back(&table().at(kind->type));
  }
  return out;
}

}  // namespace pintle::client

// The served resources, a row each, in the order in which discovery shows them.
#include "apimachinery/discovery/served_table.h"

namespace pintle::apimachinery {
namespace {

constexpr bool Namespaced = true;
constexpr bool Cluster = false;
constexpr Verbs proxy_verbs = verb::create | verb::delete_ | verb::get | verb::patch | verb::update;

// Subresources: {name, kind of the body, verbs[, the group and version of that kind]}.
constexpr ServedSubresource namespaces_parts[] = {
    {"finalize", "Namespace", verb::update},
    {"status", "Namespace", status_verbs},
};
constexpr ServedSubresource nodes_parts[] = {
    {"proxy", "NodeProxyOptions", proxy_verbs},
    {"status", "Node", status_verbs},
};
constexpr ServedSubresource persistentvolumeclaims_parts[] = {{"status", "PersistentVolumeClaim", status_verbs}};
constexpr ServedSubresource persistentvolumes_parts[] = {{"status", "PersistentVolume", status_verbs}};
constexpr ServedSubresource pods_parts[] = {
    {"attach", "PodAttachOptions", verb::create | verb::get},
    {"binding", "Binding", verb::create},
    {"ephemeralcontainers", "Pod", status_verbs},
    {"eviction", "Eviction", verb::create, "policy", "v1"},
    {"exec", "PodExecOptions", verb::create | verb::get},
    {"log", "Pod", verb::get},
    {"portforward", "PodPortForwardOptions", verb::create | verb::get},
    {"proxy", "PodProxyOptions", proxy_verbs},
    {"resize", "Pod", status_verbs},
    {"status", "Pod", status_verbs},
};
constexpr ServedSubresource replicationcontrollers_parts[] = {
    {"scale", "Scale", status_verbs, "autoscaling", "v1"},
    {"status", "ReplicationController", status_verbs},
};
constexpr ServedSubresource resourcequotas_parts[] = {{"status", "ResourceQuota", status_verbs}};
constexpr ServedSubresource serviceaccounts_parts[] = {{"token", "TokenRequest", verb::create, "authentication.k8s.io", "v1"}};
constexpr ServedSubresource services_parts[] = {
    {"proxy", "ServiceProxyOptions", proxy_verbs},
    {"status", "Service", status_verbs},
};
constexpr ServedSubresource apiregistration_apiservices_parts[] = {{"status", "APIService", status_verbs}};
constexpr ServedSubresource apps_daemonsets_parts[] = {{"status", "DaemonSet", status_verbs}};
constexpr ServedSubresource apps_deployments_parts[] = {
    {"scale", "Scale", status_verbs, "autoscaling", "v1"},
    {"status", "Deployment", status_verbs},
};
constexpr ServedSubresource apps_replicasets_parts[] = {
    {"scale", "Scale", status_verbs, "autoscaling", "v1"},
    {"status", "ReplicaSet", status_verbs},
};
constexpr ServedSubresource apps_statefulsets_parts[] = {
    {"scale", "Scale", status_verbs, "autoscaling", "v1"},
    {"status", "StatefulSet", status_verbs},
};
constexpr ServedSubresource autoscaling_v2_horizontalpodautoscalers_parts[] = {{"status", "HorizontalPodAutoscaler", status_verbs}};
constexpr ServedSubresource autoscaling_v1_horizontalpodautoscalers_parts[] = {{"status", "HorizontalPodAutoscaler", status_verbs}};
constexpr ServedSubresource batch_cronjobs_parts[] = {{"status", "CronJob", status_verbs}};
constexpr ServedSubresource batch_jobs_parts[] = {{"status", "Job", status_verbs}};
constexpr ServedSubresource certificates_certificatesigningrequests_parts[] = {
    {"approval", "CertificateSigningRequest", status_verbs},
    {"status", "CertificateSigningRequest", status_verbs},
};
constexpr ServedSubresource networking_ingresses_parts[] = {{"status", "Ingress", status_verbs}};
constexpr ServedSubresource networking_servicecidrs_parts[] = {{"status", "ServiceCIDR", status_verbs}};
constexpr ServedSubresource policy_poddisruptionbudgets_parts[] = {{"status", "PodDisruptionBudget", status_verbs}};
constexpr ServedSubresource storage_volumeattachments_parts[] = {{"status", "VolumeAttachment", status_verbs}};
constexpr ServedSubresource admissionregistration_validatingadmissionpolicies_parts[] = {{"status", "ValidatingAdmissionPolicy", status_verbs}};
constexpr ServedSubresource apiextensions_customresourcedefinitions_parts[] = {{"status", "CustomResourceDefinition", status_verbs}};
constexpr ServedSubresource resource_resourceclaims_parts[] = {{"status", "ResourceClaim", status_verbs}};
constexpr ServedSubresource flowcontrol_flowschemas_parts[] = {{"status", "FlowSchema", status_verbs}};
constexpr ServedSubresource flowcontrol_prioritylevelconfigurations_parts[] = {{"status", "PriorityLevelConfiguration", status_verbs}};

// {group, version, plural, singular, kind, scope, verbs, storage version hash, short names, categories, subresources}
constexpr ServedRow rows[] = {
    // v1
    {"", "v1", "bindings", "binding", "Binding", Namespaced, verb::create, "", {}, {}, {}},
    {"", "v1", "componentstatuses", "componentstatus", "ComponentStatus", Cluster, verb::get | verb::list, "", {"cs"}, {}, {}},
    {"", "v1", "configmaps", "configmap", "ConfigMap", Namespaced, all_verbs, "qFsyl6wFWjQ=", {"cm"}, {}, {}},
    {"", "v1", "endpoints", "endpoints", "Endpoints", Namespaced, all_verbs, "fWeeMqaN/OA=", {"ep"}, {}, {}},
    {"", "v1", "events", "event", "Event", Namespaced, all_verbs, "r2yiGXH7wu8=", {"ev"}, {}, {}},
    {"", "v1", "limitranges", "limitrange", "LimitRange", Namespaced, all_verbs, "EBKMFVe6cwo=", {"limits"}, {}, {}},
    {"", "v1", "namespaces", "namespace", "Namespace", Cluster, all_verbs ^ verb::deletecollection, "Q3oi5N2YM8M=", {"ns"}, {}, namespaces_parts},
    {"", "v1", "nodes", "node", "Node", Cluster, all_verbs, "XwShjMxG9Fs=", {"no"}, {}, nodes_parts},
    {"",
     "v1",
     "persistentvolumeclaims",
     "persistentvolumeclaim",
     "PersistentVolumeClaim",
     Namespaced,
     all_verbs,
     "QWTyNDq0dC4=",
     {"pvc"},
     {},
     persistentvolumeclaims_parts},
    {"", "v1", "persistentvolumes", "persistentvolume", "PersistentVolume", Cluster, all_verbs, "HN/zwEC+JgM=", {"pv"}, {}, persistentvolumes_parts},
    {"", "v1", "pods", "pod", "Pod", Namespaced, all_verbs, "xPOwRZ+Yhw8=", {"po"}, {"all"}, pods_parts},
    {"", "v1", "podtemplates", "podtemplate", "PodTemplate", Namespaced, all_verbs, "LIXB2x4IFpk=", {}, {}, {}},
    {"",
     "v1",
     "replicationcontrollers",
     "replicationcontroller",
     "ReplicationController",
     Namespaced,
     all_verbs,
     "Jond2If31h0=",
     {"rc"},
     {"all"},
     replicationcontrollers_parts},
    {"", "v1", "resourcequotas", "resourcequota", "ResourceQuota", Namespaced, all_verbs, "8uhSgffRX6w=", {"quota"}, {}, resourcequotas_parts},
    {"", "v1", "secrets", "secret", "Secret", Namespaced, all_verbs, "S6u1pOWzb84=", {}, {}, {}},
    {"", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", Namespaced, all_verbs, "pbx9ZvyFpBE=", {"sa"}, {}, serviceaccounts_parts},
    {"", "v1", "services", "service", "Service", Namespaced, all_verbs, "0/CO1lhkEBI=", {"svc"}, {"all"}, services_parts},

    // apiregistration.k8s.io/v1
    {"apiregistration.k8s.io",
     "v1",
     "apiservices",
     "apiservice",
     "APIService",
     Cluster,
     all_verbs,
     "InPBPD7+PqM=",
     {},
     {"api-extensions"},
     apiregistration_apiservices_parts},

    // apps/v1
    {"apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision", Namespaced, all_verbs, "85nkx63pcBU=", {}, {}, {}},
    {"apps", "v1", "daemonsets", "daemonset", "DaemonSet", Namespaced, all_verbs, "dd7pWHUlMKQ=", {"ds"}, {"all"}, apps_daemonsets_parts},
    {"apps", "v1", "deployments", "deployment", "Deployment", Namespaced, all_verbs, "8aSe+NMegvE=", {"deploy"}, {"all"}, apps_deployments_parts},
    {"apps", "v1", "replicasets", "replicaset", "ReplicaSet", Namespaced, all_verbs, "P1RzHs8/mWQ=", {"rs"}, {"all"}, apps_replicasets_parts},
    {"apps", "v1", "statefulsets", "statefulset", "StatefulSet", Namespaced, all_verbs, "H+vl74LkKdo=", {"sts"}, {"all"}, apps_statefulsets_parts},

    // events.k8s.io/v1
    {"events.k8s.io", "v1", "events", "event", "Event", Namespaced, all_verbs, "r2yiGXH7wu8=", {"ev"}, {}, {}},

    // authentication.k8s.io/v1
    {"authentication.k8s.io", "v1", "selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview", Cluster, verb::create, "", {}, {}, {}},
    {"authentication.k8s.io", "v1", "tokenreviews", "tokenreview", "TokenReview", Cluster, verb::create, "", {}, {}, {}},

    // authorization.k8s.io/v1
    {"authorization.k8s.io",
     "v1",
     "localsubjectaccessreviews",
     "localsubjectaccessreview",
     "LocalSubjectAccessReview",
     Namespaced,
     verb::create,
     "",
     {},
     {},
     {}},
    {"authorization.k8s.io",
     "v1",
     "selfsubjectaccessreviews",
     "selfsubjectaccessreview",
     "SelfSubjectAccessReview",
     Cluster,
     verb::create,
     "",
     {},
     {},
     {}},
    {"authorization.k8s.io",
     "v1",
     "selfsubjectrulesreviews",
     "selfsubjectrulesreview",
     "SelfSubjectRulesReview",
     Cluster,
     verb::create,
     "",
     {},
     {},
     {}},
    {"authorization.k8s.io", "v1", "subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview", Cluster, verb::create, "", {}, {}, {}},

    // autoscaling/v2
    {"autoscaling",
     "v2",
     "horizontalpodautoscalers",
     "horizontalpodautoscaler",
     "HorizontalPodAutoscaler",
     Namespaced,
     all_verbs,
     "qwQve8ut294=",
     {"hpa"},
     {"all"},
     autoscaling_v2_horizontalpodautoscalers_parts},

    // autoscaling/v1
    {"autoscaling",
     "v1",
     "horizontalpodautoscalers",
     "horizontalpodautoscaler",
     "HorizontalPodAutoscaler",
     Namespaced,
     all_verbs,
     "qwQve8ut294=",
     {"hpa"},
     {"all"},
     autoscaling_v1_horizontalpodautoscalers_parts},

    // batch/v1
    {"batch", "v1", "cronjobs", "cronjob", "CronJob", Namespaced, all_verbs, "sd5LIXh4Fjs=", {"cj"}, {"all"}, batch_cronjobs_parts},
    {"batch", "v1", "jobs", "job", "Job", Namespaced, all_verbs, "mudhfqk/qZY=", {}, {"all"}, batch_jobs_parts},

    // certificates.k8s.io/v1
    {"certificates.k8s.io",
     "v1",
     "certificatesigningrequests",
     "certificatesigningrequest",
     "CertificateSigningRequest",
     Cluster,
     all_verbs,
     "95fRKMXA+00=",
     {"csr"},
     {},
     certificates_certificatesigningrequests_parts},

    // networking.k8s.io/v1
    {"networking.k8s.io", "v1", "ingressclasses", "ingressclass", "IngressClass", Cluster, all_verbs, "l/iqIbDgFyQ=", {}, {}, {}},
    {"networking.k8s.io", "v1", "ingresses", "ingress", "Ingress", Namespaced, all_verbs, "39NQlfNR+bo=", {"ing"}, {}, networking_ingresses_parts},
    {"networking.k8s.io", "v1", "ipaddresses", "ipaddress", "IPAddress", Cluster, all_verbs, "3f/plJFChNE=", {"ip"}, {}, {}},
    {"networking.k8s.io", "v1", "networkpolicies", "networkpolicy", "NetworkPolicy", Namespaced, all_verbs, "YpfwF18m1G8=", {"netpol"}, {}, {}},
    {"networking.k8s.io",
     "v1",
     "servicecidrs",
     "servicecidr",
     "ServiceCIDR",
     Cluster,
     all_verbs,
     "gNLvruQhW2g=",
     {},
     {},
     networking_servicecidrs_parts},

    // policy/v1
    {"policy",
     "v1",
     "poddisruptionbudgets",
     "poddisruptionbudget",
     "PodDisruptionBudget",
     Namespaced,
     all_verbs,
     "EVWiDmWqyJw=",
     {"pdb"},
     {},
     policy_poddisruptionbudgets_parts},

    // rbac.authorization.k8s.io/v1
    {"rbac.authorization.k8s.io",
     "v1",
     "clusterrolebindings",
     "clusterrolebinding",
     "ClusterRoleBinding",
     Cluster,
     all_verbs,
     "48tpQ8gZHFc=",
     {},
     {},
     {}},
    {"rbac.authorization.k8s.io", "v1", "clusterroles", "clusterrole", "ClusterRole", Cluster, all_verbs, "bYE5ZWDrJ44=", {}, {}, {}},
    {"rbac.authorization.k8s.io", "v1", "rolebindings", "rolebinding", "RoleBinding", Namespaced, all_verbs, "eGsCzGH6b1g=", {}, {}, {}},
    {"rbac.authorization.k8s.io", "v1", "roles", "role", "Role", Namespaced, all_verbs, "7FuwZcIIItM=", {}, {}, {}},

    // storage.k8s.io/v1
    {"storage.k8s.io", "v1", "csidrivers", "csidriver", "CSIDriver", Cluster, all_verbs, "hL6j/rwBV5w=", {}, {}, {}},
    {"storage.k8s.io", "v1", "csinodes", "csinode", "CSINode", Cluster, all_verbs, "Pe62DkZtjuo=", {}, {}, {}},
    {"storage.k8s.io", "v1", "csistoragecapacities", "csistoragecapacity", "CSIStorageCapacity", Namespaced, all_verbs, "xeVl+2Ly1kE=", {}, {}, {}},
    {"storage.k8s.io", "v1", "storageclasses", "storageclass", "StorageClass", Cluster, all_verbs, "K+m6uJwbjGY=", {"sc"}, {}, {}},
    {"storage.k8s.io",
     "v1",
     "volumeattachments",
     "volumeattachment",
     "VolumeAttachment",
     Cluster,
     all_verbs,
     "tJx/ezt6UDU=",
     {},
     {},
     storage_volumeattachments_parts},
    {"storage.k8s.io",
     "v1",
     "volumeattributesclasses",
     "volumeattributesclass",
     "VolumeAttributesClass",
     Cluster,
     all_verbs,
     "tIjydgKBC5w=",
     {"vac"},
     {},
     {}},

    // admissionregistration.k8s.io/v1
    {"admissionregistration.k8s.io",
     "v1",
     "mutatingadmissionpolicies",
     "mutatingadmissionpolicy",
     "MutatingAdmissionPolicy",
     Cluster,
     all_verbs,
     "LYmCf+UMVdg=",
     {},
     {"api-extensions"},
     {}},
    {"admissionregistration.k8s.io",
     "v1",
     "mutatingadmissionpolicybindings",
     "mutatingadmissionpolicybinding",
     "MutatingAdmissionPolicyBinding",
     Cluster,
     all_verbs,
     "90V5FRZZ3Zg=",
     {},
     {"api-extensions"},
     {}},
    {"admissionregistration.k8s.io",
     "v1",
     "mutatingwebhookconfigurations",
     "mutatingwebhookconfiguration",
     "MutatingWebhookConfiguration",
     Cluster,
     all_verbs,
     "Sqi0GUgDaX0=",
     {},
     {"api-extensions"},
     {}},
    {"admissionregistration.k8s.io",
     "v1",
     "validatingadmissionpolicies",
     "validatingadmissionpolicy",
     "ValidatingAdmissionPolicy",
     Cluster,
     all_verbs,
     "6OxvlMmQ6is=",
     {},
     {"api-extensions"},
     admissionregistration_validatingadmissionpolicies_parts},
    {"admissionregistration.k8s.io",
     "v1",
     "validatingadmissionpolicybindings",
     "validatingadmissionpolicybinding",
     "ValidatingAdmissionPolicyBinding",
     Cluster,
     all_verbs,
     "v9715VZqakg=",
     {},
     {"api-extensions"},
     {}},
    {"admissionregistration.k8s.io",
     "v1",
     "validatingwebhookconfigurations",
     "validatingwebhookconfiguration",
     "ValidatingWebhookConfiguration",
     Cluster,
     all_verbs,
     "B0wHjQmsGNk=",
     {},
     {"api-extensions"},
     {}},

    // apiextensions.k8s.io/v1
    {"apiextensions.k8s.io",
     "v1",
     "customresourcedefinitions",
     "customresourcedefinition",
     "CustomResourceDefinition",
     Cluster,
     all_verbs,
     "jfWCUB31mvA=",
     {"crd", "crds"},
     {"api-extensions"},
     apiextensions_customresourcedefinitions_parts},

    // scheduling.k8s.io/v1
    {"scheduling.k8s.io", "v1", "priorityclasses", "priorityclass", "PriorityClass", Cluster, all_verbs, "1QwjyaZjj3Y=", {"pc"}, {}, {}},

    // coordination.k8s.io/v1
    {"coordination.k8s.io", "v1", "leases", "lease", "Lease", Namespaced, all_verbs, "gqkMMb/YqFM=", {}, {}, {}},

    // node.k8s.io/v1
    {"node.k8s.io", "v1", "runtimeclasses", "runtimeclass", "RuntimeClass", Cluster, all_verbs, "WQTu1GL3T2Q=", {}, {}, {}},

    // discovery.k8s.io/v1
    {"discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice", Namespaced, all_verbs, "qgS0xkrxYAI=", {}, {}, {}},

    // resource.k8s.io/v1
    {"resource.k8s.io", "v1", "deviceclasses", "deviceclass", "DeviceClass", Cluster, all_verbs, "Yk2PTc1Ybxk=", {}, {}, {}},
    {"resource.k8s.io",
     "v1",
     "resourceclaims",
     "resourceclaim",
     "ResourceClaim",
     Namespaced,
     all_verbs,
     "wgAZaHcZxUg=",
     {},
     {},
     resource_resourceclaims_parts},
    {"resource.k8s.io",
     "v1",
     "resourceclaimtemplates",
     "resourceclaimtemplate",
     "ResourceClaimTemplate",
     Namespaced,
     all_verbs,
     "TuzjC49aUfM=",
     {},
     {},
     {}},
    {"resource.k8s.io", "v1", "resourceslices", "resourceslice", "ResourceSlice", Cluster, all_verbs, "KsC072WgaEY=", {}, {}, {}},

    // flowcontrol.apiserver.k8s.io/v1
    {"flowcontrol.apiserver.k8s.io",
     "v1",
     "flowschemas",
     "flowschema",
     "FlowSchema",
     Cluster,
     all_verbs,
     "GJVAJZSZBIw=",
     {},
     {},
     flowcontrol_flowschemas_parts},
    {"flowcontrol.apiserver.k8s.io",
     "v1",
     "prioritylevelconfigurations",
     "prioritylevelconfiguration",
     "PriorityLevelConfiguration",
     Cluster,
     all_verbs,
     "Kir5PVfvNeI=",
     {},
     {},
     flowcontrol_prioritylevelconfigurations_parts},
};

// By group; without singular names, as their server tells of them.
constexpr ServedRow add_ons[] = {
    // metrics.k8s.io/v1beta1
    {"metrics.k8s.io", "v1beta1", "nodes", "", "NodeMetrics", Cluster, verb::get | verb::list, "", {}, {}, {}},
    {"metrics.k8s.io", "v1beta1", "pods", "", "PodMetrics", Namespaced, verb::get | verb::list, "", {}, {}, {}},
};

}  // namespace

std::span<const ServedRow> served_rows() { return rows; }
std::span<const ServedRow> add_on_rows() { return add_ons; }

}  // namespace pintle::apimachinery

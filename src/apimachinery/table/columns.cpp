#include "apimachinery/table/columns.h"

namespace pintle::apimachinery {
namespace {

// Shorthands for the rows below: the name column, -o wide columns, numbers, flags.
constexpr TableColumn name_column = {"Name", "string", "name", 0};
constexpr TableColumn age = {"Age"};
constexpr TableColumn wide(std::string_view name) { return {name, "string", "", 1}; }
constexpr TableColumn number(std::string_view name) { return {name, "integer", "", 0}; }
constexpr TableColumn flag(std::string_view name) { return {name, "boolean", "", 0}; }
constexpr TableColumn date(std::string_view name) { return {name, "date", "", 0}; }
constexpr TableColumn text(std::string_view name) { return {name, "string", "", 0}; }

constexpr TableColumn componentstatuses[] = {name_column, text("Status"), text("Message"), text("Error")};
constexpr TableColumn configmaps[] = {name_column, text("Data"), age};
constexpr TableColumn endpoints[] = {name_column, text("Endpoints"), age};
constexpr TableColumn events[] = {text("Last Seen"), text("Type"),    text("Reason"),     text("Object"), wide("Subobject"),
                                  wide("Source"),    text("Message"), wide("First Seen"), wide("Count"),  {"Name", "string", "name", 1}};
constexpr TableColumn limitranges[] = {name_column, date("Created At")};
constexpr TableColumn namespaces[] = {name_column, text("Status"), age};
constexpr TableColumn nodes[] = {name_column,
                                 text("Status"),
                                 text("Roles"),
                                 age,
                                 text("Version"),
                                 wide("Internal-IP"),
                                 wide("External-IP"),
                                 wide("OS-Image"),
                                 wide("Kernel-Version"),
                                 wide("Container-Runtime")};
constexpr TableColumn persistentvolumeclaims[] = {
    name_column, text("Status"),    text("Volume"), text("Capacity"), text("Access Modes"), text("StorageClass"), text("VolumeAttributesClass"),
    age,         wide("VolumeMode")};
constexpr TableColumn persistentvolumes[] = {
    name_column,       text("Capacity"),     text("Access Modes"),          text("Reclaim Policy"), text("Status"),
    text("Claim"),     text("StorageClass"), text("VolumeAttributesClass"), text("Reason"),         age,
    wide("VolumeMode")};
constexpr TableColumn pods[] = {name_column, text("Ready"), text("Status"),         text("Restarts"),       age,
                                wide("IP"),  wide("Node"),  wide("Nominated Node"), wide("Readiness Gates")};
constexpr TableColumn podtemplates[] = {name_column, text("Containers"), text("Images"), text("Pod Labels")};
constexpr TableColumn replicationcontrollers[] = {name_column, number("Desired"),  number("Current"), number("Ready"),
                                                  age,         wide("Containers"), wide("Images"),    wide("Selector")};
constexpr TableColumn resourcequotas[] = {name_column, text("Request"), text("Limit"), age};
constexpr TableColumn secrets[] = {name_column, text("Type"), text("Data"), age};
constexpr TableColumn serviceaccounts[] = {name_column, age};
constexpr TableColumn services[] = {name_column, text("Type"), text("Cluster-IP"), text("External-IP"), text("Port(s)"), age, wide("Selector")};
constexpr TableColumn apiregistration_apiservices[] = {name_column, text("Service"), text("Available"), age};
constexpr TableColumn apps_controllerrevisions[] = {name_column, text("Controller"), text("Revision"), age};
constexpr TableColumn apps_daemonsets[] = {name_column,          number("Desired"),   number("Current"),     number("Ready"),
                                           number("Up-to-date"), number("Available"), text("Node Selector"), age,
                                           wide("Containers"),   wide("Images"),      wide("Selector")};
constexpr TableColumn apps_deployments[] = {name_column, text("Ready"),      text("Up-to-date"), text("Available"),
                                            age,         wide("Containers"), wide("Images"),     wide("Selector")};
constexpr TableColumn apps_replicasets[] = {name_column, number("Desired"),  number("Current"), number("Ready"),
                                            age,         wide("Containers"), wide("Images"),    wide("Selector")};
constexpr TableColumn apps_statefulsets[] = {name_column, text("Ready"), age, wide("Containers"), wide("Images")};
constexpr TableColumn events_events[] = {text("Last Seen"), text("Type"),    text("Reason"),     text("Object"), wide("Subobject"),
                                         wide("Source"),    text("Message"), wide("First Seen"), wide("Count"),  {"Name", "string", "name", 1}};
constexpr TableColumn autoscaling_horizontalpodautoscalers[] = {
    name_column, text("Reference"), text("Targets"), text("MinPods"), text("MaxPods"), text("Replicas"), age};
constexpr TableColumn batch_cronjobs[] = {name_column, text("Schedule"),   text("Timezone"), flag("Suspend"), number("Active"), text("Last Schedule"),
                                          age,         wide("Containers"), wide("Images"),   wide("Selector")};
constexpr TableColumn batch_jobs[] = {name_column, text("Status"),     text("Completions"), text("Duration"),
                                      age,         wide("Containers"), wide("Images"),      wide("Selector")};
constexpr TableColumn certificates_certificatesigningrequests[] = {
    name_column, age, text("SignerName"), text("Requestor"), text("RequestedDuration"), text("Condition")};
constexpr TableColumn networking_ingressclasses[] = {name_column, text("Controller"), text("Parameters"), age};
constexpr TableColumn networking_ingresses[] = {name_column, text("Class"), text("Hosts"), text("Address"), text("Ports"), age};
constexpr TableColumn networking_ipaddresses[] = {name_column, text("ParentRef")};
constexpr TableColumn networking_networkpolicies[] = {name_column, text("Pod-Selector"), age};
constexpr TableColumn networking_servicecidrs[] = {name_column, text("CIDRs"), age};
constexpr TableColumn policy_poddisruptionbudgets[] = {name_column, text("Min Available"), text("Max Unavailable"), number("Allowed Disruptions"),
                                                       age};
constexpr TableColumn rbac_clusterrolebindings[] = {name_column, text("Role"), age, wide("Users"), wide("Groups"), wide("ServiceAccounts")};
constexpr TableColumn rbac_clusterroles[] = {name_column, date("Created At")};
constexpr TableColumn rbac_rolebindings[] = {name_column, text("Role"), age, wide("Users"), wide("Groups"), wide("ServiceAccounts")};
constexpr TableColumn rbac_roles[] = {name_column, date("Created At")};
constexpr TableColumn storage_csidrivers[] = {name_column,           flag("AttachRequired"),    flag("PodInfoOnMount"), flag("StorageCapacity"),
                                              text("TokenRequests"), flag("RequiresRepublish"), text("Modes"),          age};
constexpr TableColumn storage_csinodes[] = {name_column, number("Drivers"), age};
constexpr TableColumn storage_csistoragecapacities[] = {name_column, date("Created At")};
constexpr TableColumn storage_storageclasses[] = {
    name_column, text("Provisioner"), text("ReclaimPolicy"), text("VolumeBindingMode"), text("AllowVolumeExpansion"), age};
constexpr TableColumn storage_volumeattachments[] = {name_column, {"Attacher", "string", "name", 0}, text("PV"), text("Node"), flag("Attached"), age};
constexpr TableColumn storage_volumeattributesclasses[] = {name_column, text("DriverName"), age};
constexpr TableColumn admissionregistration_mutatingadmissionpolicies[] = {name_column, number("Mutations"), text("ParamKind"), age};
constexpr TableColumn admissionregistration_mutatingadmissionpolicybindings[] = {name_column, text("PolicyName"), text("ParamRef"), age};
constexpr TableColumn admissionregistration_mutatingwebhookconfigurations[] = {name_column, number("Webhooks"), age};
constexpr TableColumn admissionregistration_validatingadmissionpolicies[] = {name_column, number("Validations"), text("ParamKind"), age};
constexpr TableColumn admissionregistration_validatingadmissionpolicybindings[] = {name_column, text("PolicyName"), text("ParamRef"), age};
constexpr TableColumn admissionregistration_validatingwebhookconfigurations[] = {name_column, number("Webhooks"), age};
constexpr TableColumn apiextensions_customresourcedefinitions[] = {name_column, date("Created At")};
constexpr TableColumn scheduling_priorityclasses[] = {name_column, number("Value"), flag("Global-Default"), age, text("PreemptionPolicy")};
constexpr TableColumn coordination_leases[] = {name_column, text("Holder"), age};
constexpr TableColumn node_runtimeclasses[] = {name_column, text("Handler"), age};
constexpr TableColumn discovery_endpointslices[] = {name_column, text("AddressType"), text("Ports"), text("Endpoints"), age};
constexpr TableColumn resource_deviceclasses[] = {name_column, age};
constexpr TableColumn resource_resourceclaims[] = {name_column, text("State"), age};
constexpr TableColumn resource_resourceclaimtemplates[] = {name_column, age};
constexpr TableColumn resource_resourceslices[] = {name_column, text("Node"), text("Driver"), text("Pool"), age};
constexpr TableColumn flowcontrol_flowschemas[] = {name_column, text("PriorityLevel"), text("MatchingPrecedence"), text("DistinguisherMethod"),
                                                   age,         text("MissingPL")};
constexpr TableColumn flowcontrol_prioritylevelconfigurations[] = {
    name_column, text("Type"), text("NominalConcurrencyShares"), text("Queues"), text("HandSize"), text("QueueLengthLimit"), age};
constexpr TableColumn metrics_usage[] = {
    name_column, {"cpu", "string", "quantity"}, {"memory", "string", "quantity"}, {"swap", "string", "quantity"}, {"Window", "string", "duration"}};

struct Row {
  std::string_view group;
  std::string_view resource;
  std::span<const TableColumn> columns;
};
constexpr Row rows[] = {
    {"", "componentstatuses", componentstatuses},
    {"", "configmaps", configmaps},
    {"", "endpoints", endpoints},
    {"", "events", events},
    {"", "limitranges", limitranges},
    {"", "namespaces", namespaces},
    {"", "nodes", nodes},
    {"", "persistentvolumeclaims", persistentvolumeclaims},
    {"", "persistentvolumes", persistentvolumes},
    {"", "pods", pods},
    {"", "podtemplates", podtemplates},
    {"", "replicationcontrollers", replicationcontrollers},
    {"", "resourcequotas", resourcequotas},
    {"", "secrets", secrets},
    {"", "serviceaccounts", serviceaccounts},
    {"", "services", services},
    {"apiregistration.k8s.io", "apiservices", apiregistration_apiservices},
    {"apps", "controllerrevisions", apps_controllerrevisions},
    {"apps", "daemonsets", apps_daemonsets},
    {"apps", "deployments", apps_deployments},
    {"apps", "replicasets", apps_replicasets},
    {"apps", "statefulsets", apps_statefulsets},
    {"events.k8s.io", "events", events_events},
    {"autoscaling", "horizontalpodautoscalers", autoscaling_horizontalpodautoscalers},
    {"batch", "cronjobs", batch_cronjobs},
    {"batch", "jobs", batch_jobs},
    {"certificates.k8s.io", "certificatesigningrequests", certificates_certificatesigningrequests},
    {"networking.k8s.io", "ingressclasses", networking_ingressclasses},
    {"networking.k8s.io", "ingresses", networking_ingresses},
    {"networking.k8s.io", "ipaddresses", networking_ipaddresses},
    {"networking.k8s.io", "networkpolicies", networking_networkpolicies},
    {"networking.k8s.io", "servicecidrs", networking_servicecidrs},
    {"policy", "poddisruptionbudgets", policy_poddisruptionbudgets},
    {"rbac.authorization.k8s.io", "clusterrolebindings", rbac_clusterrolebindings},
    {"rbac.authorization.k8s.io", "clusterroles", rbac_clusterroles},
    {"rbac.authorization.k8s.io", "rolebindings", rbac_rolebindings},
    {"rbac.authorization.k8s.io", "roles", rbac_roles},
    {"storage.k8s.io", "csidrivers", storage_csidrivers},
    {"storage.k8s.io", "csinodes", storage_csinodes},
    {"storage.k8s.io", "csistoragecapacities", storage_csistoragecapacities},
    {"storage.k8s.io", "storageclasses", storage_storageclasses},
    {"storage.k8s.io", "volumeattachments", storage_volumeattachments},
    {"storage.k8s.io", "volumeattributesclasses", storage_volumeattributesclasses},
    {"admissionregistration.k8s.io", "mutatingadmissionpolicies", admissionregistration_mutatingadmissionpolicies},
    {"admissionregistration.k8s.io", "mutatingadmissionpolicybindings", admissionregistration_mutatingadmissionpolicybindings},
    {"admissionregistration.k8s.io", "mutatingwebhookconfigurations", admissionregistration_mutatingwebhookconfigurations},
    {"admissionregistration.k8s.io", "validatingadmissionpolicies", admissionregistration_validatingadmissionpolicies},
    {"admissionregistration.k8s.io", "validatingadmissionpolicybindings", admissionregistration_validatingadmissionpolicybindings},
    {"admissionregistration.k8s.io", "validatingwebhookconfigurations", admissionregistration_validatingwebhookconfigurations},
    {"apiextensions.k8s.io", "customresourcedefinitions", apiextensions_customresourcedefinitions},
    {"scheduling.k8s.io", "priorityclasses", scheduling_priorityclasses},
    {"coordination.k8s.io", "leases", coordination_leases},
    {"node.k8s.io", "runtimeclasses", node_runtimeclasses},
    {"discovery.k8s.io", "endpointslices", discovery_endpointslices},
    {"resource.k8s.io", "deviceclasses", resource_deviceclasses},
    {"resource.k8s.io", "resourceclaims", resource_resourceclaims},
    {"resource.k8s.io", "resourceclaimtemplates", resource_resourceclaimtemplates},
    {"resource.k8s.io", "resourceslices", resource_resourceslices},
    {"flowcontrol.apiserver.k8s.io", "flowschemas", flowcontrol_flowschemas},
    {"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", flowcontrol_prioritylevelconfigurations},
    {"metrics.k8s.io", "nodes", metrics_usage},
    {"metrics.k8s.io", "pods", metrics_usage},
};

constexpr TableColumn plain_columns[] = {name_column, date("Created At")};

}  // namespace

std::span<const TableColumn> table_columns(std::string_view group, std::string_view resource) {
  for (const Row& row : rows)
    if (row.group == group && row.resource == resource) return row.columns;
  return plain_columns;
}

std::span<const TableColumn> default_table_columns() { return plain_columns; }

}  // namespace pintle::apimachinery

// One factory a plugin, defined in the plugin's folder; plugins.cpp has the table of them.
#pragma once

#include <memory>

#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission {

// Nothing is made in a namespace that does not exist or is on its way out, and the namespaces that the cluster itself lives in stay.
std::unique_ptr<AdmissionPlugin> make_namespace_lifecycle(const AdmissionDeps& deps);
// The defaults and bounds that the LimitRanges of a namespace set on pods and claims.
std::unique_ptr<AdmissionPlugin> make_limit_ranger(const AdmissionDeps& deps);
// Every pod runs as an account that exists, and finds that account's token, the cluster's CA and its own namespace below
// /var/run/secrets/kubernetes.io/serviceaccount.
std::unique_ptr<AdmissionPlugin> make_service_account(const AdmissionDeps& deps);
// A kubelet changes its own node and its own pods, in what is its business.
std::unique_ptr<AdmissionPlugin> make_node_restriction(const AdmissionDeps& deps);
// A new node is not ready until the node controller says so.
std::unique_ptr<AdmissionPlugin> make_taint_nodes_by_condition(const AdmissionDeps& deps);
// The pod security standards, by the labels of the namespace: enforced on pods, warned about on pods and on what makes them.
std::unique_ptr<AdmissionPlugin> make_pod_security(const AdmissionDeps& deps);
// A pod's number and preemption policy come from its priority class, and there is one default class at most.
std::unique_ptr<AdmissionPlugin> make_priority(const AdmissionDeps& deps);
// A pod stays for AdmissionDeps::tolerated on a node that is not ready or not reachable, unless it says otherwise.
std::unique_ptr<AdmissionPlugin> make_default_toleration_seconds(const AdmissionDeps& deps);
// A pod's runtime class exists, and its overhead and scheduling become the pod's.
std::unique_ptr<AdmissionPlugin> make_runtime_class(const AdmissionDeps& deps);
// An Ingress that names no class gets the default one.
std::unique_ptr<AdmissionPlugin> make_default_ingress_class(const AdmissionDeps& deps);
// A pod carries the zone and region of its node.
std::unique_ptr<AdmissionPlugin> make_pod_topology_labels(const AdmissionDeps& deps);
// What a namespace may use at most. The usage is checked and written down in one guarded update of each quota's status, so that two
// requests cannot share the last unit.
std::unique_ptr<AdmissionPlugin> make_resource_quota(const AdmissionDeps& deps);

// storage/: a claim that names no class gets the default one.
std::unique_ptr<AdmissionPlugin> make_default_storage_class(const AdmissionDeps& deps);
// Volumes and claims in use stay until they are not: a finalizer that a controller takes away.
std::unique_ptr<AdmissionPlugin> make_storage_object_in_use_protection(const AdmissionDeps& deps);
// A claim grows only if it is bound and its class allows it.
std::unique_ptr<AdmissionPlugin> make_persistent_volume_claim_resize(const AdmissionDeps& deps);

// certificates/: the verb approve on the signer.
std::unique_ptr<AdmissionPlugin> make_certificate_approval(const AdmissionDeps& deps);
// The verb sign on the signer, to set a certificate or conditions.
std::unique_ptr<AdmissionPlugin> make_certificate_signing(const AdmissionDeps& deps);
// No client certificate for system:masters through the API.
std::unique_ptr<AdmissionPlugin> make_certificate_subject_restriction(const AdmissionDeps& deps);

// pod_resize/: what a resize asks of the node that runs the pod. Linux, and enough cpu and memory.
std::unique_ptr<AdmissionPlugin> make_pod_resize_validator(const AdmissionDeps& deps);
// The node says that it can.
std::unique_ptr<AdmissionPlugin> make_node_declared_feature_validator(const AdmissionDeps& deps);

// configured/: webhooks that clients configure.
std::unique_ptr<AdmissionPlugin> make_mutating_admission_webhook(const AdmissionDeps& deps);
std::unique_ptr<AdmissionPlugin> make_validating_admission_webhook(const AdmissionDeps& deps);

// policies/: the expressions of admission policies. Those that change objects ...
std::unique_ptr<AdmissionPlugin> make_mutating_admission_policy(const AdmissionDeps& deps);
// ... and those that judge them.
std::unique_ptr<AdmissionPlugin> make_validating_admission_policy(const AdmissionDeps& deps);

// Those that follow are off by default.
// namespaces/: a create in a namespace that does not exist makes it.
std::unique_ptr<AdmissionPlugin> make_namespace_auto_provision(const AdmissionDeps& deps);
// Nothing is written in a namespace that does not exist.
std::unique_ptr<AdmissionPlugin> make_namespace_exists(const AdmissionDeps& deps);
// Pods ask for the nodes of their namespace.
std::unique_ptr<AdmissionPlugin> make_pod_node_selector(const AdmissionDeps& deps);
// Pods tolerate what their namespace says, and no more than it may.
std::unique_ptr<AdmissionPlugin> make_pod_toleration_restriction(const AdmissionDeps& deps);
// Events beyond the configured rates are refused. It needs settings and a runtime.
std::unique_ptr<AdmissionPlugin> make_event_rate_limit(const AdmissionDeps& deps);
// A server is asked whether images may be run. It needs settings and a runtime.
std::unique_ptr<AdmissionPlugin> make_image_policy_webhook(const AdmissionDeps& deps);
// Owners of objects are set by those who have a right to what it leads to.
std::unique_ptr<AdmissionPlugin> make_owner_references_permission_enforcement(const AdmissionDeps& deps);

// simple/: a few lines each.
// Pods keep others away from their node at most, not from a whole zone.
std::unique_ptr<AdmissionPlugin> make_limit_pod_hard_anti_affinity_topology(const AdmissionDeps& deps);
std::unique_ptr<AdmissionPlugin> make_always_deny(const AdmissionDeps& deps);
// Images are pulled anew for each container, so that who may run them is asked each time.
std::unique_ptr<AdmissionPlugin> make_always_pull_images(const AdmissionDeps& deps);
// Services gain no external addresses that they did not have.
std::unique_ptr<AdmissionPlugin> make_deny_service_external_ips(const AdmissionDeps& deps);
// Pods that ask for a device tolerate the taint of the same name.
std::unique_ptr<AdmissionPlugin> make_extended_resource_toleration(const AdmissionDeps& deps);

}  // namespace pintle::apiserver::admission

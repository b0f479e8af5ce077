#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "api/gen/authentication_v1.h"
#include "api/gen/certificates_v1.h"
#include "api/gen/coordination_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/policy_v1.h"
#include "api/gen/resource_v1.h"
#include "api/gen/storage_v1.h"
#include "apimachinery/validation/node_labels.h"
#include "apiserver/admission/node_restriction/token_audience.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/authorization/node/pod_references.h"
#include "component/certificate/certificate.h"
#include "rules/pod_references.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

template <class T>
bool same(const T& a, const T& b) {
  return api::equal(api::type_of<T>(), &a, &b);
}
template <class T>
bool same_list(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) { return same(x, y); });
}

// The labels that differ between the two and that a node must not touch, sorted.
std::string forbidden_label_changes(const FlatMap<std::string>& now, const FlatMap<std::string>& before) {
  std::vector<std::string> out;
  const auto compare = [&](const FlatMap<std::string>& from, const FlatMap<std::string>& to) {
    for (const auto& [key, value] : from) {
      const std::string* other = to.get(key);
      if ((!other || *other != value) && apimachinery::label_is_kept_from_nodes(key)) out.push_back(key);
    }
  };
  compare(now, before);
  compare(before, now);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return fmt::format("{}", fmt::join(out, ", "));
}

class NodeRestriction : public AdmissionPlugin {
 public:
  explicit NodeRestriction(const AdmissionDeps& deps) : reader_(deps.reader), authorizer_(deps.authorizer) {}
  std::string_view name() const override { return "NodeRestriction"; }
  bool handles(Operation operation) const override { return operation != Operation::Connect; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!a.user || !claims_to_be_node(*a.user)) return Unit{};
    const std::string node(node_name_of(*a.user));
    if (node.empty()) return Result<Unit>(refuse(a, fmt::format("could not determine node from user \"{}\"", a.user->name)));
    return judge(a, node);
  }

 private:
  Result<Unit> judge(const AdmissionAttributes& a, const std::string& node) const {
    if (is_pods(a)) {
      if (a.subresource.empty()) return pods(a, node);
      if (a.subresource == "status") return pod_status(a, node);
      if (a.subresource == "eviction") return eviction(a, node);
      return refuse(a, fmt::format("unexpected pod subresource \"{}\", only 'status' and 'eviction' are allowed", a.subresource));
    }
    if (a.is("", "nodes")) return nodes(a, node);
    if (a.is("", "persistentvolumeclaims")) return claim_status(a, node);
    if (a.is("", "serviceaccounts")) return token(a, node);
    if (a.is("coordination.k8s.io", "leases")) {
      if (a.ns != "kube-node-lease") return refuse(a, "can only access leases in the \"kube-node-lease\" system namespace");
      return own<api::coordination_v1::Lease>(a, node, "node lease");
    }
    if (a.is("storage.k8s.io", "csinodes")) return own<api::storage_v1::CSINode>(a, node, "CSINode");
    if (a.is("resource.k8s.io", "resourceslices")) return slices(a, node);
    if (a.is("certificates.k8s.io", "certificatesigningrequests")) return certificate(a, node);
    return Unit{};
  }

  template <class T>
  static Result<Unit> own(const AdmissionAttributes& a, const std::string& node, std::string_view what) {
    const T* made = a.operation == Operation::Create ? a.object_as<T>() : nullptr;
    const std::string& name = made ? made->metadata.name : a.name;
    if (name != node) return refuse(a, fmt::format("can only access {} with the same name as the requesting node", what));
    return Unit{};
  }

  Result<Unit> pods(const AdmissionAttributes& a, const std::string& node) const {
    if (a.operation == Operation::Create) return new_pod(a, node);
    if (a.operation != Operation::Delete)
      return refuse(a, fmt::format("unexpected operation \"UPDATE\", node \"{}\" can only create and delete mirror pods", node));
    TRY_ASSIGN(const Pod pod, reader_.get_as<Pod>({"", "pods"}, a.ns, a.name));
    if (pod.spec.node_name != node) return refuse(a, fmt::format("node \"{}\" can only delete pods with spec.nodeName set to itself", node));
    return Unit{};
  }

  Result<Unit> new_pod(const AdmissionAttributes& a, const std::string& node) const {
    const Pod* pod = a.object_as<Pod>();
    if (!pod) return refuse(a, "unexpected type");
    if (!pod->metadata.annotations.contains(authorization::node::mirror_annotation))
      return refuse(a, fmt::format("pod does not have \"{}\" annotation, node \"{}\" can only create mirror pods",
                                   authorization::node::mirror_annotation, node));
    if (pod->spec.node_name != node) return refuse(a, fmt::format("node \"{}\" can only create pods with spec.nodeName set to itself", node));
    const auto& owners = pod->metadata.owner_references;
    if (owners.size() > 1) return refuse(a, fmt::format("node \"{}\" can only create pods with a single owner reference set to itself", node));
    if (owners.empty() || owners[0].api_version != "v1" || owners[0].kind != "Node" || owners[0].name != node)
      return refuse(a, fmt::format("node \"{}\" can only create pods with an owner reference set to itself", node));
    if (!owners[0].controller.value_or(false))
      return refuse(a, fmt::format("node \"{}\" can only create pods with a controller owner reference set to itself", node));
    if (owners[0].block_owner_deletion.value_or(false))
      return refuse(a, fmt::format("node \"{}\" must not set blockOwnerDeletion on an owner reference", node));
    TRY_ASSIGN(const Node object, reader_.get_as<Node>({"", "nodes"}, "", node));
    if (owners[0].uid != object.metadata.uid)
      return refuse(a, fmt::format("node {} UID mismatch: expected {} got {}", node, owners[0].uid, object.metadata.uid));
    if (const auto reference = rules::api_reference(*pod))
      return refuse(a, fmt::format("node \"{}\" can not create pods that reference {}", node, reference->kind));
    return Unit{};
  }

  static Result<Unit> pod_status(const AdmissionAttributes& a, const std::string& node) {
    const Pod* pod = a.object_as<Pod>();
    const Pod* old = a.old_as<Pod>();
    if (a.operation != Operation::Update || !pod || !old) return refuse(a, "unexpected operation");
    if (old->spec.node_name != node)
      return refuse(a, fmt::format("node \"{}\" can only update pod status for pods with spec.nodeName set to itself", node));
    if (old->metadata.labels != pod->metadata.labels) return refuse(a, fmt::format("node \"{}\" cannot update labels through pod status", node));
    if (!same_list(old->status.resource_claim_statuses, pod->status.resource_claim_statuses))
      return refuse(a, fmt::format("node \"{}\" cannot update resource claim statues", node));
    const auto& was = old->status.extended_resource_claim_status;
    const auto& is = pod->status.extended_resource_claim_status;
    if (was.has_value() != is.has_value() || (was && !same(*was, *is)))
      return refuse(a, fmt::format("node \"{}\" cannot update extended resource claim status", node));
    return Unit{};
  }

  Result<Unit> eviction(const AdmissionAttributes& a, const std::string& node) const {
    if (a.operation != Operation::Create) return refuse(a, "unexpected operation");
    const auto* asked = a.object_as<api::policy_v1::Eviction>();
    const std::string name = !a.name.empty() ? a.name : asked ? asked->metadata.name : std::string();
    if (name.empty()) return refuse(a, "could not determine pod from request data");
    TRY_ASSIGN(const Pod pod, reader_.get_as<Pod>({"", "pods"}, a.ns, name));
    if (pod.spec.node_name != node) return refuse(a, fmt::format("node {} can only evict pods with spec.nodeName set to itself", node));
    return Unit{};
  }

  static Result<Unit> nodes(const AdmissionAttributes& a, const std::string& node) {
    const Node* object = a.object_as<Node>();
    const std::string& requested = a.name.empty() && object ? object->metadata.name : a.name;
    if (requested != node) return refuse(a, fmt::format("node \"{}\" is not allowed to modify node \"{}\"", node, requested));
    if (a.operation == Operation::Delete) return Unit{};
    if (!object) return refuse(a, "unexpected type");
    if (a.operation == Operation::Create) {
      if (object->spec.config_source) return refuse(a, fmt::format("node \"{}\" is not allowed to create a node with a configSource", node));
      const std::string labels = forbidden_label_changes(object->metadata.labels, {});
      if (!labels.empty()) return refuse(a, fmt::format("node \"{}\" is not allowed to set the following labels: {}", node, labels));
    }
    if (a.operation != Operation::Update) return Unit{};
    const Node* old = a.old_as<Node>();
    if (!old) return refuse(a, "unexpected type");
    if (object->spec.config_source && (!old->spec.config_source || !same(*object->spec.config_source, *old->spec.config_source)))
      return refuse(a, fmt::format("node \"{}\" is not allowed to update configSource to a new non-nil configSource", node));
    if (!same_list(object->spec.taints, old->spec.taints)) return refuse(a, fmt::format("node \"{}\" is not allowed to modify taints", node));
    if (!same_list(object->metadata.owner_references, old->metadata.owner_references))
      return refuse(a, fmt::format("node \"{}\" is not allowed to modify ownerReferences", node));
    const std::string labels = forbidden_label_changes(object->metadata.labels, old->metadata.labels);
    if (!labels.empty()) return refuse(a, fmt::format("is not allowed to modify labels: {}", labels));
    return Unit{};
  }

  static Result<Unit> claim_status(const AdmissionAttributes& a, const std::string& node) {
    if (a.subresource != "status") return refuse(a, "may only update PVC status");
    const auto* now = a.object_as<PersistentVolumeClaim>();
    const auto* before = a.old_as<PersistentVolumeClaim>();
    if (a.operation != Operation::Update || !now || !before) return refuse(a, "unexpected operation");
    const auto without_own_fields = [](PersistentVolumeClaim claim) {
      claim.metadata.resource_version.clear();
      claim.metadata.managed_fields.clear();
      claim.status.capacity.clear();
      claim.status.conditions.clear();
      claim.status.allocated_resources.clear();
      claim.status.allocated_resource_statuses.clear();
      return claim;
    };
    if (!same(without_own_fields(*now), without_own_fields(*before)))
      return refuse(a, fmt::format("node \"{}\" is not allowed to update fields other than status.capacity and status.conditions", node));
    return Unit{};
  }

  Result<Unit> token(const AdmissionAttributes& a, const std::string& node) const {
    if (a.operation != Operation::Create || a.subresource != "token") return Unit{};
    const auto* request = a.object_as<api::authentication_v1::TokenRequest>();
    if (!request) return refuse(a, "unexpected type");
    const auto& ref = request->spec.bound_object_ref;
    if (!ref || ref->api_version != "v1" || ref->kind != "Pod" || ref->name.empty()) return refuse(a, "node requested token not bound to a pod");
    if (ref->uid.empty()) return refuse(a, "node requested token with a pod binding without a uid");
    TRY_ASSIGN(const Pod pod, reader_.get_as<Pod>({"", "pods"}, a.ns, ref->name));
    if (ref->uid != pod.metadata.uid)
      return refuse(a,
                    fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted and "
                                "then recreated",
                                ref->uid));
    if (pod.spec.node_name != node) return refuse(a, "node requested token bound to a pod scheduled on a different node");
    const std::string why = audience_refusal(reader_, authorizer_, a, *request, pod);
    if (!why.empty()) return refuse(a, why);
    return Unit{};
  }

  static Result<Unit> slices(const AdmissionAttributes& a, const std::string& node) {
    if (a.operation == Operation::Update) return Unit{};  // the authorizer knows whose it is, and it cannot change hands
    const auto* slice =
        a.operation == Operation::Create ? a.object_as<api::resource_v1::ResourceSlice>() : a.old_as<api::resource_v1::ResourceSlice>();
    if (!slice) return refuse(a, "unexpected type");
    if (slice->spec.node_name != node)
      return refuse(a, fmt::format("can only {} ResourceSlice with the same NodeName as the requesting node",
                                   a.operation == Operation::Create ? "create" : "delete"));
    return Unit{};
  }

  static Result<Unit> certificate(const AdmissionAttributes& a, const std::string& node) {
    if (a.operation != Operation::Create) return Unit{};
    const auto* request = a.object_as<api::certificates_v1::CertificateSigningRequest>();
    if (!request) return refuse(a, "unexpected type");
    const std::string& signer = request->spec.signer_name;
    if (signer != "kubernetes.io/kubelet-serving" && signer != "kubernetes.io/kube-apiserver-client-kubelet") return Unit{};
    const auto parsed = component::parse_certificate_request_pem(request->spec.request);
    if (!parsed) return refuse(a, "unable to parse csr: " + parsed.error().message);
    if (parsed->common_name != std::string(user_node_prefix) + node)
      return refuse(a, fmt::format("can only create a node CSR with CN=system:node:{}", node));
    return Unit{};
  }

  const ResourceReader& reader_;
  authorization::Authorizer* authorizer_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_node_restriction(const AdmissionDeps& deps) { return std::make_unique<NodeRestriction>(deps); }

}  // namespace pintle::apiserver::admission

#include "apiserver/authorization/node/node_authorizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/resource_v1.h"
#include "api/gen/storage_v1.h"
#include "apimachinery/selectors/field_selector.h"
#include "apiserver/authorization/rbac/rules.h"

namespace pintle::apiserver::authorization::node {
namespace {

AuthorizationResult allow() { return {Decision::Allow, {}, {}}; }
AuthorizationResult pass(std::string reason = {}) { return {Decision::NoOpinion, std::move(reason), {}}; }

bool one_of(std::string_view value, std::initializer_list<std::string_view> list) { return std::find(list.begin(), list.end(), value) != list.end(); }

AuthorizationResult if_related(bool related, const std::string& node) {
  if (related) return allow();
  return pass(fmt::format("no relationship found between node '{}' and this object", node));
}

bool selects(const AuthorizationAttributes& a, std::string_view field, std::string_view value) {
  const auto selector = apimachinery::FieldSelector::parse(a.field_selector);
  if (!selector) return false;
  const auto exact = selector->exact_value(field);
  return exact && *exact == value;
}

bool contains(const std::vector<std::string>& sorted, std::string_view name) { return std::binary_search(sorted.begin(), sorted.end(), name); }

// What every node may do, whatever its pods.
const std::vector<rbac::Rule>& uniform_rules() {
  static const std::vector<rbac::Rule> rules = {
      {{"create"}, {"authentication.k8s.io"}, {"tokenreviews"}, {}, {}},
      {{"create"}, {"authorization.k8s.io"}, {"subjectaccessreviews", "localsubjectaccessreviews"}, {}, {}},
      {{"get", "list", "watch"}, {""}, {"services"}, {}, {}},
      {{"create", "update", "patch"}, {"", "events.k8s.io"}, {"events"}, {}, {}},
      {{"get"}, {""}, {"endpoints"}, {}, {}},
      {{"create", "get", "list", "watch"}, {"certificates.k8s.io"}, {"certificatesigningrequests"}, {}, {}},
      {{"get", "list", "watch"}, {"certificates.k8s.io"}, {"clustertrustbundles"}, {}, {}},
      {{"get", "watch", "list"}, {"storage.k8s.io"}, {"csidrivers"}, {}, {}},
      {{"get", "list", "watch"}, {"node.k8s.io"}, {"runtimeclasses"}, {}, {}},
  };
  return rules;
}

std::optional<AuthorizationResult> refuse_unless_read(const AuthorizationAttributes& a) {
  if (!one_of(a.verb, {"get", "list", "watch"})) return pass("can only read resources of this type");
  if (!a.subresource.empty()) return pass("cannot read subresource");
  if (a.ns.empty()) return pass("can only read namespaced object of this type");
  if (a.name.empty()) return pass("No Object name found");
  return std::nullopt;
}

std::optional<AuthorizationResult> refuse_unless_get(const AuthorizationAttributes& a) {
  if (a.verb != "get") return pass("can only get individual resources of this type");
  if (!a.subresource.empty()) return pass("cannot get subresource");
  if (a.name.empty()) return pass("No Object name found");
  return std::nullopt;
}

// Leases and CSINodes: the object that bears the node's name. Its name is not known at creation.
AuthorizationResult own_object(const std::string& node, const AuthorizationAttributes& a, std::string_view what) {
  if (!one_of(a.verb, {"get", "create", "update", "patch", "delete"}))
    return pass(fmt::format("can only get, create, update, patch, or delete a {}", what));
  if (a.verb != "create" && a.name != node) return pass(fmt::format("can only access {} with the same name as the requesting node", what));
  return allow();
}

}  // namespace

std::optional<AuthorizationResult> NodeAuthorizer::authorize_now(const AuthorizationAttributes& a) {
  if (!claims_to_be_node(a.user)) return pass();
  const std::string node(node_name_of(a.user));
  if (node.empty()) return pass(fmt::format("unknown node for user \"{}\"", a.user.name));
  return judge(node, a);
}

UserRules NodeAuthorizer::rules_for(const UserInfo& user, const std::string&) {
  UserRules out;
  if (node_name_of(user).empty()) return out;
  out.incomplete = true;
  out.evaluation_error = "node authorizer does not support user rule resolution";
  return out;
}

AuthorizationResult NodeAuthorizer::judge(const std::string& node, const AuthorizationAttributes& a) {
  if (a.is_resource) {
    const std::string_view resource = a.resource;
    if (a.group.empty() &&
        one_of(resource, {"secrets", "configmaps", "persistentvolumeclaims", "persistentvolumes", "serviceaccounts", "nodes", "pods"}))
      return core(node, a);
    if (a.group == "coordination.k8s.io" && resource == "leases") {
      if (a.ns != "kube-node-lease") return pass("can only access leases in the \"kube-node-lease\" system namespace");
      return own_object(node, a, "node lease");
    }
    if (a.group == "storage.k8s.io" && resource == "csinodes") {
      if (!a.subresource.empty()) return pass("cannot authorize CSINode subresources");
      return own_object(node, a, "CSINode");
    }
    if (a.group == "storage.k8s.io" && resource == "volumeattachments") {
      if (auto refused = refuse_unless_get(a)) return *refused;
      const auto found = reader_.get_as<api::storage_v1::VolumeAttachment>({"storage.k8s.io", "volumeattachments"}, "", a.name);
      return if_related(found && found->spec.node_name == node, node);
    }
    if (a.group == "resource.k8s.io" && resource == "resourceclaims") {
      if (auto refused = refuse_unless_get(a)) return *refused;
      return if_related(pods_.any(node, a.ns, [&](auto, const PodReferences& refs) { return contains(refs.resource_claims, a.name); }), node);
    }
    if (a.group == "resource.k8s.io" && resource == "resourceslices") return resource_slices(node, a);
  }
  return rbac::allows(uniform_rules(), rbac::RuleQuery(a)) ? allow() : pass();
}

AuthorizationResult NodeAuthorizer::core(const std::string& node, const AuthorizationAttributes& a) {
  if (a.resource == "nodes") return nodes(node, a);
  if (a.resource == "pods") return pods(node, a);
  if (a.resource == "serviceaccounts") return service_accounts(node, a);
  if (a.resource == "secrets") {
    if (auto refused = refuse_unless_read(a)) return *refused;
    return if_related(related_secret(node, a.ns, a.name), node);
  }
  if (a.resource == "configmaps") {
    if (auto refused = refuse_unless_read(a)) return *refused;
    return if_related(pods_.any(node, a.ns, [&](auto, const PodReferences& refs) { return contains(refs.config_maps, a.name); }), node);
  }
  if (a.resource == "persistentvolumeclaims") {
    if (a.subresource == "status") {
      if (!one_of(a.verb, {"update", "patch"})) return pass("can only get/update/patch this type");
      if (a.name.empty()) return pass("No Object name found");
    } else if (auto refused = refuse_unless_get(a)) {
      return *refused;
    }
    return if_related(related_claim(node, a.ns, a.name), node);
  }
  if (auto refused = refuse_unless_get(a)) return *refused;
  return if_related(related_volume(node, a.name), node);
}

AuthorizationResult NodeAuthorizer::nodes(const std::string& node, const AuthorizationAttributes& a) {
  if (a.subresource.empty()) {
    if (one_of(a.verb, {"create", "update", "patch"})) return allow();
    if (one_of(a.verb, {"get", "list", "watch"})) {
      if (a.name == node) return allow();
      if (a.name.empty()) return pass(fmt::format("node '{}' cannot read all nodes, only its own Node object", node));
      return pass(fmt::format("node '{}' cannot read '{}', only its own Node object", node, a.name));
    }
  }
  if (a.subresource == "status" && one_of(a.verb, {"update", "patch"})) return allow();
  return pass();
}

AuthorizationResult NodeAuthorizer::pods(const std::string& node, const AuthorizationAttributes& a) {
  if (a.subresource.empty()) {
    if (one_of(a.verb, {"create", "delete"})) return allow();  // mirror pods
    if (one_of(a.verb, {"list", "watch"}) && selects(a, "spec.nodeName", node)) return allow();
    if (one_of(a.verb, {"list", "watch"}) && a.name.empty()) return pass("can only list/watch pods with spec.nodeName field selector");
    if (a.verb == "get" && a.name.empty()) return pass("No Object name found");
    if (one_of(a.verb, {"get", "list", "watch"})) return if_related(pods_.has(node, a.ns, a.name), node);
  }
  if (a.subresource == "status" && one_of(a.verb, {"update", "patch"})) return allow();
  if (a.subresource == "eviction" && a.verb == "create") return allow();
  return pass();
}

AuthorizationResult NodeAuthorizer::service_accounts(const std::string& node, const AuthorizationAttributes& a) {
  if (a.verb == "get" && a.subresource.empty()) {
    if (auto refused = refuse_unless_read(a)) return *refused;
  } else if (a.verb != "create" || a.name.empty()) {
    return pass("can only create tokens for individual service accounts");
  } else if (a.subresource != "token") {
    return pass("can only create token subresource of serviceaccount");
  }
  return if_related(pods_.any(node, a.ns, [&](auto, const PodReferences& refs) { return refs.service_account == a.name; }), node);
}

AuthorizationResult NodeAuthorizer::resource_slices(const std::string& node, const AuthorizationAttributes& a) {
  if (!a.subresource.empty()) return pass("cannot authorize ResourceSlice subresources");
  if (a.verb == "create") return allow();
  if (one_of(a.verb, {"get", "update", "patch", "delete"})) {
    if (a.name.empty()) return pass("No Object name found");
    const auto slice = reader_.get_as<api::resource_v1::ResourceSlice>({"resource.k8s.io", "resourceslices"}, "", a.name);
    return if_related(slice && slice->spec.node_name == node, node);
  }
  if (one_of(a.verb, {"watch", "list", "deletecollection"})) {
    if (selects(a, "spec.nodeName", node)) return allow();
    return pass("can only list/watch/deletecollection resourceslices with nodeName field selector");
  }
  return pass("only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection");
}

bool NodeAuthorizer::related_claim(const std::string& node, std::string_view ns, std::string_view name) const {
  return pods_.any(node, ns, [&](auto, const PodReferences& refs) { return contains(refs.claims, name); });
}

bool NodeAuthorizer::related_volume(const std::string& node, const std::string& name) const {
  const auto volume = reader_.get_as<api::core_v1::PersistentVolume>({"", "persistentvolumes"}, "", name);
  return volume && volume->spec.claim_ref && related_claim(node, volume->spec.claim_ref->namespace_, volume->spec.claim_ref->name);
}

bool NodeAuthorizer::related_secret(const std::string& node, const std::string& ns, const std::string& name) const {
  if (pods_.any(node, ns, [&](auto, const PodReferences& refs) { return contains(refs.secrets, name); })) return true;
  // A volume that one of the node's pods claims may need the secret, from whatever namespace.
  const NamespacedName wanted{ns, name};
  return pods_.any(node, "", [&](std::string_view pod_ns, const PodReferences& refs) {
    return std::any_of(refs.claims.begin(), refs.claims.end(), [&](const std::string& claim_name) {
      const auto claim = reader_.get_as<api::core_v1::PersistentVolumeClaim>({"", "persistentvolumeclaims"}, pod_ns, claim_name);
      if (!claim || claim->spec.volume_name.empty()) return false;
      const auto volume = reader_.get_as<api::core_v1::PersistentVolume>({"", "persistentvolumes"}, "", claim->spec.volume_name);
      if (!volume || !volume->spec.claim_ref || volume->spec.claim_ref->name != claim_name || volume->spec.claim_ref->namespace_ != pod_ns)
        return false;
      const auto secrets = node_secrets_of(*volume);
      return std::find(secrets.begin(), secrets.end(), wanted) != secrets.end();
    });
  });
}

}  // namespace pintle::apiserver::authorization::node

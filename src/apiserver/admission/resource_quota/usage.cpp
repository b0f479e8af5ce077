#include "apiserver/admission/resource_quota/usage.h"

#include "rules/quota/pod_scopes.h"

namespace pintle::apiserver::admission::quota {

using api::core_v1::Pod;
using rules::quota::is_terminating;

bool concerns(const AdmissionAttributes& a) {
  if (a.ns.empty() || !a.object || !*a.object || a.is("", "namespaces")) return false;
  const bool create = a.operation == Operation::Create;
  const bool update = a.operation == Operation::Update;
  if (is_pods(a)) {
    if (a.subresource == "resize") return update;
    if (!a.subresource.empty()) return false;
    const Pod* pod = a.object_as<Pod>();
    const Pod* old = a.old_as<Pod>();
    return create || (update && pod && old && is_terminating(*pod) != is_terminating(*old));
  }
  if (!a.subresource.empty()) return false;
  if (a.is("", "services") || a.is("", "persistentvolumeclaims")) return create || update;
  return create;
}

rules::quota::CountedResource counted_resource(const AdmissionAttributes& attributes) {
  return {attributes.resource.group, attributes.resource.resource};
}

}  // namespace pintle::apiserver::admission::quota

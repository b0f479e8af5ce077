#include "rules/resource_claims.h"

#include <algorithm>

#include "rules/owner_references.h"
#include "rules/resource_names.h"

namespace pintle::rules {

namespace core = api::core_v1;
using api::resource_v1::ResourceClaim;

Result<ResourceClaimName> resource_claim_name(const core::Pod& pod, const core::PodResourceClaim& claim) {
  if (claim.resource_claim_name) return ResourceClaimName{*claim.resource_claim_name, false};
  const std::string of_pod = "pod \"" + pod.metadata.namespace_ + "/" + pod.metadata.name + "\"";
  if (!claim.resource_claim_template_name)
    return bad_request(of_pod + ", spec.resourceClaim \"" + claim.name + "\": none of the supported fields are set");
  for (const auto& status : pod.status.resource_claim_statuses)
    if (status.name == claim.name) return ResourceClaimName{status.resource_claim_name.value_or(""), true};
  return error(Reason::NotFound, of_pod + ": ResourceClaim not created yet");
}

std::string not_made_for(const core::Pod& pod, const ResourceClaim& claim) {
  const auto key = [](const auto& meta) { return meta.namespace_ + "/" + meta.name; };
  if (claim.metadata.namespace_ != pod.metadata.namespace_)
    return "ResourceClaim " + key(claim.metadata) + " is not in the same namespace as Pod " + key(pod.metadata);
  if (is_controlled_by(claim.metadata, pod.metadata)) return {};
  return "ResourceClaim " + key(claim.metadata) + " was not created for Pod " + key(pod.metadata) + " (Pod is not owner)";
}

bool is_reserved_for(const ResourceClaim& claim, const core::Pod& pod) {
  return std::ranges::any_of(claim.status.reserved_for, [&](const auto& consumer) { return consumer.uid == pod.metadata.uid; });
}

api::resource_v1::ResourceClaimConsumerReference consumer_reference(const core::Pod& pod) {
  return {"", "pods", pod.metadata.name, pod.metadata.uid};
}

const api::meta_v1::OwnerReference* owning_pod(const ResourceClaim& claim) {
  const auto* owner = controller_of(claim.metadata);
  return owner != nullptr && owner->api_version == "v1" && owner->kind == "Pod" ? owner : nullptr;
}

bool is_extended_resource_claim(const ResourceClaim& claim) {
  const std::string* mark = claim.metadata.annotations.get(extended_resource_claim_annotation);
  return mark != nullptr && *mark == "true";
}

bool is_device_resource(std::string_view name) { return is_extended_resource(name) || name.starts_with(device_class_resource_prefix); }

bool comes_by_claim(const core::Pod& pod, std::string_view container, std::string_view resource) {
  const auto& status = pod.status.extended_resource_claim_status;
  const auto names_it = [&](const auto& mapping) { return mapping.container_name == container && mapping.resource_name == resource; };
  return status && std::ranges::any_of(status->request_mappings, names_it);
}

bool has_admin_access(const api::resource_v1::ResourceClaimSpec& spec) {
  return std::ranges::any_of(spec.devices.requests, [](const auto& r) { return r.exactly && r.exactly->admin_access.value_or(false); });
}

}  // namespace pintle::rules

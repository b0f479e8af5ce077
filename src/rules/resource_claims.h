// The ResourceClaims of a pod: by which name, made for it or not, reserved for it or not, and what a claim says of itself. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"
#include "base/status.h"

namespace pintle::rules {

// Keeps a claim that is allocated from going.
constexpr std::string_view resource_claim_finalizer = "resource.kubernetes.io/delete-protection";
// On a claim that was made from a template: which of the pod's it is.
constexpr std::string_view pod_resource_claim_annotation = "resource.kubernetes.io/pod-claim-name";
// "true" on the one that stands for a pod's extended resources.
constexpr std::string_view extended_resource_claim_annotation = "resource.kubernetes.io/extended-resource-claim";
// With the name of a device class: the extended resource that each class has by itself.
constexpr std::string_view device_class_resource_prefix = "deviceclass.resource.kubernetes.io/";

struct ResourceClaimName {
  std::string name;          // "": no claim is needed
  bool check_owner = false;  // it was made from a template: is_resource_claim_for() tells whether for this pod
};
// NotFound: it was not made yet; BadRequest: the entry has nothing that is known here. In upstream's words.
Result<ResourceClaimName> resource_claim_name(const api::core_v1::Pod& pod, const api::core_v1::PodResourceClaim& claim);
// In upstream's words; "": the claim was made for the pod.
std::string not_made_for(const api::core_v1::Pod& pod, const api::resource_v1::ResourceClaim& claim);
bool is_reserved_for(const api::resource_v1::ResourceClaim& claim, const api::core_v1::Pod& pod);
api::resource_v1::ResourceClaimConsumerReference consumer_reference(const api::core_v1::Pod& pod);
// The reference to the pod that a claim was made for, or nullptr.
const api::meta_v1::OwnerReference* owning_pod(const api::resource_v1::ResourceClaim& claim);
bool is_extended_resource_claim(const api::resource_v1::ResourceClaim& claim);
// Extended, or a device class's own.
bool is_device_resource(std::string_view name);
// Whether a container's resource comes by the pod's claim for extended resources, and so by none of the node's device plugins.
bool comes_by_claim(const api::core_v1::Pod& pod, std::string_view container, std::string_view resource);
// One of the requests has all the access there is, to devices that others use.
bool has_admin_access(const api::resource_v1::ResourceClaimSpec& spec);

}  // namespace pintle::rules

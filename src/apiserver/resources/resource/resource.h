// What the resources of resource.k8s.io share: devices, requests for them and what was allocated.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "api/gen/resource_v1.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources::device {

namespace v1 = api::resource_v1;

constexpr std::size_t selectors_max = 32;
constexpr std::size_t configs_max = 32;
constexpr std::size_t requests_max = 32;

// Names.
void validate_driver_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
void validate_pool_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
void validate_label(std::string_view name, const FieldPath& path, FieldErrors& errors);
void validate_qualified_name(std::string_view name, const FieldPath& path, FieldErrors& errors);

void validate_selectors(const std::vector<v1::DeviceSelector>& selectors, const FieldPath& path, FieldErrors& errors);
void validate_opaque(const v1::DeviceConfiguration& configuration, const FieldPath& path, FieldErrors& errors);
// An object as JSON, of at most `bytes_max`.
void validate_parameters(std::string_view json, std::size_t bytes_max, const FieldPath& path, FieldErrors& errors);
void validate_binding_conditions(const std::vector<std::string>& conditions, const std::vector<std::string>& failures, const FieldPath& path,
                                 FieldErrors& errors);

void default_claim(v1::ResourceClaimSpec& spec);
void validate_claim(const v1::ResourceClaimSpec& spec, const FieldPath& path, FieldErrors& errors);
// With the allocation goes what is told of its devices: who takes it back need not know of that.
void drop_deallocated(v1::ResourceClaimStatus& status, const v1::ResourceClaimStatus& old);
void validate_claim_status(const v1::ResourceClaim& claim, const v1::ResourceClaim& old, FieldErrors& errors);

void validate_slice(const v1::ResourceSliceSpec& spec, const v1::ResourceSliceSpec* old, FieldErrors& errors);

// The names that constraints, configurations and results may refer to: "request" and "request/subrequest".
using RequestNames = std::set<std::string, std::less<>>;
RequestNames request_names(const v1::DeviceClaim& claim);
void validate_request_refs(const std::vector<std::string>& refs, const RequestNames& names, const FieldPath& path, FieldErrors& errors);

}  // namespace pintle::apiserver::resources::device

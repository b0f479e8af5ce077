#include <algorithm>
#include <set>

#include "api/codec.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resource/resource.h"
#include "base/ip_address.h"

namespace pintle::apiserver::resources::device {
namespace {

constexpr std::size_t constraints_max = 32;
constexpr std::size_t subrequests_max = 8;
constexpr std::size_t reserved_for_max = 256;
constexpr std::size_t results_max = 32;
constexpr std::size_t status_data_bytes_max = 10 * 1024;
constexpr std::size_t interface_name_bytes_max = 256;
constexpr std::size_t hardware_address_bytes_max = 128;

template <class Request>
void default_count(Request& request) {
  if (request.allocation_mode.empty()) request.allocation_mode = "ExactCount";
  if (request.allocation_mode == "ExactCount" && request.count == 0) request.count = 1;
}

void validate_toleration(const v1::DeviceToleration& toleration, const FieldPath& path, FieldErrors& errors) {
  if (!toleration.key.empty()) errors.invalid_all(path.child("key"), toleration.key, apimachinery::check_qualified_name(toleration.key));
  if (toleration.operator_ == "Exists") {
    if (!toleration.value.empty()) errors.invalid(path.child("value"), toleration.value, "must be empty for operator Exists");
  } else if (toleration.operator_ == "Equal") {
    errors.invalid_all(path.child("value"), toleration.value, apimachinery::check_label_value(toleration.value));
  }
}

template <class Request>
void validate_wanted(const Request& request, const FieldPath& path, FieldErrors& errors) {
  if (request.device_class_name.empty()) errors.required(path.child("deviceClassName"));
  if (!request.device_class_name.empty())
    errors.invalid_all(path.child("deviceClassName"), request.device_class_name, apimachinery::check_dns_subdomain(request.device_class_name));
  validate_selectors(request.selectors, path.child("selectors"), errors);
  if (request.allocation_mode == "All") {
    if (request.count != 0) errors.invalid(path.child("count"), request.count, "must not be given when allocationMode is All");
  } else if (request.allocation_mode == "ExactCount" && request.count <= 0) {
    errors.invalid(path.child("count"), request.count, "must be greater than zero");
  }
  for (std::size_t i = 0; i < request.tolerations.size(); ++i)
    validate_toleration(request.tolerations[i], path.child("tolerations").index(i), errors);
}

template <class Named>
void refuse_doubles(const std::vector<Named>& list, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (!seen.insert(list[i].name).second) errors.duplicate(path.index(i), list[i].name);
}

void validate_request(const v1::DeviceRequest& request, const FieldPath& path, FieldErrors& errors) {
  validate_label(request.name, path.child("name"), errors);
  if (request.first_available.empty() && !request.exactly) {
    errors.required(path, "exactly one of `exactly` or `firstAvailable` is required");
  } else if (!request.first_available.empty() && request.exactly) {
    errors.invalid(path, nullptr, "only one of `exactly` or `firstAvailable` may be given");
  } else if (request.exactly) {
    validate_wanted(*request.exactly, path.child("exactly"), errors);
  } else {
    const FieldPath list = path.child("firstAvailable");
    if (request.first_available.size() > subrequests_max) {
      errors.too_many(list, request.first_available.size(), subrequests_max);
      return;
    }
    for (std::size_t i = 0; i < request.first_available.size(); ++i) {
      validate_label(request.first_available[i].name, list.index(i).child("name"), errors);
      validate_wanted(request.first_available[i], list.index(i), errors);
    }
    refuse_doubles(request.first_available, list, errors);
  }
}

void validate_constraint(const v1::DeviceConstraint& constraint, const RequestNames& names, const FieldPath& path, FieldErrors& errors) {
  validate_request_refs(constraint.requests, names, path.child("requests"), errors);
  const auto& attribute = constraint.match_attribute ? constraint.match_attribute : constraint.distinct_attribute;
  if (!attribute) {
    errors.required(path, "one of matchAttribute or distinctAttribute is required");
    return;
  }
  const FieldPath at = path.child(constraint.match_attribute ? "matchAttribute" : "distinctAttribute");
  validate_qualified_name(*attribute, at, errors);
  if (attribute->find('/') == std::string::npos) errors.invalid(at, *attribute, "must be a domain and a name joined by '/'");
}

std::string device_key(std::string_view driver, std::string_view pool, std::string_view device, const std::optional<std::string>& share) {
  return std::string(driver) + "/" + std::string(pool) + "/" + std::string(device) + (share ? "/" + *share : "");
}

void validate_result(const v1::DeviceRequestAllocationResult& result, const RequestNames& names, const FieldPath& path, FieldErrors& errors) {
  if (!result.request.empty() && !names.contains(result.request))
    errors.invalid(path.child("request"), result.request, "must name a request of the claim, or a request and a subrequest joined by '/'");
  validate_driver_name(result.driver, path.child("driver"), errors);
  validate_pool_name(result.pool, path.child("pool"), errors);
  validate_label(result.device, path.child("device"), errors);
  validate_binding_conditions(result.binding_conditions, result.binding_failure_conditions, path, errors);
  if (result.share_id) errors.invalid_all(path.child("shareID"), *result.share_id, apimachinery::check_uuid(*result.share_id));
}

void validate_allocation(const v1::AllocationResult& allocation, const RequestNames& names, const FieldPath& path, FieldErrors& errors) {
  const FieldPath results = path.child("devices", "results"), configs = path.child("devices", "config");
  if (allocation.devices.results.size() > results_max) {
    errors.too_many(results, allocation.devices.results.size(), results_max);
  } else {
    for (std::size_t i = 0; i < allocation.devices.results.size(); ++i)
      validate_result(allocation.devices.results[i], names, results.index(i), errors);
  }
  if (allocation.devices.config.size() > 2 * configs_max) {
    errors.too_many(configs, allocation.devices.config.size(), 2 * configs_max);
  } else {
    for (std::size_t i = 0; i < allocation.devices.config.size(); ++i) {
      validate_request_refs(allocation.devices.config[i].requests, names, configs.index(i).child("requests"), errors);
      validate_opaque(allocation.devices.config[i], configs.index(i), errors);
    }
  }
  if (allocation.node_selector) validate_node_selector(*allocation.node_selector, path.child("nodeSelector"), errors);
}

void validate_network(const v1::NetworkDeviceData& data, const FieldPath& path, FieldErrors& errors) {
  if (data.interface_name.size() > interface_name_bytes_max) errors.too_long(path.child("interfaceName"), interface_name_bytes_max);
  if (data.hardware_address.size() > hardware_address_bytes_max) errors.too_long(path.child("hardwareAddress"), hardware_address_bytes_max);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < data.ips.size(); ++i) {
    const FieldPath at = path.child("ips").index(i);
    if (!parse_prefix(data.ips[i], IpSyntax::Strict))
      errors.invalid(at, data.ips[i], "must be an address with the length of its network's prefix (192.0.2.5/24, 2001:db8::5/64)");
    if (!seen.insert(data.ips[i]).second) errors.duplicate(at, data.ips[i]);
  }
}

void validate_devices(const v1::ResourceClaimStatus& status, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string> allocated, seen;
  if (status.allocation)
    for (const auto& result : status.allocation->devices.results)
      allocated.insert(device_key(result.driver, result.pool, result.device, result.share_id));
  for (std::size_t i = 0; i < status.devices.size(); ++i) {
    const auto& device = status.devices[i];
    const FieldPath at = path.index(i);
    validate_driver_name(device.driver, at.child("driver"), errors);
    validate_pool_name(device.pool, at.child("pool"), errors);
    validate_label(device.device, at.child("device"), errors);
    if (device.share_id) errors.invalid_all(at.child("shareID"), *device.share_id, apimachinery::check_uuid(*device.share_id));
    const std::string key = device_key(device.driver, device.pool, device.device, device.share_id);
    if (!allocated.contains(key)) errors.invalid(at, key, "must be a device that is allocated to the claim");
    if (device.data && !device.data->raw.empty()) validate_parameters(device.data->raw, status_data_bytes_max, at.child("data"), errors);
    if (device.network_data) validate_network(*device.network_data, at.child("networkData"), errors);
    if (!seen.insert(key).second) errors.duplicate(at, key);
  }
}

}  // namespace

void default_claim(v1::ResourceClaimSpec& spec) {
  for (auto& request : spec.devices.requests) {
    if (request.exactly) default_count(*request.exactly);
    for (auto& sub : request.first_available) default_count(sub);
  }
}

void validate_claim(const v1::ResourceClaimSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const auto& devices = spec.devices;
  const FieldPath at = path.child("devices");
  const RequestNames names = request_names(devices);
  if (devices.requests.size() > requests_max) {
    errors.too_many(at.child("requests"), devices.requests.size(), requests_max);
  } else {
    for (std::size_t i = 0; i < devices.requests.size(); ++i) validate_request(devices.requests[i], at.child("requests").index(i), errors);
    refuse_doubles(devices.requests, at.child("requests"), errors);
  }
  if (devices.constraints.size() > constraints_max) {
    errors.too_many(at.child("constraints"), devices.constraints.size(), constraints_max);
  } else {
    for (std::size_t i = 0; i < devices.constraints.size(); ++i)
      validate_constraint(devices.constraints[i], names, at.child("constraints").index(i), errors);
  }
  if (devices.config.size() > configs_max) {
    errors.too_many(at.child("config"), devices.config.size(), configs_max);
    return;
  }
  for (std::size_t i = 0; i < devices.config.size(); ++i) {
    validate_request_refs(devices.config[i].requests, names, at.child("config").index(i).child("requests"), errors);
    validate_opaque(devices.config[i], at.child("config").index(i), errors);
  }
}

void drop_deallocated(v1::ResourceClaimStatus& status, const v1::ResourceClaimStatus& old) {
  const auto keys_of = [](const v1::ResourceClaimStatus& of) {
    std::set<std::string> keys;
    if (of.allocation)
      for (const auto& result : of.allocation->devices.results) keys.insert(device_key(result.driver, result.pool, result.device, result.share_id));
    return keys;
  };
  const std::set<std::string> before = keys_of(old), after = keys_of(status);
  std::erase_if(status.devices, [&](const auto& device) {
    const std::string key = device_key(device.driver, device.pool, device.device, device.share_id);
    return before.contains(key) && !after.contains(key);
  });
}

void validate_claim_status(const v1::ResourceClaim& claim, const v1::ResourceClaim& old, FieldErrors& errors) {
  const FieldPath path("status"), reserved = path.child("reservedFor");
  const auto& status = claim.status;
  if (status.reserved_for.size() > reserved_for_max) errors.too_many(reserved, status.reserved_for.size(), reserved_for_max);
  std::set<std::string_view> consumers;
  for (std::size_t i = 0; i < status.reserved_for.size(); ++i)
    if (!consumers.insert(status.reserved_for[i].uid).second) errors.duplicate(reserved.index(i), status.reserved_for[i].uid);
  validate_devices(status, path.child("devices"), errors);
  if (!status.reserved_for.empty() && !status.allocation) errors.forbidden(reserved, "may not be given when nothing is allocated");
  if (!status.reserved_for.empty() && status.allocation && claim.metadata.deletion_timestamp) {
    std::set<std::string_view> known;
    for (const auto& consumer : old.status.reserved_for) known.insert(consumer.uid);
    const auto is_known = [&](const auto& consumer) { return known.contains(consumer.uid); };
    if (!std::all_of(status.reserved_for.begin(), status.reserved_for.end(), is_known))
      errors.forbidden(reserved, "takes no new entries once the claim is being deleted");
  }
  if (!status.allocation) return;
  if (!old.status.allocation) {
    validate_allocation(*status.allocation, request_names(claim.spec.devices), path.child("allocation"), errors);
  } else if (!api::equal(api::type_of<v1::AllocationResult>(), status.allocation.get(), old.status.allocation.get())) {
    errors.invalid(path.child("allocation"), nullptr, "field is immutable");
  }
}

}  // namespace pintle::apiserver::resources::device

// Extended resources that device classes stand for: the requests for devices that a pod's containers come to on a node, and which container's
// amount each of them serves. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"

namespace pintle::scheduler::plugins {

struct ExtendedRequests {
  std::vector<api::resource_v1::DeviceRequest> requests;                 // by name
  std::vector<api::core_v1::ContainerExtendedResourceRequest> mappings;  // by resource; containers that last before those that end
};

// `resources`: sorted names with their classes. Init containers that end before the others begin use what those ask for, and share what they
// need besides.
struct ResourceClass {
  std::string resource;
  std::string device_class;
};
ExtendedRequests extended_requests(const api::core_v1::PodSpec& spec, const std::vector<ResourceClass>& resources);

}  // namespace pintle::scheduler::plugins

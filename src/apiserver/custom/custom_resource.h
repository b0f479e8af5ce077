// A CustomResourceDefinition as the registry takes it: a resource with its versions, and what discovery tells of them.
#pragma once

#include <memory>
#include <vector>

#include "apiserver/custom/conversion.h"
#include "apiserver/custom/definition_status.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver::custom {

struct CustomResource {
  std::shared_ptr<const registry::Resource> resource;
  std::vector<registry::CustomVersion> described;  // those that are served
};

// Under its accepted names. Invalid where a schema cannot be compiled.
Result<CustomResource> make_resource(const Definition& definition, const ConversionDeps& deps);

}  // namespace pintle::apiserver::custom

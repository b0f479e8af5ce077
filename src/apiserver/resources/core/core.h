// The resources of the core group, one function each.
#pragma once

#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

ResourceDefinition pods();
ResourceDefinition pod_templates();
ResourceDefinition replication_controllers();
ResourceDefinition config_maps();
ResourceDefinition secrets();
ResourceDefinition service_accounts();
ResourceDefinition namespaces();
ResourceDefinition nodes();
ResourceDefinition services();
ResourceDefinition endpoints();
ResourceDefinition events();
ResourceDefinition limit_ranges();
ResourceDefinition resource_quotas();
ResourceDefinition persistent_volumes();
ResourceDefinition persistent_volume_claims();
ResourceDefinition bindings();
ResourceDefinition component_statuses();

}  // namespace pintle::apiserver::resources

// The resources of the core group, one function each.
#pragma once

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

registry::ResourceDefinition pods();
registry::ResourceDefinition pod_templates();
registry::ResourceDefinition replication_controllers();
registry::ResourceDefinition config_maps();
registry::ResourceDefinition secrets();
// `issuer` nullptr: no tokens are made.
registry::ResourceDefinition service_accounts(authentication::service_account::TokenIssuer* issuer);
registry::ResourceDefinition namespaces();
registry::ResourceDefinition nodes();
// `allocator` nullptr: one of its own.
registry::ResourceDefinition services(std::shared_ptr<ServiceAllocator> allocator);
registry::ResourceDefinition endpoints();
registry::ResourceDefinition events();
registry::ResourceDefinition limit_ranges();
registry::ResourceDefinition resource_quotas();
registry::ResourceDefinition persistent_volumes();
registry::ResourceDefinition persistent_volume_claims();
registry::ResourceDefinition bindings();
// Made up when they are asked for. `store_failure`: why the store cannot write; nullopt: it can.
registry::ResourceDefinition component_statuses(std::function<std::optional<Status>()> store_failure);

}  // namespace pintle::apiserver::resources

// The resources of the core group, one function each.
#pragma once

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

ResourceDefinition pods();
ResourceDefinition pod_templates();
ResourceDefinition replication_controllers();
ResourceDefinition config_maps();
ResourceDefinition secrets();
// `issuer` nullptr: no tokens are made.
ResourceDefinition service_accounts(service_account::TokenIssuer* issuer);
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
// Made up when they are asked for. `store_failure`: why the store cannot write; nullopt: it can.
ResourceDefinition component_statuses(std::function<std::optional<Status>()> store_failure);

}  // namespace pintle::apiserver::resources

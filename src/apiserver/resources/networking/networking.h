// The resources of the networking.k8s.io group.
#pragma once

#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

registry::ResourceDefinition ingresses();
registry::ResourceDefinition ingress_classes();
registry::ResourceDefinition network_policies();
registry::ResourceDefinition service_cidrs();
registry::ResourceDefinition ip_addresses();

}  // namespace pintle::apiserver::resources

// The resources of the networking.k8s.io group.
#pragma once

#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

ResourceDefinition ingresses();
ResourceDefinition ingress_classes();
ResourceDefinition network_policies();
ResourceDefinition service_cidrs();
ResourceDefinition ip_addresses();

}  // namespace pintle::apiserver::resources

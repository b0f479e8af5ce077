// The resources of the apps group.
#pragma once

#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

registry::ResourceDefinition deployments();
registry::ResourceDefinition replica_sets();
registry::ResourceDefinition stateful_sets();
registry::ResourceDefinition daemon_sets();
registry::ResourceDefinition controller_revisions();

}  // namespace pintle::apiserver::resources

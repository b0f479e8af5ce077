// The resources of the apps group.
#pragma once

#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

ResourceDefinition deployments();
ResourceDefinition replica_sets();
ResourceDefinition stateful_sets();
ResourceDefinition daemon_sets();
ResourceDefinition controller_revisions();

}  // namespace pintle::apiserver::resources

#include "apiserver/resources/apps/apps.h"

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

void add_apps(Definitions& out) {
  for (auto definition : {controller_revisions, daemon_sets, deployments, replica_sets, stateful_sets}) out.push_back(definition());
}

}  // namespace pintle::apiserver::resources

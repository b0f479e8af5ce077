#include "apiserver/resources/core/core.h"

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

void add_core(Definitions& out) {
  for (auto definition : {bindings, component_statuses, config_maps, endpoints, events, limit_ranges, namespaces, nodes, persistent_volume_claims,
                          persistent_volumes, pod_templates, pods, replication_controllers, resource_quotas, secrets, service_accounts, services})
    out.push_back(definition());
}

}  // namespace pintle::apiserver::resources

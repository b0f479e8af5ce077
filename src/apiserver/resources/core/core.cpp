#include "apiserver/resources/core/core.h"

namespace pintle::apiserver::resources {

void add_core(const Deps& deps, Definitions& out) {
  out.push_back(service_accounts(deps.issuer));
  out.push_back(services(deps.service_allocator));
  out.push_back(component_statuses(deps.store_failure));
  for (auto definition : {bindings, config_maps, endpoints, events, limit_ranges, namespaces, nodes, persistent_volume_claims, persistent_volumes,
                          pod_templates, pods, replication_controllers, resource_quotas, secrets})
    out.push_back(definition());
}

}  // namespace pintle::apiserver::resources

// What changed since the rules were last written: the informers' handlers mark it, the sync loop takes it. The handlers
// keep it alive, since informers that others share outlive the proxy. Belongs to one executor.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "api/gen/networking_v1.h"
#include "client/informers.h"
#include "proxy/types/service_port.h"
#include "rt/sync.h"

namespace pintle::proxy {

struct Changes {
  std::set<ServiceName> services;
  bool config = false;              // the node, the service ranges
  std::vector<api::Time> triggers;  // when what these endpoint changes follow from happened
  std::size_t service_changes = 0;
  std::size_t endpoint_changes = 0;
  rt::Event pending;

  bool empty() const { return services.empty() && !config; }
};

// The proxy's view of the API.
struct Sources {
  client::Informer<api::core_v1::Service> services;
  client::Informer<api::discovery_v1::EndpointSlice> slices;
  client::Informer<api::core_v1::Node> nodes;
  client::Informer<api::networking_v1::ServiceCIDR> service_cidrs;
};
// The index of slices by "namespace/service".
constexpr std::string_view slices_by_service = "proxy/service";

// With `shared` false only what this proxy needs is asked for.
Sources make_sources(client::Informers& informers, const std::string& node_name, bool shared);
// `on_change` is called after each mark.
void watch(Sources& sources, std::string node_name, std::shared_ptr<Changes> changes, std::function<void()> on_change);

}  // namespace pintle::proxy

#include "apiserver/callout/service_resolver.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/discovery_v1.h"
#include "net/url.h"

namespace pintle::apiserver::callout {

namespace {

namespace core = api::core_v1;
namespace discovery = api::discovery_v1;

constexpr std::string_view service_name_label = "kubernetes.io/service-name";

std::string origin_of(std::string_view host, int32_t port) {
  return "https://" + (host.find(':') == host.npos ? std::string(host) : "[" + std::string(host) + "]") + ":" + std::to_string(port);
}

bool has_cluster_ip(const core::Service& service) {
  const std::string& type = service.spec.type;
  return type == "ClusterIP" || type == "LoadBalancer" || type == "NodePort";
}

// A ready endpoint of the slice that serves the port, the first one from `from` on; "": there is none.
std::string ready_endpoint(const discovery::EndpointSlice& slice, std::string_view port_name, uint64_t from) {
  for (const auto& port : slice.ports) {
    if (port.name.value_or("") != port_name || !port.port) continue;
    for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
      const auto& one = slice.endpoints[(from + i) % slice.endpoints.size()];
      if (one.conditions.ready.value_or(true) && !one.addresses.empty()) return origin_of(one.addresses.front(), *port.port);
    }
  }
  return {};
}

}  // namespace

Result<const core::ServicePort*> find_service_port(const core::Service& service, int32_t port) {
  const auto found = std::ranges::find_if(service.spec.ports, [&](const auto& one) { return one.port == port; });
  if (found == service.spec.ports.end())
    return error(Reason::ServiceUnavailable, fmt::format("no service port {} found for service \"{}\"", port, service.metadata.name));
  return &*found;
}

Result<std::string> ServiceResolver::resolve(const ServiceName& wanted) const {
  if (wanted.ns == "default" && wanted.name == "kubernetes" && wanted.port == 443 && !own_origin_.empty()) return own_origin_;
  auto found = reader_.get_as<core::Service>({"", "services"}, wanted.ns, wanted.name);
  if (!found && found.error().reason == Reason::NotFound) found.error().message = fmt::format("service \"{}\" not found", wanted.name);  // as listers
  if (!found) return Unexpected(std::move(found.error()));
  const core::Service& service = *found;
  if (by_endpoints_) return endpoint(wanted, service);
  if (service.spec.type == "ExternalName") return origin_of(service.spec.external_name, wanted.port);
  if (!has_cluster_ip(service)) return internal(fmt::format("unsupported service type \"{}\"", service.spec.type));
  if (service.spec.type == "ClusterIP" && service.spec.cluster_ip == "None") return internal("cannot route to service with ClusterIP \"None\"");
  TRY(find_service_port(service, wanted.port));
  return origin_of(service.spec.cluster_ip, wanted.port);
}

Result<std::string> ServiceResolver::endpoint(const ServiceName& wanted, const core::Service& service) const {
  if (!has_cluster_ip(service)) return internal(fmt::format("unsupported service type \"{}\"", service.spec.type));
  TRY_ASSIGN(const core::ServicePort* const port, find_service_port(service, wanted.port));
  const GroupResource slices{"discovery.k8s.io", "endpointslices"};
  std::vector<storage::CachedObjectPtr> own = reader_.list(slices, wanted.ns);
  std::erase_if(own, [&](const auto& slice) {
    const auto* of = slice->header().labels.get(service_name_label);
    return of == nullptr || *of != wanted.name;
  });
  if (own.size() > 1) std::ranges::rotate(own, own.begin() + static_cast<std::ptrdiff_t>(random_.next_u64() % own.size()));
  const std::string family = service.spec.ip_families.empty() ? "" : service.spec.ip_families.front();
  std::string of_other_family;
  for (const auto& cached : own) {
    TRY_ASSIGN(const api::Object object, reader_.decode(slices, *cached));
    const auto& slice = object.as<discovery::EndpointSlice>();
    std::string origin = ready_endpoint(slice, port->name, random_.next_u64());
    if (origin.empty()) continue;
    if (family.empty() || slice.address_type == family) return origin;
    if (of_other_family.empty()) of_other_family = std::move(origin);
  }
  if (!of_other_family.empty()) return of_other_family;
  return error(Reason::ServiceUnavailable, fmt::format("no endpoints available for service \"{}\"", wanted.name));
}

}  // namespace pintle::apiserver::callout

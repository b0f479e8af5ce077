#include "apiserver/aggregation/availability.h"

#include <algorithm>

#include <fmt/format.h>

#include "rules/conditions.h"

namespace pintle::apiserver::aggregation {

namespace {

namespace core = api::core_v1;
namespace discovery = api::discovery_v1;

Condition condition(std::string status, std::string reason, std::string message) {
  Condition out;
  out.type = "Available";
  out.status = std::move(status);
  out.reason = std::move(reason);
  out.message = std::move(message);
  return out;
}

bool is_ready(const discovery::Endpoint& endpoint) { return endpoint.conditions.ready.value_or(true); }

// Of one slice: somebody is ready, and it has the port.
bool has_endpoint(const discovery::EndpointSlice& slice, const std::string& port_name) {
  const auto is_port = [&](const discovery::EndpointPort& port) { return port.name && *port.name == port_name && port.port; };
  return std::ranges::any_of(slice.endpoints, is_ready) && std::ranges::any_of(slice.ports, is_port);
}

}  // namespace

std::optional<Condition> judge(const callout::ServiceName& name, const core::Service* service, std::span<const discovery::EndpointSlice> slices) {
  const std::string which = fmt::format("service/{} in \"{}\"", name.name, name.ns);
  if (service == nullptr) return condition("False", "ServiceNotFound", which + " is not present");
  if (service->spec.type != "ClusterIP") return std::nullopt;
  const auto port = std::ranges::find(service->spec.ports, name.port, &core::ServicePort::port);
  if (port == service->spec.ports.end())
    return condition("False", "ServicePortError", fmt::format("{} is not listening on port {}", which, name.port));
  if (slices.empty()) return condition("False", "EndpointsNotFound", "cannot find endpointslices for " + which);
  if (std::ranges::none_of(slices, [&](const discovery::EndpointSlice& slice) { return has_endpoint(slice, port->name); }))
    return condition("False", "MissingEndpoints", fmt::format("endpointslices for {} have no addresses with port name \"{}\"", which, port->name));
  return std::nullopt;
}

Condition local_condition() { return condition("True", "Local", "Local APIServices are always available"); }
Condition passed_condition() { return condition("True", "Passed", "all checks passed"); }
Condition failed_condition(std::string why) { return condition("False", "FailedDiscoveryCheck", std::move(why)); }

bool set_condition(api::apiregistration_v1::APIServiceStatus& status, Condition next, api::Time now) {
  const Condition* before = rules::find_condition(status.conditions, next.type);
  if (before != nullptr && before->status == next.status && before->reason == next.reason && before->message == next.message) return false;
  next.last_transition_time = now;
  rules::set_condition(status.conditions, std::move(next));
  return true;
}

}  // namespace pintle::apiserver::aggregation

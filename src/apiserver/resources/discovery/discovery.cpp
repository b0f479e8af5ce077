#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "api/codec.h"
#include "api/gen/discovery_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/resources.h"
#include "base/ip_address.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace discovery = api::discovery_v1;

constexpr std::array<std::string_view, 3> address_types{"FQDN", "IPv4", "IPv6"};
constexpr std::array<std::string_view, 3> protocols{"SCTP", "TCP", "UDP"};
constexpr std::size_t endpoints_max = 1000;
constexpr std::size_t ports_max = 20000;
constexpr std::size_t addresses_max = 100;
constexpr std::size_t zones_max = 8;
constexpr std::size_t shown_max = 3;

void validate_address(const std::string& address, std::string_view type, const FieldPath& path, FieldErrors& errors) {
  if (type == "FQDN") {
    errors.invalid_all(path, address, apimachinery::check_dns_subdomain(address));
    return;
  }
  const auto ip = parse_address(address);
  if (!ip || family_name(ip->family) != type) {
    errors.invalid(path, address, fmt::format("must be a valid {} address", type));
    return;
  }
  const auto forbidden = [&](std::string_view range, const char* why) {
    if (parse_prefix(range)->contains(*ip)) errors.invalid(path, address, why);
  };
  if (ip->is_v6()) {
    forbidden("::/128", "may not be unspecified (::)");
    forbidden("::1/128", "may not be in the loopback range (::1/128)");
    forbidden("fe80::/10", "may not be in the link-local range (fe80::/10)");
    forbidden("ff02::/16", "may not be in the link-local multicast range (ff02::/10)");
  } else {
    forbidden("0.0.0.0/32", "may not be unspecified (0.0.0.0)");
    forbidden("127.0.0.0/8", "may not be in the loopback range (127.0.0.0/8)");
    forbidden("169.254.0.0/16", "may not be in the link-local range (169.254.0.0/16)");
    forbidden("224.0.0.0/24", "may not be in the link-local multicast range (224.0.0.0/24)");
  }
}

void validate_endpoint(const discovery::Endpoint& endpoint, std::string_view type, const FieldPath& path, FieldErrors& errors) {
  if (endpoint.addresses.empty()) errors.required(path.child("addresses"), "must contain at least 1 address");
  if (endpoint.addresses.size() > addresses_max) errors.too_many(path.child("addresses"), endpoint.addresses.size(), addresses_max);
  if (contains(address_types, type))
    for (std::size_t i = 0; i < endpoint.addresses.size(); ++i)
      validate_address(endpoint.addresses[i], type, path.child("addresses").index(i), errors);
  if (endpoint.node_name) errors.invalid_all(path.child("nodeName"), *endpoint.node_name, apimachinery::check_dns_subdomain(*endpoint.node_name));
  if (endpoint.hostname) errors.invalid_all(path.child("hostname"), *endpoint.hostname, apimachinery::check_dns_label(*endpoint.hostname));
  if (endpoint.hints) {
    const auto& zones = endpoint.hints->for_zones;
    if (zones.size() > zones_max) errors.too_many(path.child("hints", "forZones"), zones.size(), zones_max);
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < zones.size(); ++i) {
      const FieldPath at = path.child("hints", "forZones").index(i).child("name");
      if (!seen.insert(zones[i].name).second) errors.duplicate(at, zones[i].name);
      errors.invalid_all(at, zones[i].name, apimachinery::check_label_value(zones[i].name));
    }
  }
}

void validate_ports(const std::vector<discovery::EndpointPort>& ports, FieldErrors& errors) {
  const FieldPath path("ports");
  if (ports.size() > ports_max) errors.too_many(path, ports.size(), ports_max);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const FieldPath at = path.index(i);
    const std::string_view name = ports[i].name ? std::string_view(*ports[i].name) : std::string_view();
    if (!name.empty()) errors.invalid_all(at.child("name"), name, apimachinery::check_dns_label(name));
    if (!names.insert(name).second) errors.duplicate(at.child("name"), name);
    if (ports[i].protocol && !contains(protocols, *ports[i].protocol)) errors.not_supported(at.child("protocol"), *ports[i].protocol, protocols);
    if (ports[i].app_protocol)
      errors.invalid_all(at.child("appProtocol"), *ports[i].app_protocol, apimachinery::check_qualified_name(*ports[i].app_protocol));
  }
}

class EndpointSliceStrategy : public registry::TypedStrategy<discovery::EndpointSlice> {
 public:
  void set_defaults(discovery::EndpointSlice& slice) const override {
    for (discovery::EndpointPort& port : slice.ports) {
      if (!port.name) port.name = "";
      if (!port.protocol) port.protocol = "TCP";
    }
  }
  // Labels say whose endpoints they are: a change of theirs counts.
  void prepare_for_update(const RequestScope&, discovery::EndpointSlice& slice, const discovery::EndpointSlice& old) const override {
    if (slice.metadata.labels != old.metadata.labels) slice.metadata.generation = old.metadata.generation + 1;
  }
  void validate(const RequestScope&, const discovery::EndpointSlice& slice, FieldErrors& errors) const override {
    if (slice.address_type.empty()) {
      errors.required(FieldPath("addressType"));
    } else if (!contains(address_types, slice.address_type)) {
      errors.not_supported(FieldPath("addressType"), slice.address_type, address_types);
    }
    if (slice.endpoints.size() > endpoints_max) errors.too_many(FieldPath("endpoints"), slice.endpoints.size(), endpoints_max);
    for (std::size_t i = 0; i < slice.endpoints.size(); ++i)
      validate_endpoint(slice.endpoints[i], slice.address_type, FieldPath("endpoints").index(i), errors);
    validate_ports(slice.ports, errors);
  }
  void validate_update(const RequestScope&, const discovery::EndpointSlice& slice, const discovery::EndpointSlice& old,
                       FieldErrors& errors) const override {
    if (slice.address_type != old.address_type) errors.invalid(FieldPath("addressType"), slice.address_type, "field is immutable");
  }
  void table_cells(const discovery::EndpointSlice& slice, registry::TableCells& cells) const override {
    std::string ports;
    for (std::size_t i = 0; i < slice.ports.size() && i < shown_max; ++i)
      ports += (ports.empty() ? "" : ",") + (slice.ports[i].port ? std::to_string(*slice.ports[i].port) : std::string("*"));
    if (slice.ports.size() > shown_max) ports += fmt::format(" + {} more...", slice.ports.size() - shown_max);
    std::string addresses;
    std::size_t count = 0;
    for (const discovery::Endpoint& endpoint : slice.endpoints)
      for (const std::string& address : endpoint.addresses)
        if (++count <= shown_max) addresses += (addresses.empty() ? "" : ",") + address;
    if (count > shown_max) addresses += fmt::format(" + {} more...", count - shown_max);
    cells.emplace_back(slice.metadata.name);
    cells.emplace_back(slice.address_type);
    cells.emplace_back(ports.empty() ? "<unset>" : ports);
    cells.emplace_back(addresses.empty() ? "<unset>" : addresses);
    cells.push_back(registry::TableCell::age(slice.metadata.creation_timestamp));
  }
};

}  // namespace

void add_discovery(Definitions& out) {
  registry::ResourceDefinition slices;
  slices.resource = {"discovery.k8s.io", "endpointslices"};
  slices.strategy = std::make_shared<EndpointSliceStrategy>();
  slices.has_generation = true;
  out.push_back(std::move(slices));
}

}  // namespace pintle::apiserver::resources

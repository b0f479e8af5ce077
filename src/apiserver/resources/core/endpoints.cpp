#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/service.h"
#include "base/ip_address.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using apimachinery::check_legacy_ip;

constexpr std::size_t shown_max = 3;  // addresses of a table row

bool in_range(const IpAddress& ip, std::string_view cidr) { return parse_prefix(cidr)->contains(ip); }

}  // namespace

void validate_endpoint_ip(const std::string& text, const FieldPath& path, FieldErrors& errors) {
  const auto ip = parse_address(text);
  if (!ip) {
    errors.invalid(path, text, "must be a valid IP address");
    return;
  }
  if (ip->is_unspecified()) errors.invalid(path, text, "may not be unspecified (0.0.0.0 or ::)");
  if (in_range(*ip, ip->is_v6() ? "::1/128" : "127.0.0.0/8")) errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (in_range(*ip, ip->is_v6() ? "fe80::/10" : "169.254.0.0/16"))
    errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (in_range(*ip, ip->is_v6() ? "ff02::/16" : "224.0.0.0/24"))
    errors.invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

namespace {

class EndpointsStrategy : public registry::TypedStrategy<core::Endpoints> {
 public:
  void validate(const RequestScope&, const core::Endpoints& endpoints, FieldErrors& errors) const override {
    for (std::size_t i = 0; i < endpoints.subsets.size(); ++i) {
      const core::EndpointSubset& subset = endpoints.subsets[i];
      const FieldPath at = FieldPath("subsets").index(i);
      if (subset.addresses.empty() && subset.not_ready_addresses.empty()) errors.required(at, "must specify `addresses` or `notReadyAddresses`");
      for (std::size_t a = 0; a < subset.addresses.size(); ++a) validate_address(subset.addresses[a], at.child("addresses").index(a), errors);
      for (std::size_t a = 0; a < subset.not_ready_addresses.size(); ++a)
        validate_address(subset.not_ready_addresses[a], at.child("notReadyAddresses").index(a), errors);
      for (std::size_t p = 0; p < subset.ports.size(); ++p)
        validate_port(subset.ports[p], subset.ports.size() > 1, at.child("ports").index(p), errors);
    }
  }

  void table_cells(const core::Endpoints& endpoints, registry::TableCells& cells) const override {
    cells.emplace_back(endpoints.metadata.name);
    cells.emplace_back(addresses_text(endpoints));
    cells.push_back(registry::TableCell::age(endpoints.metadata.creation_timestamp));
  }

 private:
  static void validate_address(const core::EndpointAddress& address, const FieldPath& path, FieldErrors& errors) {
    errors.invalid_all(path.child("ip"), address.ip, check_legacy_ip(address.ip));
    if (!address.hostname.empty()) errors.invalid_all(path.child("hostname"), address.hostname, apimachinery::check_dns_label(address.hostname));
    if (address.node_name) errors.invalid_all(path.child("nodeName"), *address.node_name, apimachinery::check_dns_subdomain(*address.node_name));
    validate_endpoint_ip(address.ip, path.child("ip"), errors);
  }
  static void validate_port(const core::EndpointPort& port, bool needs_name, const FieldPath& path, FieldErrors& errors) {
    constexpr std::array<std::string_view, 3> protocols{"SCTP", "TCP", "UDP"};
    if (needs_name && port.name.empty()) {
      errors.required(path.child("name"));
    } else if (!port.name.empty()) {
      errors.invalid_all(path.child("name"), port.name, apimachinery::check_dns_label(port.name));
    }
    errors.invalid_all(path.child("port"), port.port, apimachinery::check_port_number(port.port));
    if (port.protocol.empty()) {
      errors.required(path.child("protocol"));
    } else if (std::find(protocols.begin(), protocols.end(), port.protocol) == protocols.end()) {
      errors.not_supported(path.child("protocol"), port.protocol, protocols);
    }
    if (port.app_protocol) errors.invalid_all(path.child("appProtocol"), *port.app_protocol, apimachinery::check_qualified_name(*port.app_protocol));
  }
  static std::string addresses_text(const core::Endpoints& endpoints) {
    std::string out;
    std::size_t count = 0;
    const auto add = [&](auto&& text) {
      if (++count <= shown_max) out += (out.empty() ? "" : ",") + text();
    };
    for (const core::EndpointSubset& subset : endpoints.subsets) {
      if (subset.ports.empty())
        for (const core::EndpointAddress& address : subset.addresses) add([&] { return address.ip; });
      for (const core::EndpointPort& port : subset.ports) {
        if (count > shown_max) {  // each port with each address: not to be gone through only to be counted
          count += subset.addresses.size();
          continue;
        }
        for (const core::EndpointAddress& address : subset.addresses)
          add([&] { return fmt::format(fmt::runtime(address.ip.find(':') != std::string::npos ? "[{}]:{}" : "{}:{}"), address.ip, port.port); });
      }
    }
    if (count > shown_max) out += fmt::format(" + {} more...", count - shown_max);
    return out.empty() ? "<none>" : out;
  }
};

}  // namespace

registry::ResourceDefinition endpoints() {
  return {.resource = {"", "endpoints"},
          .key_prefix = "services/endpoints",
          .strategy = std::make_shared<EndpointsStrategy>(),
          .allow_create_on_update = true};
}

}  // namespace pintle::apiserver::resources

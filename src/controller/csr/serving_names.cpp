#include "controller/csr/serving_names.h"

#include <algorithm>

#include "apimachinery/validation/formats.h"
#include "base/strings.h"

namespace pintle::controller::csr {
namespace {

using api::core_v1::Node;
using Nodes = std::vector<std::shared_ptr<const Node>>;

// "Kubernetes." and "kubernetes" are one name to whoever resolves it.
std::string folded(std::string_view name) {
  std::string out = to_lower(name);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

// Addresses that are no single machine's on any network.
bool is_nobodys(const IpAddress& address) {
  static const std::vector<IpPrefix> ranges = [] {
    std::vector<IpPrefix> out;
    for (const char* text : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"})
      out.push_back(*parse_prefix(text));
    return out;
  }();
  return std::ranges::any_of(ranges, [&](const IpPrefix& range) { return range.contains(address); });
}

// Names by which services are known inside a cluster: web.default.svc, web.default.svc.cluster.local.
bool is_service_name(std::string_view name) {
  return name.ends_with(".svc") || name.find(".svc.") != name.npos || name == "kubernetes" || name.starts_with("kubernetes.default") ||
         name == "localhost" || name.ends_with(".localhost");
}

std::optional<std::string> forbidden_name(const std::string& name, const ServingNameRules& rules) {
  if (!apimachinery::check_dns_subdomain(name).empty()) return "\"" + name + "\" is no name of one machine";
  if (parse_address(name)) return "\"" + name + "\" is an address, not a name";
  if (is_service_name(name) || std::ranges::find(rules.names, name) != rules.names.end())
    return "\"" + name + "\" is a name of the API server, of a service or of the loopback";
  return std::nullopt;
}

std::optional<std::string> forbidden_address(const std::string& text, const ServingNameRules& rules) {
  const auto address = parse_address(text);
  if (!address) return "\"" + text + "\" is no address";
  if (is_nobodys(*address)) return text + " is a loopback, link-local, multicast or unspecified address";
  const bool service = std::ranges::any_of(rules.ranges, [&](const IpPrefix& range) { return range.contains(*address); });
  if (service || std::ranges::find(rules.addresses, *address) != rules.addresses.end())
    return text + " is an address of services or of the API server";
  return std::nullopt;
}

bool reports(const Node& node, const std::string& text) {
  const auto wanted = parse_address(text);
  return std::ranges::any_of(node.status.addresses, [&](const auto& address) {
    if (!wanted) return folded(address.address) == text;
    const auto own = parse_address(address.address);
    return own && *own == *wanted;
  });
}

bool is_older(const Node& a, const Node& b) {
  const auto key = [](const Node& node) { return std::pair(node.metadata.creation_timestamp.seconds, std::string_view(node.metadata.name)); };
  return key(a) < key(b);
}

// `text`: a folded name or an address.
std::optional<std::string> not_its_own(const std::string& name, const std::string& text, const Node* self, const Nodes& nodes) {
  for (const auto& node : nodes) {
    if (node->metadata.name == name) continue;
    if (node->metadata.name == text) return "\"" + text + "\" is the name of another node";
    if (reports(*node, text) && (self == nullptr || is_older(*node, *self)))
      return "node " + node->metadata.name + " reports " + text + " too, and was there before";
  }
  if (text == name || (self != nullptr && reports(*self, text))) return std::nullopt;
  return "the node does not report " + text;
}

// An address in whatever form is one.
std::string found_by(const std::string& text) {
  const auto address = parse_address(text);
  return address ? address->to_string() : folded(text);
}

}  // namespace

std::vector<std::string> names_of(const Node& node) {
  std::vector<std::string> out = {found_by(node.metadata.name)};
  for (const auto& address : node.status.addresses) out.push_back(found_by(address.address));
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::string> names_of(const component::CertificateInfo& request) {
  std::vector<std::string> out;
  for (const auto* list : {&request.dns_names, &request.ip_addresses})
    for (const std::string& asked : *list) out.push_back(found_by(asked));
  return out;
}

ServingNameRules::ServingNameRules(const std::vector<std::string>& reserved_names, const std::vector<std::string>& service_cidrs) {
  for (const std::string& name : reserved_names) {
    if (const auto address = parse_address(name)) {
      addresses.push_back(*address);
    } else {
      names.push_back(folded(name));
    }
  }
  for (const std::string& text : service_cidrs)
    if (const auto range = parse_prefix(text)) ranges.push_back(*range);
}

std::optional<NameFault> serving_name_fault(const std::string& name, const component::CertificateInfo& request, const Nodes& nodes,
                                            const ServingNameRules& rules) {
  for (const std::string& asked : request.dns_names)
    if (auto why = forbidden_name(folded(asked), rules)) return NameFault{std::move(*why), true};
  for (const std::string& asked : request.ip_addresses)
    if (auto why = forbidden_address(asked, rules)) return NameFault{std::move(*why), true};
  const auto found = std::ranges::find_if(nodes, [&](const auto& node) { return node->metadata.name == name; });
  const Node* self = found == nodes.end() ? nullptr : found->get();
  for (const auto* list : {&request.dns_names, &request.ip_addresses})
    for (const std::string& asked : *list)
      if (auto why = not_its_own(name, folded(asked), self, nodes)) return NameFault{std::move(*why), false};
  return std::nullopt;
}

}  // namespace pintle::controller::csr

#include "dns/client_ranges.h"

#include <algorithm>

namespace pintle::dns {

namespace {

// Without a zone ("%eth0").
std::optional<IpAddress> address_of(std::string_view text) { return parse_address(text.substr(0, text.find('%'))); }

}  // namespace

bool ClientRanges::contains(std::string_view text) const {
  if (ranges_.empty()) return true;
  const auto address = address_of(text);
  if (!address) return false;
  if (address->is_loopback() || own_.contains(*address) || node_addresses_.contains(*address)) return true;
  return std::ranges::any_of(ranges_, [&](const IpPrefix& range) { return range.contains(*address); });
}

void ClientRanges::set_node(const std::string& name, const std::vector<std::string>& addresses) {
  const auto first = nodes_.lower_bound({name, IpAddress()});
  auto last = first;
  for (; last != nodes_.end() && last->first == name; ++last) node_addresses_.erase(node_addresses_.find(last->second));
  nodes_.erase(first, last);
  for (const std::string& text : addresses) {
    const auto address = address_of(text);
    if (address && nodes_.emplace(name, *address).second) node_addresses_.insert(*address);
  }
}

void ClientRanges::add(std::string_view text) {
  if (const auto address = address_of(text); address && !address->is_unspecified()) own_.insert(*address);
}

Result<std::vector<IpPrefix>> parse_client_ranges(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> out;
  for (const std::string& text : texts) {
    const auto address = parse_address(text);
    const auto range = address ? IpPrefix::of(*address) : parse_prefix(text);
    if (!range) return error(Reason::Invalid, "\"" + text + "\" is neither an address nor a range of them");
    out.push_back(*range);
  }
  return out;
}

std::vector<IpPrefix> private_ranges() {
  std::vector<IpPrefix> out;
  for (const char* text :
       {"127.0.0.0/8", "169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fe80::/10", "fc00::/7"})
    out.push_back(*parse_prefix(text));
  return out;
}

}  // namespace pintle::dns

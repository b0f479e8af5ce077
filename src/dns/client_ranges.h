// Whom a DNS server answers: an open resolver is a tool against others (small forged questions, large answers), and tells strangers what
// runs in the cluster. Belongs to one executor.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/status.h"

namespace pintle::dns {

class ClientRanges {
 public:
  // Nothing in it: whoever reaches the server is answered. Otherwise also loopback, and what add() names.
  explicit ClientRanges(std::vector<IpPrefix> ranges) : ranges_(std::move(ranges)) {}

  bool contains(std::string_view address) const;
  bool open() const { return ranges_.empty(); }
  // Addresses of a node, in place of those that it had; none: it is gone.
  void set_node(const std::string& name, const std::vector<std::string>& addresses);
  // An address of this server itself.
  void add(std::string_view address);

 private:
  std::vector<IpPrefix> ranges_;
  std::set<IpAddress> own_;
  std::set<std::pair<std::string, IpAddress>> nodes_;  // name, address
  std::multiset<IpAddress> node_addresses_;
};

// "10.42.0.0/16" or "192.0.2.7"; Invalid names the one that is none.
Result<std::vector<IpPrefix>> parse_client_ranges(const std::vector<std::string>& texts);
// Loopback, link-local, private (RFC 1918, RFC 4193) and shared (RFC 6598) addresses: what pods and nodes have, and the internet has not.
std::vector<IpPrefix> private_ranges();

}  // namespace pintle::dns

// Links, addresses, routes and neighbours of the network namespace in which the socket was opened, by rtnetlink.
// Requests are answered by the kernel at once: calls do not wait for the network. One thread at a time.
// Addresses are texts ("10.0.0.1", "fd00::1"), prefixes "10.0.0.0/24", hardware addresses "0a:00:00:00:00:01".
// Errors: NotFound (no such link, route ...), AlreadyExists, Forbidden, Invalid for a malformed address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "os/fd.h"

namespace pintle::os::netlink {

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "bridge", "vxlan", "veth", "dummy"; "" for hardware and lo
  std::string mac;
  uint32_t mtu = 0;
  int master_index = 0;  // 0: none
  bool up = false;       // administratively
  bool running = false;  // has carrier
  bool loopback = false;
};

struct Address {
  int link_index = 0;
  std::string prefix;  // "10.1.0.1/24"
  std::string label;
  uint8_t scope = 0;  // RT_SCOPE_*
  bool permanent = true;
  bool tentative = false;
};

enum class RouteType : uint8_t { Unicast = 1, Local = 2, Blackhole = 6, Unreachable = 7 };

struct Route {
  std::string destination;  // "10.2.0.0/24"; "default" when zero length: "0.0.0.0/0", "::/0"
  std::string gateway;      // "": on the link
  std::string source;       // preferred source address; ""
  int link_index = 0;       // 0: found by the gateway
  uint32_t table = 254;     // RT_TABLE_MAIN
  uint32_t priority = 0;    // metric
  uint32_t mtu = 0;         // 0: the link's
  uint8_t scope = 0;        // RT_SCOPE_UNIVERSE; RT_SCOPE_LINK (253) on the link
  uint8_t protocol = 4;     // RTPROT_STATIC: who made it
  RouteType type = RouteType::Unicast;
  bool on_link = false;  // the gateway is reachable though no route says so
  bool operator==(const Route&) const = default;
};

struct Neighbour {
  int link_index = 0;
  std::string ip;  // of an FDB entry: the tunnel's far end
  std::string mac;
  bool permanent = true;
};

struct VxlanOptions {
  std::string name;
  uint32_t vni = 1;
  uint16_t port = 8472;
  std::string local_address;  // "": by the route
  int underlay_index = 0;     // 0: by the route
  bool learning = false;
  std::string mac;  // "": made by the kernel
  uint32_t mtu = 0;
};

class Netlink {
 public:
  static Result<Netlink> open();

  Result<std::vector<Link>> links();
  Result<Link> link(const std::string& name);        // NotFound
  Result<Link> add_bridge(const std::string& name);  // AlreadyExists
  Result<Link> add_dummy(const std::string& name);
  Result<Link> add_vxlan(const VxlanOptions& options);
  Result<Unit> add_veth(const std::string& name, const std::string& peer);
  Result<Unit> remove_link(int index);
  Result<Unit> set_up(int index, bool up);
  Result<Unit> set_mtu(int index, uint32_t mtu);
  Result<Unit> set_mac(int index, const std::string& mac);
  Result<Unit> set_master(int index, int master_index);  // 0: none
  Result<Unit> move_to_namespace(int index, int namespace_fd);

  Result<std::vector<Address>> addresses();
  Result<Unit> replace_address(int link_index, const std::string& prefix);
  Result<Unit> remove_address(int link_index, const std::string& prefix);

  // Of both families, `table` only (254: main).
  Result<std::vector<Route>> routes(uint32_t table = 254);
  Result<Unit> replace_route(const Route& route);
  Result<Unit> remove_route(const Route& route);

  Result<std::vector<Neighbour>> neighbours(int link_index);
  Result<Unit> replace_neighbour(const Neighbour& neighbour);
  Result<Unit> remove_neighbour(const Neighbour& neighbour);
  // A bridge or VXLAN forwarding entry: frames to `mac` go to the tunnel end `ip`.
  Result<std::vector<Neighbour>> forwarding_entries(int link_index);
  Result<Unit> replace_forwarding_entry(const Neighbour& entry);
  Result<Unit> remove_forwarding_entry(const Neighbour& entry);

 private:
  explicit Netlink(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<std::vector<std::string>> ask(std::string request, bool dump);
  Result<Unit> change(std::string request, std::string_view what);
  Result<Link> add_link(std::string request, const std::string& name);
  Result<Unit> write_neighbour(uint16_t type, uint16_t flags, uint8_t family, const Neighbour& neighbour);
  Result<std::vector<Neighbour>> list_neighbours(uint8_t family, int link_index);

  UniqueFd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace pintle::os::netlink

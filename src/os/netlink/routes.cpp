#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <sys/socket.h>

#include <optional>

#include "os/netlink/message.h"
#include "os/netlink/netlink.h"

namespace pintle::os::netlink {

namespace {

ifaddrmsg address_of(const IpPrefix& ip, int link_index) {
  ifaddrmsg out{};
  out.ifa_family = family_of(ip.address);
  out.ifa_prefixlen = ip.bits;
  out.ifa_index = static_cast<uint32_t>(link_index);
  return out;
}

std::string prefix_text(std::string_view bytes, uint8_t length) { return format_ip(bytes) + "/" + std::to_string(length); }

std::string_view bytes_of(const Attributes& attributes, uint16_t type) {
  const auto it = attributes.find(type);
  return it == attributes.end() ? std::string_view() : it->second;
}

Address read_address(std::string_view payload) {
  ifaddrmsg fixed{};
  const Attributes attributes = parse_attributes(split_fixed(payload, fixed));
  Address out;
  out.link_index = static_cast<int>(fixed.ifa_index);
  // Of a point-to-point link IFA_ADDRESS is the other end.
  std::string_view ip = bytes_of(attributes, IFA_LOCAL);
  if (ip.empty()) ip = bytes_of(attributes, IFA_ADDRESS);
  out.prefix = prefix_text(ip, fixed.ifa_prefixlen);
  out.label = text_of(attributes, IFA_LABEL);
  out.scope = fixed.ifa_scope;
  const uint32_t flags = attributes.contains(IFA_FLAGS) ? number_of<uint32_t>(attributes, IFA_FLAGS) : fixed.ifa_flags;
  out.permanent = (flags & IFA_F_PERMANENT) != 0;
  out.tentative = (flags & IFA_F_TENTATIVE) != 0;
  return out;
}

Route read_route(std::string_view payload) {
  rtmsg fixed{};
  const Attributes attributes = parse_attributes(split_fixed(payload, fixed));
  Route out;
  std::string_view destination = bytes_of(attributes, RTA_DST);
  const std::string zeros(fixed.rtm_family == AF_INET6 ? 16 : 4, '\0');
  out.destination = prefix_text(destination.empty() ? std::string_view(zeros) : destination, fixed.rtm_dst_len);
  out.gateway = format_ip(bytes_of(attributes, RTA_GATEWAY));
  out.source = format_ip(bytes_of(attributes, RTA_PREFSRC));
  out.link_index = number_of<int>(attributes, RTA_OIF);
  out.table = attributes.contains(RTA_TABLE) ? number_of<uint32_t>(attributes, RTA_TABLE) : fixed.rtm_table;
  out.priority = number_of<uint32_t>(attributes, RTA_PRIORITY);
  if (const auto metrics = bytes_of(attributes, RTA_METRICS); !metrics.empty()) out.mtu = number_of<uint32_t>(parse_attributes(metrics), RTAX_MTU);
  out.scope = fixed.rtm_scope;
  out.protocol = fixed.rtm_protocol;
  out.type = static_cast<RouteType>(fixed.rtm_type);
  out.on_link = (fixed.rtm_flags & RTNH_F_ONLINK) != 0;
  return out;
}

Result<std::string> route_request(uint16_t type, uint16_t flags, const Route& route) {
  TRY_ASSIGN(const IpPrefix destination, parse_ip(route.destination));
  rtmsg fixed{};
  fixed.rtm_family = family_of(destination.address);
  fixed.rtm_dst_len = destination.bits;
  fixed.rtm_table = route.table < 256 ? static_cast<uint8_t>(route.table) : static_cast<uint8_t>(RT_TABLE_UNSPEC);
  fixed.rtm_protocol = route.protocol;
  fixed.rtm_scope = route.scope;
  fixed.rtm_type = static_cast<uint8_t>(route.type);
  if (route.on_link) fixed.rtm_flags |= RTNH_F_ONLINK;
  Request request(type, static_cast<uint16_t>(flags | NLM_F_ACK), fixed);
  if (destination.bits > 0) request.add(RTA_DST, destination.address.wire());
  request.add_number(RTA_TABLE, route.table);
  if (route.priority > 0) request.add_number(RTA_PRIORITY, route.priority);
  if (route.link_index > 0) request.add_number(RTA_OIF, route.link_index);
  if (!route.gateway.empty()) {
    TRY_ASSIGN(const IpPrefix gateway, parse_ip(route.gateway));
    request.add(RTA_GATEWAY, gateway.address.wire());
  }
  if (!route.source.empty()) {
    TRY_ASSIGN(const IpPrefix source, parse_ip(route.source));
    request.add(RTA_PREFSRC, source.address.wire());
  }
  if (route.mtu > 0) {
    const std::size_t metrics = request.begin(RTA_METRICS);
    request.add_number(RTAX_MTU, route.mtu);
    request.end(metrics);
  }
  return request.take();
}

}  // namespace

Result<std::vector<Address>> Netlink::addresses() {
  Request request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  TRY_ASSIGN(const auto messages, ask(request.take(), true));
  std::vector<Address> out;
  for (const std::string& message : messages) out.push_back(read_address(message));
  return out;
}

Result<Unit> Netlink::replace_address(int link_index, const std::string& prefix) {
  TRY_ASSIGN(const IpPrefix ip, parse_ip(prefix));
  ifaddrmsg fixed = address_of(ip, link_index);
  if (ip.address.is_v6()) fixed.ifa_flags = IFA_F_NODAD;
  Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, fixed);
  request.add(IFA_LOCAL, ip.address.wire()).add(IFA_ADDRESS, ip.address.wire());
  return change(request.take(), prefix);
}

Result<Unit> Netlink::remove_address(int link_index, const std::string& prefix) {
  TRY_ASSIGN(const IpPrefix ip, parse_ip(prefix));
  Request request(RTM_DELADDR, NLM_F_ACK, address_of(ip, link_index));
  request.add(IFA_LOCAL, ip.address.wire()).add(IFA_ADDRESS, ip.address.wire());
  return change(request.take(), prefix);
}

Result<std::vector<Route>> Netlink::routes(uint32_t table) {
  std::vector<Route> out;
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    rtmsg fixed{};
    fixed.rtm_family = family;
    Request request(RTM_GETROUTE, NLM_F_DUMP, fixed);
    TRY_ASSIGN(const auto messages, ask(request.take(), true));
    for (const std::string& message : messages) {
      Route route = read_route(message);
      if (route.table == table) out.push_back(std::move(route));
    }
  }
  return out;
}

Result<Unit> Netlink::replace_route(const Route& route) {
  TRY_ASSIGN(std::string request, route_request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route));
  return change(std::move(request), "route to " + route.destination);
}

Result<Unit> Netlink::remove_route(const Route& route) {
  TRY_ASSIGN(std::string request, route_request(RTM_DELROUTE, 0, route));
  return change(std::move(request), "route to " + route.destination);
}

Result<std::vector<Neighbour>> Netlink::list_neighbours(uint8_t family, int link_index) {
  ndmsg fixed{};
  fixed.ndm_family = family;
  Request request(RTM_GETNEIGH, NLM_F_DUMP, fixed);
  if (family != AF_BRIDGE) request.add_number(NDA_IFINDEX, link_index);
  TRY_ASSIGN(const auto messages, ask(request.take(), true));
  std::vector<Neighbour> out;
  for (const std::string& message : messages) {
    const Attributes attributes = parse_attributes(split_fixed(message, fixed));
    if (fixed.ndm_ifindex != link_index) continue;
    Neighbour neighbour;
    neighbour.link_index = link_index;
    neighbour.ip = format_ip(bytes_of(attributes, NDA_DST));
    neighbour.mac = format_mac(bytes_of(attributes, NDA_LLADDR));
    neighbour.permanent = (fixed.ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0;
    out.push_back(std::move(neighbour));
  }
  return out;
}

Result<std::vector<Neighbour>> Netlink::neighbours(int link_index) { return list_neighbours(AF_UNSPEC, link_index); }
Result<std::vector<Neighbour>> Netlink::forwarding_entries(int link_index) { return list_neighbours(AF_BRIDGE, link_index); }

// `family` AF_BRIDGE: a forwarding entry; AF_UNSPEC: the address family of the neighbour.
Result<Unit> Netlink::write_neighbour(uint16_t type, uint16_t flags, uint8_t family, const Neighbour& neighbour) {
  ndmsg fixed{};
  fixed.ndm_ifindex = neighbour.link_index;
  fixed.ndm_state = neighbour.permanent ? NUD_PERMANENT : NUD_REACHABLE;
  std::optional<IpPrefix> ip;
  if (!neighbour.ip.empty()) {
    TRY_ASSIGN(ip, parse_ip(neighbour.ip));
  }
  fixed.ndm_family = family == AF_BRIDGE || !ip ? family : family_of(ip->address);
  if (family == AF_BRIDGE) fixed.ndm_flags = NTF_SELF;
  Request request(type, static_cast<uint16_t>(flags | NLM_F_ACK), fixed);
  if (ip) request.add(NDA_DST, ip->address.wire());
  if (!neighbour.mac.empty()) {
    TRY_ASSIGN(const std::string mac, parse_mac(neighbour.mac));
    request.add(NDA_LLADDR, mac);
  }
  return change(request.take(), "neighbour " + neighbour.ip + " " + neighbour.mac);
}

Result<Unit> Netlink::replace_neighbour(const Neighbour& neighbour) {
  return write_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, AF_UNSPEC, neighbour);
}
Result<Unit> Netlink::remove_neighbour(const Neighbour& neighbour) { return write_neighbour(RTM_DELNEIGH, 0, AF_UNSPEC, neighbour); }
Result<Unit> Netlink::replace_forwarding_entry(const Neighbour& entry) {
  return write_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, AF_BRIDGE, entry);
}
Result<Unit> Netlink::remove_forwarding_entry(const Neighbour& entry) { return write_neighbour(RTM_DELNEIGH, 0, AF_BRIDGE, entry); }

}  // namespace pintle::os::netlink

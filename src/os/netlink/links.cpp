#include <arpa/inet.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "os/netlink/message.h"
#include "os/netlink/netlink.h"

namespace pintle::os::netlink {

namespace {

ifinfomsg link_of(int index) {
  ifinfomsg out{};
  out.ifi_family = AF_UNSPEC;
  out.ifi_index = index;
  return out;
}

Result<Unit> check_name(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return error(Reason::Invalid, "not a link name: " + name);
  return Unit{};
}

Link parse_link(std::string_view payload) {
  ifinfomsg fixed{};
  const Attributes attributes = parse_attributes(split_fixed(payload, fixed));
  Link out;
  out.index = fixed.ifi_index;
  out.name = text_of(attributes, IFLA_IFNAME);
  out.mtu = number_of<uint32_t>(attributes, IFLA_MTU);
  out.master_index = number_of<int>(attributes, IFLA_MASTER);
  out.up = (fixed.ifi_flags & IFF_UP) != 0;
  out.running = (fixed.ifi_flags & IFF_RUNNING) != 0;
  out.loopback = (fixed.ifi_flags & IFF_LOOPBACK) != 0;
  if (const auto it = attributes.find(IFLA_ADDRESS); it != attributes.end()) out.mac = format_mac(it->second);
  if (const auto it = attributes.find(IFLA_LINKINFO); it != attributes.end()) out.kind = text_of(parse_attributes(it->second), IFLA_INFO_KIND);
  return out;
}

Request new_link(const std::string& name) {
  Request request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, link_of(0));
  request.add_text(IFLA_IFNAME, name);
  return request;
}

void add_kind(Request& request, const std::string& kind) {
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.add_text(IFLA_INFO_KIND, kind);
  request.end(info);
}

}  // namespace

Result<std::vector<Link>> Netlink::links() {
  Request request(RTM_GETLINK, NLM_F_DUMP, link_of(0));
  TRY_ASSIGN(const auto messages, ask(request.take(), true));
  std::vector<Link> out;
  for (const std::string& message : messages) out.push_back(parse_link(message));
  return out;
}

Result<Link> Netlink::link(const std::string& name) {
  TRY(check_name(name));
  Request request(RTM_GETLINK, NLM_F_ACK, link_of(0));
  request.add_text(IFLA_IFNAME, name);
  auto messages = ask(request.take(), false);
  if (!messages) {
    Status status = std::move(messages).error();
    status.message = name + status.message;
    return Unexpected(std::move(status));
  }
  if (messages->empty()) return error(Reason::NotFound, name + ": no such link");
  return parse_link(messages->front());
}

Result<Link> Netlink::add_link(std::string request, const std::string& name) {
  TRY(change(std::move(request), name));
  return link(name);
}

Result<Link> Netlink::add_bridge(const std::string& name) {
  TRY(check_name(name));
  Request request = new_link(name);
  add_kind(request, "bridge");
  return add_link(request.take(), name);
}

Result<Link> Netlink::add_dummy(const std::string& name) {
  TRY(check_name(name));
  Request request = new_link(name);
  add_kind(request, "dummy");
  return add_link(request.take(), name);
}

Result<Link> Netlink::add_vxlan(const VxlanOptions& options) {
  TRY(check_name(options.name));
  Request request = new_link(options.name);
  if (!options.mac.empty()) {
    TRY_ASSIGN(const std::string mac, parse_mac(options.mac));
    request.add(IFLA_ADDRESS, mac);
  }
  if (options.mtu > 0) request.add_number(IFLA_MTU, options.mtu);
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.add_text(IFLA_INFO_KIND, "vxlan");
  const std::size_t data = request.begin(IFLA_INFO_DATA);
  request.add_number(IFLA_VXLAN_ID, options.vni);
  request.add_number(IFLA_VXLAN_PORT, htons(options.port));
  request.add_number(IFLA_VXLAN_LEARNING, static_cast<uint8_t>(options.learning));
  if (options.underlay_index > 0) request.add_number(IFLA_VXLAN_LINK, options.underlay_index);
  if (!options.local_address.empty()) {
    TRY_ASSIGN(const IpPrefix local, parse_ip(options.local_address));
    request.add(local.address.is_v6() ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL, local.address.wire());
  }
  request.end(data);
  request.end(info);
  return add_link(request.take(), options.name);
}

Result<Unit> Netlink::add_veth(const std::string& name, const std::string& peer) {
  TRY(check_name(name));
  TRY(check_name(peer));
  Request request = new_link(name);
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.add_text(IFLA_INFO_KIND, "veth");
  const std::size_t data = request.begin(IFLA_INFO_DATA);
  // VETH_INFO_PEER: the other end's ifinfomsg with attributes of its own.
  const std::size_t other = request.begin(1);
  const ifinfomsg fixed = link_of(0);
  request.add_raw(std::string_view(reinterpret_cast<const char*>(&fixed), sizeof fixed));
  request.add_text(IFLA_IFNAME, peer);
  request.end(other);
  request.end(data);
  request.end(info);
  return change(request.take(), name);
}

Result<Unit> Netlink::remove_link(int index) {
  Request request(RTM_DELLINK, NLM_F_ACK, link_of(index));
  return change(request.take(), "remove link " + std::to_string(index));
}

Result<Unit> Netlink::set_up(int index, bool up) {
  ifinfomsg fixed = link_of(index);
  fixed.ifi_change = IFF_UP;
  fixed.ifi_flags = up ? IFF_UP : 0;
  Request request(RTM_NEWLINK, NLM_F_ACK, fixed);
  return change(request.take(), "set link " + std::to_string(index) + (up ? " up" : " down"));
}

Result<Unit> Netlink::set_mtu(int index, uint32_t mtu) {
  Request request(RTM_NEWLINK, NLM_F_ACK, link_of(index));
  request.add_number(IFLA_MTU, mtu);
  return change(request.take(), "set the MTU of link " + std::to_string(index));
}

Result<Unit> Netlink::set_mac(int index, const std::string& mac) {
  TRY_ASSIGN(const std::string bytes, parse_mac(mac));
  Request request(RTM_NEWLINK, NLM_F_ACK, link_of(index));
  request.add(IFLA_ADDRESS, bytes);
  return change(request.take(), "set the address of link " + std::to_string(index));
}

Result<Unit> Netlink::set_master(int index, int master_index) {
  Request request(RTM_NEWLINK, NLM_F_ACK, link_of(index));
  request.add_number(IFLA_MASTER, master_index);
  return change(request.take(), "set the master of link " + std::to_string(index));
}

Result<Unit> Netlink::move_to_namespace(int index, int namespace_fd) {
  Request request(RTM_NEWLINK, NLM_F_ACK, link_of(index));
  request.add_number(IFLA_NET_NS_FD, namespace_fd);
  return change(request.take(), "move link " + std::to_string(index));
}

}  // namespace pintle::os::netlink

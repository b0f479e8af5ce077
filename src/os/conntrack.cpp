#include "os/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "os/fd.h"
#include "os/netlink/message.h"
#include "os/system_error.h"

namespace pintle::os {
namespace {

using netlink::Attributes;
using netlink::parse_attributes;

constexpr std::size_t receive_bytes = 64 << 10;

std::string_view at(const Attributes& attributes, uint16_t type) {
  const auto found = attributes.find(type);
  return found == attributes.end() ? std::string_view() : found->second;
}

uint16_t read_port(std::string_view bytes) {
  return bytes.size() < 2 ? 0 : static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]));
}

AddressBytes read_address(const Attributes& ip, uint16_t v4, uint16_t v6) {
  AddressBytes out{};
  const std::string_view bytes = ip.contains(v4) ? at(ip, v4) : at(ip, v6);
  std::copy_n(bytes.begin(), std::min(bytes.size(), out.size()), out.begin());
  return out;
}

ConntrackFlow read_flow(std::string_view payload) {
  ConntrackFlow out;
  const Attributes flow = parse_attributes(payload);
  out.original_tuple = at(flow, CTA_TUPLE_ORIG);
  const Attributes original = parse_attributes(out.original_tuple);
  const Attributes reply = parse_attributes(at(flow, CTA_TUPLE_REPLY));
  const Attributes original_proto = parse_attributes(at(original, CTA_TUPLE_PROTO));
  if (const auto number = at(original_proto, CTA_PROTO_NUM); !number.empty()) out.protocol = static_cast<uint8_t>(number[0]);
  out.original_port = read_port(at(original_proto, CTA_PROTO_DST_PORT));
  out.original_destination = read_address(parse_attributes(at(original, CTA_TUPLE_IP)), CTA_IP_V4_DST, CTA_IP_V6_DST);
  out.reply_port = read_port(at(parse_attributes(at(reply, CTA_TUPLE_PROTO)), CTA_PROTO_SRC_PORT));
  out.reply_source = read_address(parse_attributes(at(reply, CTA_TUPLE_IP)), CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  return out;
}

std::string make_request(bool ipv6, uint16_t type, uint16_t flags, std::string_view tuple) {
  nfgenmsg family{};
  family.nfgen_family = ipv6 ? AF_INET6 : AF_INET;
  family.version = NFNETLINK_V0;
  netlink::Request request(static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, family);
  if (!tuple.empty()) request.add(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple);
  return request.take();
}

UniqueFd open_socket() { return UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)); }

// Sends a request and calls `each` with the payload of every answer; ends at the acknowledgement or the end of the dump.
// The error's errno is left in errno.
template <class Each>
bool exchange(int fd, const std::string& request, Each each) {
  if (send(fd, request.data(), request.size(), 0) < 0) return false;
  std::vector<char> buffer(receive_bytes);
  while (true) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    while (bytes.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head;
      std::memcpy(&head, bytes.data(), sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) break;
      if (head.nlmsg_type == NLMSG_DONE) return true;
      if (head.nlmsg_type == NLMSG_ERROR) {
        int code = 0;
        std::memcpy(&code, bytes.data() + NLMSG_HDRLEN, sizeof code);
        errno = -code;
        return code == 0;
      }
      if (head.nlmsg_len >= NLMSG_HDRLEN + sizeof(nfgenmsg))
        each(bytes.substr(NLMSG_HDRLEN + sizeof(nfgenmsg), head.nlmsg_len - NLMSG_HDRLEN - sizeof(nfgenmsg)));
      bytes.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), bytes.size()));
    }
  }
}

}  // namespace

Result<std::vector<ConntrackFlow>> list_conntrack(bool ipv6, uint8_t protocol) {
  const UniqueFd socket = open_socket();
  if (!socket) return system_error(errno, "conntrack: socket");
  std::vector<ConntrackFlow> out;
  const bool ok = exchange(socket.get(), make_request(ipv6, IPCTNL_MSG_CT_GET, NLM_F_DUMP, {}), [&](std::string_view payload) {
    ConntrackFlow flow = read_flow(payload);
    if (flow.protocol == protocol) out.push_back(std::move(flow));
  });
  if (!ok) return system_error(errno, "conntrack: list");
  return out;
}

Result<std::size_t> delete_conntrack(bool ipv6, std::span<const ConntrackFlow> flows) {
  const UniqueFd socket = open_socket();
  if (!socket) return system_error(errno, "conntrack: socket");
  std::size_t deleted = 0;
  for (const ConntrackFlow& flow : flows) {
    const bool ok = exchange(socket.get(), make_request(ipv6, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, flow.original_tuple), [](std::string_view) {});
    if (!ok && errno != ENOENT) return system_error(errno, "conntrack: delete");
    deleted += ok;
  }
  return deleted;
}

}  // namespace pintle::os

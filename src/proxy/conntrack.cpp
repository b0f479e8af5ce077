#include "proxy/conntrack.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pintle::proxy {
namespace {

using Place = std::pair<Address, uint16_t>;

bool is_served(const nftables::UdpFrontend& frontend, const Place& endpoint) {
  return std::ranges::find(frontend.serving, endpoint) != frontend.serving.end();
}

}  // namespace

std::vector<os::ConntrackFlow> stale_flows(Family family, std::vector<os::ConntrackFlow> flows, std::span<const nftables::UdpFrontend> frontends) {
  std::map<Place, const nftables::UdpFrontend*> by_place;
  std::map<uint16_t, const nftables::UdpFrontend*> by_node_port;
  for (const auto& frontend : frontends) {
    for (const Address& address : frontend.addresses) by_place[{address, frontend.port}] = &frontend;
    if (frontend.node_port != 0) by_node_port[frontend.node_port] = &frontend;
  }
  std::erase_if(flows, [&](const os::ConntrackFlow& flow) {
    const Place endpoint{Address{family, flow.reply_source}, flow.reply_port};
    const auto place = by_place.find({Address{family, flow.original_destination}, flow.original_port});
    if (place != by_place.end() && !is_served(*place->second, endpoint)) return false;
    const auto node_port = by_node_port.find(flow.original_port);
    return node_port == by_node_port.end() || is_served(*node_port->second, endpoint);
  });
  return flows;
}

}  // namespace pintle::proxy

// Which tracked UDP flows still go to an endpoint that is no longer there. UDP has no end of a connection: without this,
// a client that keeps sending from one port would be sent to a dead pod for as long as it does.
#pragma once

#include <span>
#include <vector>

#include "os/conntrack.h"
#include "proxy/nftables/table.h"

namespace pintle::proxy {

// Of `flows`, those to forget: their destination is one of `frontends`, and none of its serving endpoints answers them.
std::vector<os::ConntrackFlow> stale_flows(Family family, std::vector<os::ConntrackFlow> flows, std::span<const nftables::UdpFrontend> frontends);

}  // namespace pintle::proxy

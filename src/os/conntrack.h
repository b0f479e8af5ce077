// The kernel's connection tracking: which flows there are, and forgetting some of them. Calls block, and see the network
// namespace of the calling thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace pintle::os {

// IPv4 uses the first four bytes.
using AddressBytes = std::array<uint8_t, 16>;

struct ConntrackFlow {
  uint8_t protocol = 0;  // IPPROTO_*
  AddressBytes original_destination{};
  uint16_t original_port = 0;  // the destination's
  AddressBytes reply_source{};
  uint16_t reply_port = 0;     // the source's
  std::string original_tuple;  // as the kernel wrote it: names the flow
};

// The flows of one IP protocol. Forbidden without CAP_NET_ADMIN.
Result<std::vector<ConntrackFlow>> list_conntrack(bool ipv6, uint8_t protocol);
// How many were there to be forgotten; one that has gone in the meantime is no error.
Result<std::size_t> delete_conntrack(bool ipv6, std::span<const ConntrackFlow> flows);

}  // namespace pintle::os

// What NodeRoutes does to the kernel. Calls block.
#pragma once

#include "cni/routes/plan.h"

namespace pintle::cni::routes {

struct Underlay {
  int link_index = 0;
  uint32_t mtu = 0;
};
// The link that has the address. NotFound.
Result<Underlay> find_underlay(os::netlink::Netlink& netlink, const IpAddress& address);
// The device as planned, up; one of that name that differs is replaced. Its index.
Result<int> ensure_vxlan(os::netlink::Netlink& netlink, const Vxlan& vxlan);
// The present entries; those of the VXLAN device only with its index.
Result<Entries> read_entries(os::netlink::Netlink& netlink, int vxlan_index);
// Makes every change that can be made; the first failure is told.
Result<Unit> apply(os::netlink::Netlink& netlink, const Difference& difference, int vxlan_index);

}  // namespace pintle::cni::routes

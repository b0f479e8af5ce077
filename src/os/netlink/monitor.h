// Monitor: the kernel's own notices of changes, from any process, to what a component keeps in the kernel: so that it puts
// back what somebody took away without ever looking by the clock. Of the network namespace in which it was opened; belongs
// to the executor that opened it. Under a simulation open() answers NotAcceptable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::os::netlink {

class Monitor {
 public:
  // `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER; `groups` a mask of its multicast groups (bit N-1 is group N).
  static Result<std::unique_ptr<Monitor>> open(int protocol, uint32_t groups);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // Is shown each message's type and payload.
  using Relevant = std::function<bool(uint16_t type, std::string_view payload)>;
  // Returns when a relevant message has come, or when so many came at once that some were lost.
  rt::Task<Result<Unit>> wait(rt::Context ctx, Relevant relevant);

 private:
  struct Impl;
  explicit Monitor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The table ("ip kube-proxy") has been deleted: for NETLINK_NETFILTER with nftables_group.
constexpr uint32_t nftables_group = 1u << 6;
bool is_table_deletion(uint16_t type, std::string_view payload, std::string_view table);

}  // namespace pintle::os::netlink

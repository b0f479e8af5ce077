// The kernel's tables, through libnftables.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "proxy/address.h"

namespace pintle::proxy::nftables {

// Calls block: make them through Runtime::run_blocking().
class Nft {
 public:
  virtual ~Nft() = default;
  // Runs commands as one transaction: all of them, or none.
  virtual Result<Unit> run(const std::string& commands) = 0;
  // Table kube-proxy without its elements; "" if there is none.
  virtual Result<std::string> list_table(Family family) = 0;
};

// Of the network namespace of the calling thread. Thread-safe. ServiceUnavailable where the kernel has no nftables for
// the family or the process may not use them.
std::unique_ptr<Nft> make_nft();

}  // namespace pintle::proxy::nftables

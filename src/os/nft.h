// The kernel's packet filter tables, through libnftables.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace pintle::os {

// Calls block: make them through Runtime::run_blocking().
class Nft {
 public:
  virtual ~Nft() = default;
  // Runs commands in nft's language as one transaction: all of them, or none.
  virtual Result<Unit> run(const std::string& commands) = 0;
  // A table ("ip kube-proxy") without the elements of its sets and maps; "" if there is none.
  virtual Result<std::string> list_table(const std::string& table) = 0;
};

// Of the network namespace of the calling thread. Thread-safe. ServiceUnavailable, with the library's message, where a
// transaction fails, where the kernel has no nftables, and where the process may not use them.
std::unique_ptr<Nft> make_nft();

}  // namespace pintle::os

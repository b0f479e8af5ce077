// Directories below /tmp of the machine that the manager runs on, for volumes of hostPath that it makes and deletes itself: upstream's way
// for clusters of one node, kept for tests. A link on the way, which anyone may put into /tmp, leads nowhere outside of it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::controller {

// Whether the path names something below /tmp, without "..".
bool is_below_tmp(std::string_view path);

// Calls block; from any thread.
class HostDirectories {
 public:
  virtual ~HostDirectories() = default;
  // With its parents, each of mode 0750. Forbidden: not below /tmp.
  virtual Result<Unit> make(const std::string& path) = 0;
  // With all below it. No error if it is not there; Forbidden: not below /tmp. `enough`, asked now and then, ends it early with Timeout:
  // what is gone is gone, and another call goes on.
  virtual Result<Unit> remove(const std::string& path, const std::function<bool()>& enough) = 0;
};

// The machine's own.
HostDirectories& machine_directories();

}  // namespace pintle::controller

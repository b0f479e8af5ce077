// Whether the proxy keeps up: it is unhealthy while a change has waited too long to reach the kernel. Times come in.
// Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "proxy/types/address.h"
#include "rt/clock.h"

namespace pintle::proxy::health {

class ProxyHealth {
 public:
  explicit ProxyHealth(rt::Duration timeout) : timeout_(timeout) {}

  // A change was seen that the rules have yet to follow.
  void queued(Family family, rt::WallTime now);
  // The rules are as the API says.
  void updated(Family family, rt::WallTime now);
  // False: the node goes away (it is being deleted, or the autoscaler has tainted it), or is not known yet.
  void set_node_eligible(bool eligible);

  bool healthy(rt::WallTime now) const;
  bool node_eligible() const;
  // The page of /healthz (with the node's eligibility) or /livez.
  std::string page(rt::WallTime now, bool with_node) const;

 private:
  bool keeps_up(Family family, rt::WallTime now) const REQUIRES(mutex_);
  bool all_keep_up(rt::WallTime now) const REQUIRES(mutex_);
  mutable ThreadMutex mutex_;
  const rt::Duration timeout_;
  std::map<Family, rt::WallTime> updated_ GUARDED_BY(mutex_);
  std::map<Family, rt::WallTime> oldest_queued_ GUARDED_BY(mutex_);
  bool node_eligible_ GUARDED_BY(mutex_) = false;
};

}  // namespace pintle::proxy::health

// FailureBackoff: how long the failed pods of a node wait to be replaced, as client-go's flowcontrol.Backoff: each replacement doubles
// the wait before the next, and after twice the longest wait without one it starts anew. Pure: the time comes in.
#pragma once

#include <map>
#include <string>

#include "rt/clock.h"

namespace pintle::controller::daemonset {

inline constexpr rt::Duration failure_wait_initial = std::chrono::seconds(1);
inline constexpr rt::Duration failure_wait_max = std::chrono::minutes(15);
inline constexpr rt::Duration failure_wait_expiry = 2 * failure_wait_max;   // then an entry is forgotten

class FailureBackoff {
 public:
  // Zero: now, which is counted as a replacement.
  rt::Duration wait(const std::string& key, rt::TimePoint now);
  // Forgets the keys that begin so.
  void forget(const std::string& prefix);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    rt::Duration wait{};
    rt::TimePoint since{};       // the last replacement
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace pintle::controller::daemonset

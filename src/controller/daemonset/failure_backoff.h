// FailureBackoff: how long the failed pods of a node wait to be replaced: each replacement makes the wait before the next longer
// (rt::GrowingWait). Pure: the time comes in.
#pragma once

#include <map>
#include <string>

#include "rt/growing_wait.h"

namespace pintle::controller::daemonset {

inline constexpr rt::GrowingWaitOptions failure_wait{std::chrono::seconds(1), std::chrono::minutes(15)};

class FailureBackoff {
 public:
  // Zero: now, which is counted as a replacement.
  rt::Duration wait(const std::string& key, rt::TimePoint now);
  // The same, without counting anything.
  rt::Duration remaining(const std::string& key, rt::TimePoint now) const;
  // Forgets the keys that begin so.
  void forget(const std::string& prefix);
  std::size_t size() const { return entries_.size(); }

 private:
  std::map<std::string, rt::GrowingWait<rt::TimePoint>> entries_;  // since the last replacement
};

}  // namespace pintle::controller::daemonset

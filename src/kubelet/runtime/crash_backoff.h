// CrashBackoffs: how long crashed containers of one pod wait before they are started again: 10 s, doubled at each crash
// up to 5 min, from anew after twice that of quiet. Upstream's rules; pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rt/growing_wait.h"

namespace pintle::kubelet::runtime {

constexpr rt::Duration crash_backoff_initial = std::chrono::seconds(10);
constexpr rt::Duration crash_backoff_max = std::chrono::minutes(5);
// With the feature gate ReduceDefaultCrashLoopBackOffDecay.
constexpr rt::Duration reduced_crash_backoff_initial = std::chrono::seconds(1);
constexpr rt::Duration reduced_crash_backoff_max = std::chrono::seconds(60);

class CrashBackoffs {
 public:
  explicit CrashBackoffs(rt::Duration initial = crash_backoff_initial, rt::Duration max = crash_backoff_max) : options_{initial, max} {}

  struct Wait {
    rt::Duration delay;
    rt::WallTime until;
  };
  // Whether a container that ended at `finished_at` still waits.
  std::optional<Wait> waiting(std::string_view key, rt::WallTime finished_at, rt::WallTime now) const;
  // The container is started again now: the next wait is longer.
  void next(const std::string& key, rt::WallTime now);
  // `container` and the hash of its spec: a changed container starts afresh.
  static std::string key(std::string_view container, std::string_view hash);

 private:
  rt::GrowingWaitOptions options_;
  std::map<std::string, rt::GrowingWait<rt::WallTime>, std::less<>> waits_;
};

}  // namespace pintle::kubelet::runtime

#include "kubelet/runtime/crash_backoff.h"

namespace pintle::kubelet::runtime {

std::optional<CrashBackoffs::Wait> CrashBackoffs::waiting(std::string_view key, rt::WallTime finished_at, rt::WallTime now) const {
  const auto found = waits_.find(key);
  if (found == waits_.end() || found->second.expired(finished_at, options_)) return std::nullopt;
  const rt::WallTime until = finished_at + found->second.delay();
  if (now >= until) return std::nullopt;
  return Wait{found->second.delay(), until};
}

void CrashBackoffs::next(const std::string& key, rt::WallTime now) { waits_[key].next(now, options_); }

std::string CrashBackoffs::key(std::string_view container, std::string_view hash) { return std::string(container).append("/").append(hash); }

}  // namespace pintle::kubelet::runtime

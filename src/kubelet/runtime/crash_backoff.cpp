#include "kubelet/runtime/crash_backoff.h"

#include <algorithm>

namespace pintle::kubelet {

std::optional<CrashBackoffs::Wait> CrashBackoffs::waiting(std::string_view key, rt::WallTime finished_at, rt::WallTime now) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || expired(found->second, finished_at)) return std::nullopt;
  const rt::WallTime until = finished_at + found->second.delay;
  if (now >= until) return std::nullopt;
  return Wait{found->second.delay, until};
}

void CrashBackoffs::next(const std::string& key, rt::WallTime now) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || expired(found->second, now)) {
    entries_[key] = Entry{std::min(initial_, max_), now};
    return;
  }
  found->second.delay = std::min(found->second.delay * 2, max_);
  found->second.updated = now;
}

std::string CrashBackoffs::key(std::string_view container, std::string_view hash) { return std::string(container).append("/").append(hash); }

}  // namespace pintle::kubelet

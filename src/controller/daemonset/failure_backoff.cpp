#include "controller/daemonset/failure_backoff.h"

#include <algorithm>

namespace pintle::controller::daemonset {

rt::Duration FailureBackoff::wait(const std::string& key, rt::TimePoint now) {
  std::erase_if(entries_, [&](const auto& item) { return now - item.second.since > failure_wait_expiry; });
  const auto [it, fresh] = entries_.try_emplace(key);
  Entry& entry = it->second;
  if (!fresh && now - entry.since < entry.wait) return entry.since + entry.wait - now;
  entry.wait = fresh ? failure_wait_initial : std::min(entry.wait * 2, failure_wait_max);
  entry.since = now;
  return {};
}

void FailureBackoff::forget(const std::string& prefix) {
  std::erase_if(entries_, [&](const auto& item) { return item.first.starts_with(prefix); });
}

}  // namespace pintle::controller::daemonset

#include "controller/daemonset/failure_backoff.h"

namespace pintle::controller::daemonset {

rt::Duration FailureBackoff::wait(const std::string& key, rt::TimePoint now) {
  std::erase_if(entries_, [&](const auto& item) { return item.second.expired(now, failure_wait); });
  const auto [it, fresh] = entries_.try_emplace(key);
  if (!fresh && now < it->second.until()) return it->second.until() - now;
  it->second.next(now, failure_wait);
  return {};
}

rt::Duration FailureBackoff::remaining(const std::string& key, rt::TimePoint now) const {
  const auto it = entries_.find(key);
  return it == entries_.end() || now >= it->second.until() ? rt::Duration::zero() : it->second.until() - now;
}

void FailureBackoff::forget(const std::string& prefix) {
  std::erase_if(entries_, [&](const auto& item) { return item.first.starts_with(prefix); });
}

}  // namespace pintle::controller::daemonset

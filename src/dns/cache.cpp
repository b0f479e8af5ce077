#include "dns/cache.h"

#include <algorithm>

namespace pintle::dns {

namespace {
// Of list node, map node and reply.
constexpr std::size_t entry_overhead_bytes = 256;
}  // namespace

std::size_t Cache::bytes_of(const Entry& entry) { return entry.key.size() + entry.reply->records.size() + entry_overhead_bytes; }

void Cache::erase(std::list<Entry>::iterator it) {
  bytes_ -= bytes_of(*it);
  by_key_.erase(it->key);
  entries_.erase(it);
}

Cache::Hit Cache::find(const std::string& key, rt::TimePoint now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {};
  const auto it = found->second;
  if (it->until <= now) {
    erase(it);
    return {};
  }
  entries_.splice(entries_.begin(), entries_, it);
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - it->since).count();
  return {it->reply, static_cast<uint32_t>(age)};
}

void Cache::put(const std::string& key, ReplyPtr reply, rt::TimePoint now) {
  if (reply->rcode != rcode::NoError && reply->rcode != rcode::NxDomain) return;
  if (reply->negative && reply->ttl_seconds == 0) return;
  if (const auto old = by_key_.find(key); old != by_key_.end()) erase(old->second);
  const uint32_t ttl = std::clamp(reply->ttl_seconds, limits_.ttl_min_seconds, limits_.ttl_max_seconds);
  entries_.push_front({key, std::move(reply), now, now + std::chrono::seconds(ttl)});
  by_key_[entries_.front().key] = entries_.begin();
  bytes_ += bytes_of(entries_.front());
  while (entries_.size() > limits_.entries_max || bytes_ > limits_.bytes_max) erase(std::prev(entries_.end()));
}

void Cache::clear() {
  by_key_.clear();
  entries_.clear();
  bytes_ = 0;
}

}  // namespace pintle::dns

// Cache: replies of other servers until their time is over, the least recently used one leaving first at a limit.
// Belongs to one executor; the caller brings the time.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dns/reply.h"
#include "rt/clock.h"

namespace pintle::dns {

struct CacheLimits {
  std::size_t entries_max = 10'000;
  std::size_t bytes_max = 4 << 20;
  // CoreDNS' bounds; kubeadm's configuration keeps replies for at most 30 s.
  uint32_t ttl_min_seconds = 5;
  uint32_t ttl_max_seconds = 30;
};

class Cache {
 public:
  explicit Cache(CacheLimits limits) : limits_(limits) {}
  struct Hit {
    ReplyPtr reply;
    uint32_t age_seconds = 0;
  };
  // Hit::reply is null if there is none.
  Hit find(const std::string& key, rt::TimePoint now);
  // Keeps it if it may be kept: an answer or a denial that says how long it holds.
  void put(const std::string& key, ReplyPtr reply, rt::TimePoint now);
  void clear();
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    ReplyPtr reply;
    rt::TimePoint since;
    rt::TimePoint until;
  };
  static std::size_t bytes_of(const Entry& entry);
  void erase(std::list<Entry>::iterator it);

  const CacheLimits limits_;
  std::list<Entry> entries_;                                                 // the most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // keys live in the entries
  std::size_t bytes_ = 0;
};

}  // namespace pintle::dns

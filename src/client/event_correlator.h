// EventCorrelator: what becomes of a new event, by client-go's rules: many that differ in their message alone become one,
// the same event again raises the count of the one that was sent, a source that says too much about one object is held
// back. Pure: time comes in. What it remembers is bounded; the least recently used is forgotten first.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::client {

constexpr std::size_t event_memory_max = 4096;  // of each kind of memory
constexpr std::size_t similar_events_max = 10;  // then they are combined
constexpr rt::Duration similar_events_interval = std::chrono::minutes(10);
constexpr double event_burst = 25;                              // of one source about one object
constexpr rt::Duration event_refill = std::chrono::minutes(5);  // one more after this
constexpr std::string_view combined_prefix = "(combined from similar events): ";

// FNV-1a over parts, each ended by NUL: what tells events apart.
class EventHash {
 public:
  EventHash& add(std::string_view part) {
    for (const char c : part) step(static_cast<unsigned char>(c));
    step(0);
    return *this;
  }
  uint64_t value() const { return value_; }

 private:
  void step(unsigned char c) { value_ = (value_ ^ c) * 0x100000001b3ull; }
  uint64_t value_ = 0xcbf29ce484222325ull;
};

// A map that forgets the least recently used. Keys are hashes: a collision would merge two events among thousands.
template <class T>
class RecentMap {
 public:
  explicit RecentMap(std::size_t max) : max_(max) {}
  T* find(uint64_t key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    items_.splice(items_.begin(), items_, found->second);
    return &items_.front().second;
  }
  T& put(uint64_t key, T value) {
    if (T* there = find(key)) return *there = std::move(value);
    if (items_.size() == max_) {
      places_.erase(items_.back().first);
      items_.pop_back();
    }
    items_.emplace_front(key, std::move(value));
    places_[key] = items_.begin();
    return items_.front().second;
  }
  std::size_t size() const { return items_.size(); }

 private:
  using Items = std::list<std::pair<uint64_t, T>>;
  const std::size_t max_;
  Items items_;  // the latest first
  std::unordered_map<uint64_t, typename Items::iterator> places_;
};

class EventCorrelator {
 public:
  struct Verdict {
    api::core_v1::Event event;  // to create; with count > 1 to patch, and to create if it is gone
    uint64_t key = 0;           // for sent()
    std::string patch() const;  // of the event that was sent before
  };
  // nullopt: held back.
  std::optional<Verdict> observe(api::core_v1::Event event, rt::WallTime now);
  // What the server made of it.
  void sent(uint64_t key, const api::core_v1::Event& stored);

 private:
  struct Similar {
    std::vector<uint64_t> messages;  // hashes, ascending, fewer than similar_events_max
    rt::WallTime last;
  };
  struct Seen {
    std::string name;
    int32_t count = 0;
    api::Time first;
  };
  struct Allowance {
    double tokens = event_burst;
    rt::WallTime refilled;
  };
  uint64_t combine(api::core_v1::Event& event, rt::WallTime now);
  bool allowed(const api::core_v1::Event& event, rt::WallTime now);

  RecentMap<Similar> similar_{event_memory_max};
  RecentMap<Seen> seen_{event_memory_max};
  RecentMap<Allowance> allowances_{event_memory_max};
};

// The name of a new event: the object's, and the time.
std::string event_name(std::string_view object_name, rt::WallTime now);
api::Time to_time(rt::WallTime time);

}  // namespace pintle::client

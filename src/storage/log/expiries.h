// Expiries: when which leased state of a key ends. What it holds is bounded by the keys that live, not by how often they were written: a state
// that was replaced or removed is forgotten long before its time would have come. Pure: time and what is current come in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rt/clock.h"

namespace pintle::storage {

class Expiries {
 public:
  struct Expiry {
    rt::TimePoint deadline;
    int64_t revision = 0;  // of the state that ends
    std::string key;
  };

  void add(Expiry expiry) {
    heap_.push_back(std::move(expiry));
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  // When the next one ends; nullopt: none.
  std::optional<rt::TimePoint> next() const { return heap_.empty() ? std::nullopt : std::optional(heap_.front().deadline); }
  // The earliest of those that end by `now`.
  std::optional<Expiry> take(rt::TimePoint now) {
    if (heap_.empty() || heap_.front().deadline > now) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Expiry out = std::move(heap_.back());
    heap_.pop_back();
    return out;
  }
  // Forgets those that are not `current(expiry)` any more, once there are many beside the `keys` that live (each has one current state at most).
  // In all it costs a constant for each add() and for each key that went.
  template <class Current>
  void trim(std::size_t keys, const Current& current) {
    if (heap_.size() <= 2 * keys + spare) return;
    std::erase_if(heap_, [&current](const Expiry& expiry) { return !current(expiry); });
    heap_.shrink_to_fit();
    std::make_heap(heap_.begin(), heap_.end(), later);
  }
  std::size_t size() const { return heap_.size(); }

 private:
  static constexpr std::size_t spare = 1024;
  static bool later(const Expiry& a, const Expiry& b) { return a.deadline > b.deadline; }

  std::vector<Expiry> heap_;  // the earliest first
};

}  // namespace pintle::storage

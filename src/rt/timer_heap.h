// TimerHeap: callbacks by time, in a heap that knows where each entry is, so that a cancelled timer leaves at once.
// Timers of the same time come out in the order in which they were added. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "rt/clock.h"
#include "rt/executor.h"

namespace pintle::rt {

class TimerHeap {
 public:
  // Never returns 0.
  TimerId add(TimePoint when, std::function<void()> work);
  // False if there is no such timer any more.
  bool remove(TimerId id);
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  std::optional<TimePoint> earliest() const;
  // Takes the earliest timer's work if its time is not after `now`.
  std::optional<std::function<void()>> pop_due(TimePoint now);

 private:
  struct Entry {
    TimePoint when;
    uint64_t order;
    uint32_t slot;
    bool before(const Entry& other) const { return when != other.when ? when < other.when : order < other.order; }
  };
  struct Slot {
    std::function<void()> work;
    uint32_t generation = 1;
    uint32_t position = 0;
  };
  std::function<void()> take(std::size_t position);
  void place(std::size_t position, Entry entry);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  uint64_t next_order_ = 0;
};

}  // namespace pintle::rt

#include "rt/timer_heap.h"

#include <utility>

namespace pintle::rt {

TimerId TimerHeap::add(TimePoint when, std::function<void()> work) {
  uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot].work = std::move(work);
  heap_.push_back(Entry{when, next_order_++, slot});
  slots_[slot].position = static_cast<uint32_t>(heap_.size() - 1);
  sift_up(heap_.size() - 1);
  return (uint64_t{slots_[slot].generation} << 32) | slot;
}

bool TimerHeap::remove(TimerId id) {
  const auto slot = static_cast<uint32_t>(id);
  const auto generation = static_cast<uint32_t>(id >> 32);
  if (slot >= slots_.size() || slots_[slot].generation != generation || !slots_[slot].work) return false;
  take(slots_[slot].position);
  return true;
}

std::optional<TimePoint> TimerHeap::earliest() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().when;
}

std::optional<std::function<void()>> TimerHeap::pop_due(TimePoint now) {
  if (heap_.empty() || heap_.front().when > now) return std::nullopt;
  return take(0);
}

std::function<void()> TimerHeap::take(std::size_t position) {
  const uint32_t slot = heap_[position].slot;
  auto work = std::exchange(slots_[slot].work, nullptr);
  if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
  free_.push_back(slot);
  const Entry tail = heap_.back();
  heap_.pop_back();
  if (position < heap_.size()) {
    place(position, tail);
    sift_up(position);
    sift_down(slots_[tail.slot].position);
  }
  return work;
}

void TimerHeap::place(std::size_t position, Entry entry) {
  heap_[position] = entry;
  slots_[entry.slot].position = static_cast<uint32_t>(position);
}

void TimerHeap::sift_up(std::size_t position) {
  const Entry moving = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!moving.before(heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, moving);
}

void TimerHeap::sift_down(std::size_t position) {
  const Entry moving = heap_[position];
  while (true) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(moving)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, moving);
}

}  // namespace pintle::rt

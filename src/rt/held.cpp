#include "rt/held.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "rt/real/hold_watch.h"

namespace pintle::rt {

namespace {

struct Totals {
  std::atomic<uint64_t> count = 0;
  std::atomic<int64_t> longest_ns = 0;
};

// Of the process, as its processor time is: /metrics shows both.
std::array<Totals, held_executors_max> totals;
std::atomic<std::size_t> executors = 0;
std::atomic<void (*)(const Held&)> held_observer = nullptr;

constinit thread_local detail::WorkNote note;

void append(std::string_view text) {
  const std::size_t n = std::min(text.size(), work_note_max - note.size);
  std::memcpy(note.text + note.size, text.data(), n);
  note.size += n;
}

}  // namespace

namespace detail {

WorkNote& work_note() { return note; }

void count_executor(std::size_t index) {
  std::size_t known = executors.load();
  const std::size_t wanted = std::min(index + 1, held_executors_max);
  while (known < wanted && !executors.compare_exchange_weak(known, wanted)) {
  }
}

void count_held(std::size_t index, Duration processor) {
  Totals& own = totals[std::min(index, held_executors_max - 1)];
  own.count.fetch_add(1, std::memory_order_relaxed);
  const int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(processor).count();
  int64_t longest = own.longest_ns.load(std::memory_order_relaxed);
  while (longest < ns && !own.longest_ns.compare_exchange_weak(longest, ns, std::memory_order_relaxed)) {
  }
  if (const auto observer = held_observer.load()) observer(Held{index, processor, {note.text, note.size}});
}

}  // namespace detail

std::vector<HeldTotals> held_totals() {
  std::vector<HeldTotals> out;
  for (std::size_t i = 0; i < executors.load(); ++i)
    out.push_back({totals[i].count.load(std::memory_order_relaxed), std::chrono::nanoseconds(totals[i].longest_ns.load(std::memory_order_relaxed))});
  return out;
}

void observe_held(void (*observer)(const Held&)) { held_observer = observer; }

void note_work(std::string_view verb, std::string_view object) {
  note.size = 0;
  append(verb);
  append(" ");
  append(object);
}

}  // namespace pintle::rt

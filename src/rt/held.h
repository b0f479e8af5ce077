// What held an executor: a step (one resumption of a task, one timer, one posted function) that used its thread's processor for
// longer than held_max (long_held_max, on a Runtime::long_executor()), so that everything else of that executor waited. Counted for the
// process, on the real backend alone.
// Time that a thread waits for a processor or for the disk does not count: on a busy machine nobody's code is to blame for it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rt/clock.h"

namespace pintle::rt {

constexpr Duration held_max = std::chrono::milliseconds(100);
constexpr Duration long_held_max = std::chrono::seconds(1);
// Bytes of note_work() that are kept.
constexpr std::size_t work_note_max = 160;
// Executors that are counted apart; further ones are counted with the last.
constexpr std::size_t held_executors_max = 64;

struct HeldTotals {
  uint64_t count = 0;
  Duration longest{};
};
// By the executors' index, as many as the process has had. From any thread.
std::vector<HeldTotals> held_totals();

struct Held {
  std::size_t executor = 0;
  Duration processor{};   // used by the step, at most 10 ms too much
  std::string_view work;  // of note_work(), empty if the step noted none; valid during the call
};
// Called after each such step, on its executor; it must not block. Before any executor runs.
void observe_held(void (*observer)(const Held&));

// Says what the step that runs is about ("PATCH", "/api/v1/..."), for the observer: no secrets. Forgotten when the step ends.
void note_work(std::string_view verb, std::string_view object);

}  // namespace pintle::rt

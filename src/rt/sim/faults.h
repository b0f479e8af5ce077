// What a simulated network and disk do wrong. All amounts of chance are per million.
#pragma once

#include <cstdint>

#include "rt/clock.h"

namespace pintle::rt {

// One direction between two machines (or a machine and itself).
struct LinkPlan {
  Duration latency_min = std::chrono::microseconds(50);
  Duration latency_max = std::chrono::microseconds(500);
  uint64_t bytes_per_second = 0;  // 0: no limit
  uint32_t resets = 0;            // a segment on its way breaks its connection
  uint32_t losses = 0;            // a datagram on its way is lost
  uint32_t doubles = 0;           // ... or arrives twice
};

struct DiskPlan {
  Duration latency_min = {};  // of each read, write and sync
  Duration latency_max = {};
  uint64_t capacity_bytes = UINT64_MAX;
  uint32_t read_errors = 0;
  uint32_t write_errors = 0;
  uint32_t sync_errors = 0;
  // What becomes of writes that were not synced when the power goes: each is lost with this chance ...
  uint32_t power_cut_lost = 500'000;
  // ... and one that is not lost is torn (only some of its sectors arrive) with this one.
  uint32_t power_cut_torn = 300'000;
};

}  // namespace pintle::rt

// What a request is taken to cost before it is served. Pure; the numbers are upstream's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "apiserver/fairness/work.h"

namespace pintle::apiserver::fairness {

constexpr uint32_t seats_max = 10;  // of a request that writes
constexpr uint32_t list_seats_max = 100;
constexpr double level_part_max = 0.15;  // of its level's nominal seats, that one request may take
constexpr int64_t bytes_per_seat = 100'000;
constexpr int64_t list_bytes_max = 1'000'000;  // that a list holds at once, as it is streamed
constexpr uint32_t watchers_per_seat = 10;
constexpr rt::Duration event_time = std::chrono::milliseconds(5);

// Of a level with so many seats.
uint32_t level_seats_max(int nominal);

struct ListedObjects {
  std::size_t count = 0;
  int64_t average_bytes = 0;
};
// `limit` 0: without one.
Work list_work(const ListedObjects& objects, std::size_t limit, bool named, uint32_t level_max);
// Of a write that wakes so many watchers.
Work write_work(std::size_t watchers, uint32_t level_max);

}  // namespace pintle::apiserver::fairness

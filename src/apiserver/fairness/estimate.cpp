#include "apiserver/fairness/estimate.h"

#include <algorithm>
#include <cmath>

namespace pintle::apiserver::fairness {

uint32_t level_seats_max(int nominal) { return std::max<uint32_t>(1, static_cast<uint32_t>(std::ceil(std::max(nominal, 0) * level_part_max))); }

Work list_work(const ListedObjects& objects, std::size_t limit, bool named, uint32_t level_max) {
  std::size_t count = objects.count;
  if (limit > 0) count = std::min(count, limit);
  if (named) count = std::min<std::size_t>(count, 1);
  const double bytes = std::min<double>(static_cast<double>(count) * static_cast<double>(objects.average_bytes), static_cast<double>(list_bytes_max));
  const auto seats = static_cast<uint32_t>(std::ceil(bytes / static_cast<double>(bytes_per_seat)));
  Work work;
  work.initial_seats = std::clamp<uint32_t>(seats, 1, std::min(level_max, list_seats_max));
  return work;
}

Work write_work(std::size_t watchers, uint32_t level_max) {
  Work work;
  if (watchers < watchers_per_seat) return work;
  const double seats = std::ceil(static_cast<double>(watchers) / watchers_per_seat);
  const uint32_t most = std::min(level_max, seats_max);
  // More seats than one may take: fewer of them for longer.
  work.final_seats = static_cast<uint32_t>(std::min<double>(seats, most));
  work.final_time = std::chrono::duration_cast<rt::Duration>(event_time * (seats / work.final_seats));
  return work;
}

}  // namespace pintle::apiserver::fairness

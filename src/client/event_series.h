// EventSeries: what becomes of an event that is told in the way of events.k8s.io, by client-go's rules: the first is sent as it is, the
// second opens a series, those after it are counted, and the count is sent when the series has ended or has gone on for long. Pure: time
// comes in. What it remembers is bounded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/event_correlator.h"
#include "rt/clock.h"

namespace pintle::client {

constexpr rt::Duration series_end_after = std::chrono::minutes(6);       // of silence
constexpr rt::Duration series_refresh_after = std::chrono::minutes(30);  // so that the server does not forget a long one
constexpr std::size_t open_series_max = 1024;                            // then what is told again is sent as new

class EventSeries {
 public:
  struct Send {
    api::core_v1::Event event;
    bool again = false;  // the event is known to the server: patch() brings its series up to date
    std::string patch() const;
  };
  // nullopt: counted, nothing to send now.
  std::optional<Send> observe(api::core_v1::Event event, rt::WallTime now);
  // The counts that are due.
  std::vector<Send> due(rt::WallTime now);
  // When something will be due; nullopt: no series is open.
  std::optional<rt::WallTime> next_due() const;

 private:
  struct First {
    std::string name;
    rt::WallTime at;
  };
  struct Open {
    api::core_v1::Event event;
    rt::WallTime last;
    rt::WallTime sent;
  };
  RecentMap<First> firsts_{event_memory_max};
  std::map<uint64_t, Open> open_;
};

}  // namespace pintle::client

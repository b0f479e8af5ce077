// EventLog: what happened in a simulated run, a line an event: virtual nanoseconds, then words. Two runs of one seed
// have equal logs. Bounded: past `bytes_max` the older half is dropped; hash() covers every line ever written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rt/clock.h"

namespace pintle::rt {

class EventLog {
 public:
  explicit EventLog(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  void write(TimePoint now, std::string_view line);
  const std::string& text() const { return text_; }
  uint64_t hash() const { return hash_; }
  // The last `lines` lines.
  std::string tail(std::size_t lines) const;

 private:
  const std::size_t bytes_max_;
  std::string text_;
  uint64_t hash_ = 0xcbf29ce484222325u;  // FNV-1a
};

}  // namespace pintle::rt

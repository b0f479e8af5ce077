// TimeZoneFiles: the zones of this machine by name, as /usr/share/zoneinfo has them; each is read when it is first asked for, and kept.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/time_zone.h"
#include "rt/file.h"

namespace pintle::rt {

constexpr std::size_t unknown_zones_max = 1000;  // names that are remembered to be none; past them they are looked for again

class TimeZoneFiles {
 public:
  // `disk` outlives it.
  explicit TimeZoneFiles(Disk& disk) : disk_(disk) {}
  // nullptr: there is no such zone, or its file cannot be read. Valid as long as this. Reads a file of some KiB where it must.
  const TimeZone* find(std::string_view name) const;

 private:
  Disk& disk_;
  mutable ThreadMutex mutex_;
  mutable std::map<std::string, std::unique_ptr<const TimeZone>, std::less<>> zones_ GUARDED_BY(mutex_);  // nullptr: there is none
  mutable std::size_t unknown_ GUARDED_BY(mutex_) = 0;
};

}  // namespace pintle::rt

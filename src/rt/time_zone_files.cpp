#include "rt/time_zone_files.h"

namespace pintle::rt {

namespace {

constexpr std::string_view folder = "/usr/share/zoneinfo/";
constexpr std::size_t file_bytes_max = 256 << 10;

}  // namespace

const TimeZone* TimeZoneFiles::find(std::string_view name) const {
  if (!is_time_zone_name(name)) return nullptr;
  ThreadLock lock(mutex_);
  if (const auto it = zones_.find(name); it != zones_.end()) return it->second.get();
  std::unique_ptr<const TimeZone> zone;
  if (const auto bytes = disk_.read(std::string(folder).append(name), file_bytes_max))
    if (auto parsed = TimeZone::parse_tzif(*bytes)) zone = std::make_unique<const TimeZone>(std::move(*parsed));
  if (!zone) {
    if (unknown_ == unknown_zones_max) return nullptr;
    ++unknown_;
  }
  return zones_.emplace(name, std::move(zone)).first->second.get();
}

}  // namespace pintle::rt

// TimeZones: what expressions ask of a timestamp in a zone ("getHours('Europe/Zurich')"), by the files of the machine that the server runs on.
#pragma once

#include "apimachinery/cel/time_zones.h"
#include "rt/time_zone_files.h"

namespace pintle::apiserver {

class TimeZones final : public apimachinery::cel::TimeZones {
 public:
  // `disk` outlives it.
  explicit TimeZones(rt::Disk& disk) : files_(disk) {}
  const TimeZone* find(std::string_view name) const override { return files_.find(name); }

 private:
  const rt::TimeZoneFiles files_;
};

}  // namespace pintle::apiserver

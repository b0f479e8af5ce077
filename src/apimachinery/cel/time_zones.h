// TimeZones: zones by name, for what expressions ask of a timestamp ("getHours('Europe/Zurich')"). Evaluation waits for nothing: whoever
// evaluates brings the zones along.
#pragma once

#include <string_view>

#include "base/time_zone.h"

namespace pintle::apimachinery::cel {

class TimeZones {
 public:
  // nullptr: there is no such zone. Valid as long as this.
  virtual const TimeZone* find(std::string_view name) const = 0;

 protected:
  ~TimeZones() = default;
};

}  // namespace pintle::apimachinery::cel

// Constraints between the devices of a claim: all of them share an attribute's value, or no two do. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

class Constraint {
 public:
  enum class Kind : uint8_t { Match, Distinct };
  // The constraint must outlive it.
  Constraint(Kind kind, const std::string& attribute, const std::vector<std::string>& requests)
      : kind_(kind), attribute_(attribute), requests_(requests) {}

  // Whether it is about a request: by its name, or REQUEST/ALTERNATIVE.
  bool concerns(std::string_view request, std::string_view full_name) const;
  // Takes a device among those that were taken; false: it does not fit them, or lacks the attribute.
  bool add(std::string_view driver, const v1::Device& device);
  // The last one that was added goes.
  void remove() { taken_.pop_back(); }

 private:
  Kind kind_;
  const std::string& attribute_;
  const std::vector<std::string>& requests_;  // empty: all
  std::vector<const v1::DeviceAttribute*> taken_;
};

}  // namespace pintle::scheduler::devices

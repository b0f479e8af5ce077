// The requests of claims, read: what the search goes by. A request is one way to be served, or a list of alternatives, the best first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

// One way to serve a request.
struct Way {
  std::string_view name;    // of the request, or of the alternative
  std::string_view parent;  // of the request whose alternative it is; "": none
  std::string full_name;    // "request", "request/alternative": as results name it
  const std::string& class_name;
  const std::vector<v1::DeviceSelector>& selectors;
  const std::string& mode;
  int64_t count = 0;
  const std::optional<bool>* admin_access = nullptr;  // nullptr: alternatives have none
  const std::vector<v1::DeviceToleration>& tolerations;
  const v1::CapacityRequirements* capacity = nullptr;

  std::string_view base() const { return parent.empty() ? name : parent; }
  bool admin() const { return admin_access != nullptr && admin_access->value_or(false); }
  bool all() const { return mode == "All"; }
};

// The ways of a request, in the order of preference. Refers to it.
std::vector<Way> ways_of(const v1::DeviceRequest& request);

}  // namespace pintle::scheduler::devices

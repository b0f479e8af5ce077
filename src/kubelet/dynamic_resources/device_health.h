// DeviceHealths: how the devices of drivers are, as the drivers told last; what was told is believed for a time. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/gen/drahealth_v1alpha1.h"
#include "base/status.h"
#include "rt/clock.h"

namespace pintle::kubelet::dynamic_resources {

// Of one driver; a report past it is refused.
constexpr std::size_t reported_devices_max = 16'384;
constexpr std::size_t health_message_bytes_max = 1024;  // more is cut, as upstream does
constexpr rt::Duration health_valid_default = std::chrono::seconds(30);

struct DeviceHealth {
  std::string_view health = "Unknown";  // or "Healthy", "Unhealthy"
  std::string message;
  rt::Duration valid = health_valid_default;
  rt::TimePoint told_at{};
};

class DeviceHealths {
 public:
  using Names = std::set<std::string>;  // "pool/device"

  // Those that are in another state than before, or were not known. Invalid past the limits.
  Result<Names> tell(const std::string& driver, api::drahealth_v1alpha1::NodeWatchResourcesResponse report, rt::TimePoint now);
  // Those that were told too long ago, by driver: their health is not known any more.
  std::map<std::string, Names> expire(rt::TimePoint now);
  // When that next happens.
  std::optional<rt::TimePoint> next_expiry() const;
  // What was known of a driver's devices.
  Names forget(std::string_view driver);
  DeviceHealth of(std::string_view driver, std::string_view pool, std::string_view device) const;

 private:
  std::map<std::string, std::map<std::string, DeviceHealth, std::less<>>, std::less<>> drivers_;
};

}  // namespace pintle::kubelet::dynamic_resources

#include "kubelet/dynamic_resources/device_health.h"

#include <fmt/format.h>

#include "rt/far_time.h"

namespace pintle::kubelet::dynamic_resources {

using namespace api::drahealth_v1alpha1;

namespace {

constexpr std::string_view unknown_health = "Unknown";

std::string_view word_of(int32_t health) {
  if (health == HealthStatus::Healthy) return "Healthy";
  return health == HealthStatus::Unhealthy ? "Unhealthy" : unknown_health;
}

// No character is cut in two.
std::string cut(std::string message) {
  if (message.size() <= health_message_bytes_max) return message;
  std::size_t end = health_message_bytes_max - 3;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  message.resize(end);
  return message + "...";
}

bool is_old(const DeviceHealth& health, rt::TimePoint now) { return now > rt::after(health.told_at, health.valid); }

}  // namespace

Result<DeviceHealths::Names> DeviceHealths::tell(const std::string& driver, NodeWatchResourcesResponse report, rt::TimePoint now) {
  if (report.devices.size() > reported_devices_max)
    return error(Reason::Invalid, fmt::format("more than {} devices in one report", reported_devices_max));
  auto& known = drivers_[driver];
  Names out;
  for (auto& one : report.devices) {
    DeviceHealth health;
    health.health = word_of(one.health);
    health.message = cut(std::move(one.message));
    if (one.health_check_timeout_seconds > 0) health.valid = rt::seconds_of(one.health_check_timeout_seconds);
    health.told_at = now;
    std::string name = one.device ? one.device->pool_name + "/" + one.device->device_name : "/";
    const auto before = known.find(name);
    if (before == known.end() && known.size() >= reported_devices_max) return error(Reason::Invalid, "more devices than a driver may have");
    const bool same = before != known.end() && before->second.health == health.health && before->second.message == health.message;
    known.insert_or_assign(name, std::move(health));
    if (!same) out.insert(std::move(name));
  }
  return out;
}

std::map<std::string, DeviceHealths::Names> DeviceHealths::expire(rt::TimePoint now) {
  std::map<std::string, Names> out;
  for (auto& [driver, devices] : drivers_) {
    for (auto& [name, health] : devices) {
      if (health.health == unknown_health || !is_old(health, now)) continue;
      health.health = unknown_health;
      health.message.clear();
      out[driver].insert(name);
    }
  }
  return out;
}

std::optional<rt::TimePoint> DeviceHealths::next_expiry() const {
  std::optional<rt::TimePoint> out;
  for (const auto& [driver, devices] : drivers_) {
    for (const auto& [name, health] : devices) {
      if (health.health == unknown_health) continue;
      const rt::TimePoint at = rt::after(health.told_at, health.valid);
      out = out ? std::min(*out, at) : at;
    }
  }
  return out;
}

DeviceHealths::Names DeviceHealths::forget(std::string_view driver) {
  Names out;
  const auto found = drivers_.find(driver);
  if (found == drivers_.end()) return out;
  for (const auto& [name, health] : found->second) out.insert(name);
  drivers_.erase(found);
  return out;
}

DeviceHealth DeviceHealths::of(std::string_view driver, std::string_view pool, std::string_view device) const {
  const auto known = drivers_.find(driver);
  if (known == drivers_.end()) return {};
  const auto found = known->second.find(std::string(pool).append("/").append(device));
  return found == known->second.end() ? DeviceHealth{} : found->second;
}

}  // namespace pintle::kubelet::dynamic_resources

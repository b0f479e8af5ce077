#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

std::string device_key(std::string_view driver, std::string_view pool, std::string_view device) {
  std::string out;
  out.reserve(driver.size() + pool.size() + device.size() + 2);
  out.append(driver).append("/").append(pool).append("/").append(device);
  return out;
}

void add_amounts(Amounts& to, const Amounts& from) {
  for (const auto& [name, amount] : from) {
    api::Quantity& sum = to[name];
    sum = sum + amount;
  }
}
void subtract_amounts(Amounts& from, const Amounts& what) {
  for (const auto& [name, amount] : what) {
    api::Quantity& rest = from[name];
    rest = rest - amount;
  }
}

void AllocatedState::count(const v1::AllocationResult& allocation, bool added) {
  ++revision_;
  for (const auto& result : allocation.devices.results) {
    if (result.admin_access.value_or(false)) continue;
    const auto at = uses_.try_emplace(device_key(result.driver, result.pool, result.device)).first;
    DeviceUse& use = at->second;
    const bool shared = consumable_capacity_ && result.share_id.has_value();
    uint32_t& users = shared ? use.shares : use.owners;
    if (added) {
      ++users;
      if (shared) add_amounts(use.consumed, result.consumed_capacity);
      continue;
    }
    if (users > 0) --users;
    if (shared) subtract_amounts(use.consumed, result.consumed_capacity);
    if (!use.any()) uses_.erase(at);
  }
}

}  // namespace pintle::scheduler::devices

// What the allocation of devices works on: the API's objects, shared, and which devices are in use.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/gen/resource_v1.h"
#include "base/flat_map.h"

namespace pintle::scheduler::devices {

namespace v1 = api::resource_v1;

using SlicePtr = std::shared_ptr<const v1::ResourceSlice>;
using ClaimPtr = std::shared_ptr<const v1::ResourceClaim>;
using ClassPtr = std::shared_ptr<const v1::DeviceClass>;

// The feature gates that decide what may be allocated.
struct Features {
  bool prioritized_list = true;
  bool partitionable_devices = true;
  bool device_taints = true;
  bool binding_conditions = true;
  bool consumable_capacity = true;
};

// "driver/pool/device": drivers and devices have no slash.
std::string device_key(std::string_view driver, std::string_view pool, std::string_view device);

// Amounts by name.
using Amounts = FlatMap<api::Quantity>;
void add_amounts(Amounts& to, const Amounts& from);
void subtract_amounts(Amounts& from, const Amounts& what);

// What allocations take of one device. Admin access takes nothing.
struct DeviceUse {
  uint32_t owners = 0;  // that have it to themselves; more than one where claims contradict each other
  uint32_t shares = 0;
  Amounts consumed;  // by the shares
  bool any() const { return owners + shares > 0; }
};

// The devices in use, by key.
class AllocatedState {
 public:
  explicit AllocatedState(bool consumable_capacity = true) : consumable_capacity_(consumable_capacity) {}
  void add(const v1::AllocationResult& allocation) { count(allocation, true); }
  // What was added.
  void remove(const v1::AllocationResult& allocation) { count(allocation, false); }
  // nullptr: it is free.
  const DeviceUse* find(const std::string& key) const {
    const auto found = uses_.find(key);
    return found == uses_.end() ? nullptr : &found->second;
  }
  std::size_t size() const { return uses_.size(); }
  // Changes with every change.
  uint64_t revision() const { return revision_; }

 private:
  void count(const v1::AllocationResult& allocation, bool added);
  bool consumable_capacity_;  // without it a share counts as the whole device
  uint64_t revision_ = 0;
  std::unordered_map<std::string, DeviceUse> uses_;
};

}  // namespace pintle::scheduler::devices

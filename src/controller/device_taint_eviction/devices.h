// TaintedDevices: which devices have NoExecute taints, by what the slices of the newest generation of each pool say. Pure.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/gen/resource_v1.h"

namespace pintle::controller::device_taint_eviction {

using api::resource_v1::DeviceTaint;
using api::resource_v1::ResourceSlice;
using SlicePtr = std::shared_ptr<const ResourceSlice>;

// "driver/pool/device"
std::string device_key(const std::string& driver, const std::string& pool, const std::string& device);

class TaintedDevices {
 public:
  using Taints = std::vector<DeviceTaint>;
  // A slice came, changed or went (nullptr). The keys of the devices whose taints are others now. Costs what the pool costs.
  std::vector<std::string> change(const SlicePtr& before, const SlicePtr& after);
  // nullptr: none.
  const Taints* find(const std::string& key) const;

 private:
  using PoolId = std::pair<std::string, std::string>;
  using PoolTaints = std::map<std::string, Taints>;
  struct Pool {
    std::map<std::string, SlicePtr> slices;
    PoolTaints taints;
  };
  static PoolTaints taints_of(const Pool& pool);
  static void compare(const PoolTaints& before, const PoolTaints& after, std::set<std::string>& changed);
  void update(const PoolId& id, std::set<std::string>& changed);

  std::map<PoolId, Pool> pools_;
  std::map<std::string, const Taints*> by_device_;  // into pools_
};

}  // namespace pintle::controller::device_taint_eviction

#include "controller/device_taint_eviction/devices.h"

#include <algorithm>

namespace pintle::controller::device_taint_eviction {

std::string device_key(const std::string& driver, const std::string& pool, const std::string& device) { return driver + "/" + pool + "/" + device; }

TaintedDevices::PoolTaints TaintedDevices::taints_of(const Pool& pool) {
  int64_t newest = INT64_MIN;
  for (const auto& [name, slice] : pool.slices) newest = std::max(newest, slice->spec.pool.generation);
  PoolTaints out;
  for (const auto& [name, slice] : pool.slices) {
    if (slice->spec.pool.generation != newest) continue;
    for (const auto& device : slice->spec.devices)
      for (const DeviceTaint& taint : device.taints)
        if (taint.effect == "NoExecute") out[device_key(slice->spec.driver, slice->spec.pool.name, device.name)].push_back(taint);
  }
  return out;
}

void TaintedDevices::compare(const PoolTaints& before, const PoolTaints& after, std::set<std::string>& changed) {
  const auto same = [](const DeviceTaint& a, const DeviceTaint& b) { return a.key == b.key && a.value == b.value && a.time_added == b.time_added; };
  for (const auto& [key, taints] : after)
    if (const auto old = before.find(key); old == before.end() || !std::ranges::equal(old->second, taints, same)) changed.insert(key);
  for (const auto& [key, taints] : before)
    if (!after.contains(key)) changed.insert(key);
}

void TaintedDevices::update(const PoolId& id, std::set<std::string>& changed) {
  const auto at = pools_.find(id);
  PoolTaints now = taints_of(at->second);
  compare(at->second.taints, now, changed);
  for (const auto& [key, taints] : at->second.taints) by_device_.erase(key);
  at->second.taints = std::move(now);
  for (const auto& [key, taints] : at->second.taints) by_device_[key] = &taints;
  if (at->second.slices.empty()) pools_.erase(at);
}

std::vector<std::string> TaintedDevices::change(const SlicePtr& before, const SlicePtr& after) {
  std::set<std::string> changed;
  const auto id_of = [](const ResourceSlice& slice) { return PoolId{slice.spec.driver, slice.spec.pool.name}; };
  if (before)
    if (const auto at = pools_.find(id_of(*before)); at != pools_.end()) at->second.slices.erase(before->metadata.name);
  if (after) pools_[id_of(*after)].slices[after->metadata.name] = after;
  if (before && pools_.contains(id_of(*before))) update(id_of(*before), changed);
  if (after && (!before || id_of(*before) != id_of(*after))) update(id_of(*after), changed);
  return {changed.begin(), changed.end()};
}

const TaintedDevices::Taints* TaintedDevices::find(const std::string& key) const {
  const auto found = by_device_.find(key);
  return found == by_device_.end() ? nullptr : found->second;
}

}  // namespace pintle::controller::device_taint_eviction

#include "scheduler/devices/allocator.h"

#include "scheduler/devices/search.h"

namespace pintle::scheduler::devices {

Allocation Allocator::allocate(const api::core_v1::Node& node, std::span<const v1::ResourceClaim* const> claims,
                               const std::function<bool()>& interrupted) {
  return Search(*this, node, claims, interrupted).run();
}

std::size_t Allocator::selectors_number(const std::string& class_name, const std::vector<v1::DeviceSelector>& selectors) {
  std::vector<std::string> key{class_name};
  for (const auto& selector : selectors) key.push_back(selector.cel->expression);
  return numbers_.try_emplace(std::move(key), numbers_.size()).first->second;
}

const Allocator::Counters& Allocator::counters_left(const PoolPtr& pool) {
  const auto [at, fresh] = counters_.try_emplace(pool.get());
  if (!fresh) return at->second.left;
  at->second.pool = pool;
  Counters& left = at->second.left;
  for (const auto& [name, set] : pool->counter_sets)
    for (const auto& [counter, value] : set->counters) left[name][counter] = value.value;
  for (const PoolSlicePtr& slice : pool->slices) {
    for (std::size_t i = 0; i < slice->keys.size(); ++i) {
      const DeviceUse* use = deps_.allocated.find(slice->keys[i]);
      if (use == nullptr || !use->any()) continue;
      for (const auto& consumption : slice->spec().devices[i].consumes_counters)
        for (const auto& [name, counter] : consumption.counters)
          if (api::Quantity* rest = left[consumption.counter_set].get(name)) *rest = *rest - counter.value;
    }
  }
  return left;
}

bool is_available_on(const v1::AllocationResult& allocation, const api::core_v1::Node& node) {
  return !allocation.node_selector || rules::NodeSelector(*allocation.node_selector).matches(node);
}

}  // namespace pintle::scheduler::devices

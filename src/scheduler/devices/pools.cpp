#include "scheduler/devices/pools.h"

#include <algorithm>
#include <set>

namespace pintle::scheduler::devices {

using api::core_v1::Node;

PoolSlice::PoolSlice(SlicePtr from) : slice(std::move(from)) {
  if (spec().node_selector) nodes.emplace(*spec().node_selector);
  keys.reserve(spec().devices.size());
  for (const v1::Device& device : spec().devices) {
    keys.push_back(device_key(spec().driver, spec().pool.name, device.name));
    has_binding_conditions |= !device.binding_conditions.empty();
    if (!selects_per_device()) continue;
    auto& selector = device_nodes.emplace_back();
    if (device.node_selector) selector.emplace(*device.node_selector);
  }
}

bool PoolSlice::device_reaches(std::size_t device, const Node& node) const {
  const v1::Device& d = spec().devices[device];
  if (d.node_name && !d.node_name->empty()) return *d.node_name == node.metadata.name;
  if (d.all_nodes.value_or(false)) return true;
  return device_nodes[device] && device_nodes[device]->matches(node);
}

bool PoolSlice::reaches(const Node& node) const {
  if (spec().node_name && !spec().node_name->empty()) return *spec().node_name == node.metadata.name;
  if (spec().all_nodes.value_or(false)) return true;
  if (nodes) return nodes->matches(node);
  if (!selects_per_device()) return false;
  for (std::size_t i = 0; i < spec().devices.size(); ++i)
    if (device_reaches(i, node)) return true;
  return false;
}

namespace {

// What the counters that devices of the pool consume lack; "": nothing.
std::string counter_fault(Pool& pool) {
  for (const PoolSlicePtr& slice : pool.slices)
    for (const v1::CounterSet& set : slice->spec().shared_counters)
      if (!pool.counter_sets.emplace(set.name, &set).second) return "duplicate counter set name " + set.name;
  for (const PoolSlicePtr& slice : pool.slices) {
    for (const v1::Device& device : slice->spec().devices) {
      for (const auto& consumption : device.consumes_counters) {
        const auto set = pool.counter_sets.find(consumption.counter_set);
        if (set == pool.counter_sets.end()) return "counter set " + consumption.counter_set + " not found";
        for (const auto& [name, counter] : consumption.counters)
          if (!set->second->counters.contains(name)) return "counter " + name + " not found in counter set " + consumption.counter_set;
      }
    }
  }
  return {};
}

template <class Slices>
bool has_unique_names(const Slices& slices) {
  std::set<std::string_view> seen;
  for (const auto& slice : slices)
    for (const v1::Device& device : slice->spec().devices)
      if (!seen.insert(device.name).second) return false;
  return true;
}

// nullopt: the node has nothing to do with the pool.
std::optional<NodePool> seen_from(const PoolPtr& pool, const Node& node, const Features& features) {
  NodePool out;
  out.pool = pool;
  bool relevant = false;
  for (const PoolSlicePtr& slice : pool->slices) {
    if (!features.partitionable_devices && (slice->spec().per_device_node_selection || slice->holds_counters())) continue;
    if (slice->holds_counters()) {  // needed to use the pool, wherever it is
      relevant = true;
      continue;
    }
    if (!slice->reaches(node)) continue;
    relevant = true;
    out.slices.push_back(slice.get());
    out.binding_conditions |= slice->has_binding_conditions;
  }
  if (!relevant) return std::nullopt;
  if (!pool->complete)
    out.unusable = "incomplete";
  else if ((features.partitionable_devices && !pool->fault.empty()) || (!pool->unique_names && !has_unique_names(out.slices)))
    out.unusable = "invalid";
  if (!out.unusable.empty()) {
    out.slices.clear();
    out.binding_conditions = false;
  }
  return out;
}

}  // namespace

PoolPtr Pools::build(const PoolId& id, const Entry& entry) {
  auto pool = std::make_shared<Pool>();
  pool->id = id;
  int64_t newest = INT64_MIN;
  for (const auto& [name, slice] : entry.slices) newest = std::max(newest, slice->spec().pool.generation);
  for (const auto& [name, slice] : entry.slices)
    if (slice->spec().pool.generation == newest) pool->slices.push_back(slice);
  const auto count = static_cast<int64_t>(pool->slices.size());
  pool->complete = std::ranges::all_of(pool->slices, [&](const auto& slice) { return slice->spec().pool.resource_slice_count == count; });
  pool->unique_names = has_unique_names(pool->slices);
  pool->fault = counter_fault(*pool);
  return pool;
}

const std::string& Pools::place_of(const v1::ResourceSlice& slice) {
  static const std::string several;
  return slice.spec.node_name && slice.spec.shared_counters.empty() ? *slice.spec.node_name : several;
}

void Pools::place(const v1::ResourceSlice& slice, const PoolId& id, int count) {
  auto& pools = places_[place_of(slice)];
  if ((pools[id] += count) > 0) return;
  pools.erase(id);
  if (pools.empty()) places_.erase(place_of(slice));
}

void Pools::change(const SlicePtr& before, const SlicePtr& after) {
  if (before) {
    const PoolId id{before->spec.driver, before->spec.pool.name};
    if (const auto at = pools_.find(id); at != pools_.end() && at->second.slices.erase(before->metadata.name) > 0) {
      place(*before, id, -1);
      at->second.built = nullptr;
      if (at->second.slices.empty()) pools_.erase(at);
    }
  }
  if (after) {
    const PoolId id{after->spec.driver, after->spec.pool.name};
    Entry& entry = pools_[id];
    entry.slices[after->metadata.name] = std::make_shared<const PoolSlice>(after);
    entry.built = nullptr;
    place(*after, id, +1);
  }
}

std::vector<NodePool> Pools::of_node(const Node& node, const Features& features) const {
  std::vector<NodePool> out;
  const auto look = [&](const PoolId& id) {
    const Entry& entry = pools_.at(id);
    if (!entry.built) entry.built = build(id, entry);
    if (auto seen = seen_from(entry.built, node, features)) out.push_back(std::move(*seen));
  };
  const auto of = [&](const std::string& place) {
    const auto found = places_.find(place);
    return found == places_.end() ? nullptr : &found->second;
  };
  const auto* own = of(node.metadata.name);
  const auto* several = of("");
  if (own != nullptr)
    for (const auto& [id, count] : *own) look(id);
  if (several != nullptr)
    for (const auto& [id, count] : *several)
      if (own == nullptr || !own->contains(id)) look(id);
  std::ranges::stable_sort(out, [](const NodePool& a, const NodePool& b) {
    return std::tie(a.binding_conditions, a.pool->id) < std::tie(b.binding_conditions, b.pool->id);
  });
  return out;
}

}  // namespace pintle::scheduler::devices

// Pools of devices: the ResourceSlices that drivers publish, put together. Of a pool only the slices of its newest generation count, and
// only when all of them are there. Slices that contradict each other make a pool invalid, or incomplete; nothing is given from such a one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/node_selector.h"
#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

// A slice with what is asked of it again and again. Immutable.
struct PoolSlice {
  explicit PoolSlice(SlicePtr from);
  SlicePtr slice;
  std::optional<rules::NodeSelector> nodes;                      // the slice's
  std::vector<std::string> keys;                                 // of its devices
  std::vector<std::optional<rules::NodeSelector>> device_nodes;  // of its devices, where they choose nodes each for itself; else empty
  bool has_binding_conditions = false;

  const v1::ResourceSliceSpec& spec() const { return slice->spec; }
  bool holds_counters() const { return !spec().shared_counters.empty(); }
  bool selects_per_device() const { return spec().per_device_node_selection.value_or(false); }
  // Whether some of its devices can be reached from the node; `device_reaches` is of those that choose nodes themselves.
  bool reaches(const api::core_v1::Node& node) const;
  bool device_reaches(std::size_t device, const api::core_v1::Node& node) const;
};
using PoolSlicePtr = std::shared_ptr<const PoolSlice>;

using PoolId = std::pair<std::string, std::string>;  // driver, pool

// One pool, of one moment. Immutable.
struct Pool {
  PoolId id;
  std::vector<PoolSlicePtr> slices;  // of the newest generation, by name: first fit goes by names
  bool complete = false;             // as many as each of them says
  bool unique_names = true;          // of devices, in the whole pool
  std::string fault;                 // of its counters; "": none
  std::map<std::string, const v1::CounterSet*> counter_sets;

  std::string text() const { return id.first + "/" + id.second; }
};
using PoolPtr = std::shared_ptr<const Pool>;

// A pool as a node sees it.
struct NodePool {
  PoolPtr pool;
  std::string unusable;                  // why nothing is to be had from it: "incomplete" or "invalid"; "": it is
  std::vector<const PoolSlice*> slices;  // with devices that the node may reach
  bool binding_conditions = false;       // such pools come last
  bool incomplete() const { return unusable == "incomplete"; }
  bool invalid() const { return unusable == "invalid"; }
};

class Pools {
 public:
  // A slice came (`before` nullptr), changed, or went (`after` nullptr). Costs what the slice costs: a pool is put together when it is
  // next looked at.
  void change(const SlicePtr& before, const SlicePtr& after);
  // The pools that the node may reach, in the order in which devices are looked for.
  std::vector<NodePool> of_node(const api::core_v1::Node& node, const Features& features) const;
  std::size_t size() const { return pools_.size(); }

 private:
  struct Entry {
    std::map<std::string, PoolSlicePtr> slices;  // by name, of all generations
    mutable PoolPtr built;                       // nullptr: something changed since
  };
  static PoolPtr build(const PoolId& id, const Entry& entry);
  // Where a slice is looked for: its node, or "" for slices of several nodes.
  static const std::string& place_of(const v1::ResourceSlice& slice);
  void place(const v1::ResourceSlice& slice, const PoolId& id, int count);

  std::map<PoolId, Entry> pools_;
  std::unordered_map<std::string, std::map<PoolId, int>> places_;  // to pools, with the number of their slices there
};

}  // namespace pintle::scheduler::devices

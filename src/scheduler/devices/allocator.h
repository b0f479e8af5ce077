// Allocator: which devices claims get on a node, by structured parameters. Pure: it changes nothing, and reads no clock. The first solution
// in the order of pools, slices and devices is taken, as upstream's, so that drivers' names decide what is preferred.
//
// The search goes back where a choice leads nowhere, and may take exponential time: `interrupted` ends it, and so does search_steps_max.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/device_selector.h"
#include "scheduler/devices/pools.h"
#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

constexpr std::size_t results_max = 32;                // devices of a claim: the API's limit
constexpr uint64_t search_steps_max = 100'000'000;     // devices looked at on one node; then it is as if time had run out
constexpr uint64_t search_steps_between_looks = 1024;  // at the clock

struct Allocation {
  enum class Kind : uint8_t {
    Allocated,     // `results` in the order of the claims
    Impossible,    // not on this node
    InvalidPools,  // the same, and some pools could not be used: `message`
    TimedOut,
    Failed,  // something is wrong with a claim, a class or a slice, so that no other node needs a look: `message`
  };
  Kind kind = Kind::Impossible;
  std::string message;
  std::vector<v1::AllocationResult> results;
};

// For the claims of one pod, on any number of nodes. What it is given outlives it, and does not change between its calls.
class Allocator {
 public:
  struct Deps {
    Features features;
    const Pools& pools;
    const AllocatedState& allocated;
    std::function<ClassPtr(const std::string& name)> find_class;
    rules::DeviceSelectors& selectors;
    std::function<std::string()> new_share_id;
  };
  explicit Allocator(Deps deps) : deps_(std::move(deps)) {}

  // The claims are not allocated yet. `interrupted` is asked now and then.
  Allocation allocate(const api::core_v1::Node& node, std::span<const v1::ResourceClaim* const> claims,
                      const std::function<bool()>& interrupted = nullptr);

 private:
  friend class Search;
  // Which devices of a slice the selectors of a request (and its class) pick, as far as they were asked. Whether a device matches has nothing
  // to do with the node.
  struct Matches {
    PoolSlicePtr slice;  // kept, so that its address stays its own
    std::vector<std::vector<int8_t>> by_selectors;
  };
  // What is left of a pool's counters by what is allocated.
  using Counters = std::map<std::string, Amounts>;
  struct PoolCounters {
    PoolPtr pool;
    Counters left;
  };
  // One number for each list of selectors, a class's name before.
  std::size_t selectors_number(const std::string& class_name, const std::vector<v1::DeviceSelector>& selectors);
  const Counters& counters_left(const PoolPtr& pool);

  Deps deps_;
  std::map<std::vector<std::string>, std::size_t> numbers_;
  std::unordered_map<const PoolSlice*, Matches> matches_;
  std::unordered_map<const Pool*, PoolCounters> counters_;
};

// Whether a claim that is allocated can be used on the node.
bool is_available_on(const v1::AllocationResult& allocation, const api::core_v1::Node& node);

}  // namespace pintle::scheduler::devices

// Search: one look for devices on one node. Without recursion: what was chosen stands on a stack of its own, as deep as there are devices.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/devices/allocator.h"
#include "scheduler/devices/constraints.h"
#include "scheduler/devices/requests.h"

namespace pintle::scheduler::devices {

class Search {
 public:
  Search(Allocator& allocator, const api::core_v1::Node& node, std::span<const v1::ResourceClaim* const> claims,
         const std::function<bool()>& interrupted)
      : allocator_(allocator), node_(node), claims_(claims), interrupted_(interrupted) {}
  Allocation run();

 private:
  // A place in the lists of pools, slices and devices.
  struct Place {
    std::size_t pool = 0, slice = 0, device = 0;
  };
  struct Device {
    const NodePool* pool = nullptr;
    const PoolSlice* slice = nullptr;
    std::size_t at = 0;
    const v1::Device& get() const { return slice->spec().devices[at]; }
    const std::string& key() const { return slice->keys[at]; }
    const std::string& driver() const { return slice->spec().driver; }
  };
  struct PlannedWay {
    Way way;
    ClassPtr device_class;
    std::size_t selectors = 0;        // their number
    std::size_t count = 0;            // of devices
    std::vector<Device> all_devices;  // mode All
  };
  struct PlannedClaim {
    std::vector<std::vector<PlannedWay>> requests;
    std::vector<std::size_t> chosen;  // the way of each request
    std::vector<Constraint> constraints;
    std::size_t devices = 0;  // chosen so far
  };
  // What a device was taken with.
  struct Taken {
    Device device;
    std::vector<std::size_t> constraints;  // that count it
    bool marked = false;
    bool counters = false;
    bool shared = false;
    Amounts consumed;
  };
  // A choice that can be made otherwise.
  struct Choice {
    std::size_t claim, request;
    bool of_way = false;  // of an alternative; else of a device
    // Of an alternative.
    bool all_exceeded = true;
    // Of a device.
    std::size_t ordinal = 0;  // among those of the request
    Place next;               // where the next candidate is looked for
    bool holds = false;
    Taken taken;
  };
  // What the search has in use of a device.
  struct Use {
    std::vector<std::size_t> claims;
    std::size_t shares = 0;
    Amounts consuming;
  };
  enum class Step : uint8_t { Forward, Back, Exceeded, Done };

  bool plan();  // false: it is of no use to search
  bool plan_claim(std::size_t claim);
  bool plan_way(std::size_t claim, PlannedWay& planned);
  bool list_all(std::size_t claim, PlannedWay& planned);

  void search();
  // From the request on: the next choice, or why there is none.
  Step enter(std::size_t claim, std::size_t request);
  Step enter_way(std::size_t claim, std::size_t request);
  // The next candidate of the last choice.
  Step advance();
  Step advance_way(Choice& choice);
  Step advance_device(Choice& choice);
  void back();
  bool unwind(std::size_t claim);
  // Some more was looked at; false: time has run out.
  bool spend(uint64_t steps);

  bool is_candidate(std::size_t claim, PlannedWay& planned, const Device& device);
  // Yes, no; an error is in failure_.
  bool selected(std::size_t claim, PlannedWay& planned, const Device& device);
  bool match(std::size_t claim, const PlannedWay& planned, const Device& device);
  bool fits(const PlannedWay& planned, const Device& device);
  bool in_use(const Device& device) const;
  bool in_claim(const Device& device, std::size_t claim) const;
  bool is_shared(const Device& device) const;
  bool take(std::size_t claim, PlannedWay& planned, const Device& device, Taken& taken);
  void release(std::size_t claim, const Taken& taken);
  bool take_counters(const Device& device);
  void release_counters(const Device& device);

  bool fail(std::string message) {
    failure_ = std::move(message);
    return false;
  }
  std::string claim_text(std::size_t claim) const;
  std::string request_text(std::size_t claim, const Way& way) const;
  Allocation outcome();
  Result<std::vector<v1::AllocationResult>> results();

  Allocator& allocator_;
  const api::core_v1::Node& node_;
  std::span<const v1::ResourceClaim* const> claims_;
  const std::function<bool()>& interrupted_;
  std::vector<NodePool> pools_;
  std::vector<PlannedClaim> planned_;
  std::vector<Choice> choices_;
  std::unordered_map<std::string, Use> uses_;
  std::map<const Pool*, Allocator::Counters> consumed_counters_;
  uint64_t steps_ = 0, next_look_ = search_steps_between_looks;
  bool timed_out_ = false;
  bool found_ = false;
  std::size_t limited_ = 0;  // the claim that met the limit of devices: Step::Exceeded
  std::string failure_;
};

}  // namespace pintle::scheduler::devices

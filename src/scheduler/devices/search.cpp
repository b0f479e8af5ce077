#include "scheduler/devices/search.h"

#include <algorithm>

#include "rules/device_taints.h"
#include "scheduler/devices/capacity.h"
#include "scheduler/devices/results.h"

namespace pintle::scheduler::devices {

namespace {

constexpr uint64_t selector_steps = 64;  // what asking selectors counts as: they may take a while

}  // namespace

std::string Search::claim_text(std::size_t claim) const {
  return "claim " + claims_[claim]->metadata.namespace_ + "/" + claims_[claim]->metadata.name;
}
std::string Search::request_text(std::size_t claim, const Way& way) const { return claim_text(claim) + ", request " + std::string(way.name) + ": "; }

// --- reading the claims -----------------------------------------------------------------------------------------------

bool Search::list_all(std::size_t claim, PlannedWay& planned) {
  for (const NodePool& pool : pools_) {
    const std::string asks = request_text(claim, planned.way) + "asks for all devices, but resource pool " + pool.pool->text();
    if (pool.incomplete()) return fail(asks + " is currently being updated");
    if (pool.invalid()) return fail(asks + " is currently invalid");
    for (const PoolSlice* slice : pool.slices) {
      for (std::size_t i = 0; i < slice->keys.size(); ++i) {
        const Device device{&pool, slice, i};
        const bool wanted = selected(claim, planned, device);
        if (!failure_.empty() || timed_out_) return false;
        if (wanted && fits(planned, device)) planned.all_devices.push_back(device);
      }
    }
  }
  planned.count = planned.all_devices.size();
  return true;
}

bool Search::plan_way(std::size_t claim, PlannedWay& planned) {
  const Way& way = planned.way;
  for (std::size_t i = 0; i < way.selectors.size(); ++i)
    if (!way.selectors[i].cel)
      return fail(claim_text(claim) + ", request " + std::string(way.name) + ", selector #" + std::to_string(i) +
                  ": CEL expression empty (unsupported selector type?)");
  const std::string request = request_text(claim, way);
  if (way.class_name.empty()) return fail(request + "missing device class name (unsupported request type?)");
  planned.device_class = allocator_.deps_.find_class(way.class_name);
  if (!planned.device_class)
    return fail(request + "could not retrieve device class " + way.class_name + ": deviceclass.resource.k8s.io \"" + way.class_name + "\" not found");
  planned.selectors = allocator_.selectors_number(way.class_name, way.selectors);
  if (way.all()) return list_all(claim, planned);
  if (way.mode != "ExactCount") return fail(request + "unsupported count mode " + way.mode);
  planned.count = way.count < 0 ? 0 : static_cast<std::size_t>(way.count);
  return true;
}

bool Search::plan_claim(std::size_t claim) {
  const Features& features = allocator_.deps_.features;
  const v1::DeviceClaim& devices = claims_[claim]->spec.devices;
  PlannedClaim& planned = planned_.emplace_back();
  std::size_t least = 0;
  for (const v1::DeviceRequest& request : devices.requests) {
    const bool alternatives = !request.first_available.empty();
    if (alternatives && !features.prioritized_list)
      return fail(claim_text(claim) + ", request " + request.name + ": has subrequests, but the DRAPrioritizedList feature is disabled");
    auto& ways = planned.requests.emplace_back();
    std::size_t fewest = SIZE_MAX;
    for (Way& way : ways_of(request)) {
      if (way.capacity != nullptr && !features.consumable_capacity)
        return fail(claim_text(claim) + (alternatives ? ", subrequest " : ", request ") + std::string(way.name) +
                    ": has capacity requests, but the DRAConsumableCapacity feature is disabled");
      ways.push_back({std::move(way), nullptr, 0, 0, {}});
      if (!plan_way(claim, ways.back())) return false;
      fewest = std::min(fewest, ways.back().count);
    }
    if (ways.empty()) return fail(claim_text(claim) + ", request " + request.name + ": unknown request type");
    least = fewest > SIZE_MAX - least ? SIZE_MAX : least + fewest;
  }
  planned.chosen.assign(planned.requests.size(), 0);
  if (least > results_max)
    return fail(claim_text(claim) + ": number of requested devices " + std::to_string(least) + " exceeds the claim limit of " +
                std::to_string(results_max));
  for (std::size_t i = 0; i < devices.constraints.size(); ++i) {
    const v1::DeviceConstraint& constraint = devices.constraints[i];
    if (constraint.match_attribute)
      planned.constraints.emplace_back(Constraint::Kind::Match, *constraint.match_attribute, constraint.requests);
    else if (constraint.distinct_attribute)
      planned.constraints.emplace_back(Constraint::Kind::Distinct, *constraint.distinct_attribute, constraint.requests);
    else
      return fail(claim_text(claim) + ", constraint #" + std::to_string(i) + ": empty constraint (unsupported constraint type?)");
  }
  return true;
}

bool Search::plan() {
  planned_.reserve(claims_.size());
  for (std::size_t i = 0; i < claims_.size(); ++i)
    if (!plan_claim(i)) return false;
  return true;
}

// --- what a device is good for ------------------------------------------------------------------------------------------

bool Search::is_shared(const Device& device) const {
  return allocator_.deps_.features.consumable_capacity && device.get().allow_multiple_allocations.value_or(false);
}
bool Search::in_claim(const Device& device, std::size_t claim) const {
  const auto use = uses_.find(device.key());
  return use != uses_.end() && std::ranges::find(use->second.claims, claim) != use->second.claims.end();
}
bool Search::in_use(const Device& device) const {
  const DeviceUse* allocated = allocator_.deps_.allocated.find(device.key());
  if (allocated != nullptr && allocated->owners > 0) return true;
  const auto use = uses_.find(device.key());
  return use != uses_.end() && !use->second.claims.empty();
}

bool Search::match(std::size_t claim, const PlannedWay& planned, const Device& device) {
  const auto ask = [&](const std::vector<v1::DeviceSelector>& selectors, const std::string& whose) {
    for (std::size_t i = 0; i < selectors.size(); ++i) {
      const std::string at = whose + ": selector #" + std::to_string(i) + ": ";
      if (!selectors[i].cel) return fail(at + "CEL expression empty (unsupported selector type?)");
      const auto selector = allocator_.deps_.selectors.compile(selectors[i].cel->expression);
      if (!selector) return fail(at + "CEL compile error: " + selector.error().message);
      const auto matches = (*selector)->matches(device.driver(), device.get());
      if (!matches) return fail(at + "CEL runtime error: " + matches.error().message);
      if (!*matches) return false;
    }
    return true;
  };
  return ask(planned.device_class->spec.selectors, "class " + planned.device_class->metadata.name) && ask(planned.way.selectors, claim_text(claim));
}

bool Search::selected(std::size_t claim, PlannedWay& planned, const Device& device) {
  if (!allocator_.deps_.features.binding_conditions && !device.get().binding_conditions.empty()) return false;
  Allocator::Matches& matches = allocator_.matches_[device.slice];
  if (!matches.slice) matches.slice = *std::ranges::find(device.pool->pool->slices, device.slice, &PoolSlicePtr::get);
  if (matches.by_selectors.size() <= planned.selectors) matches.by_selectors.resize(planned.selectors + 1);
  auto& known = matches.by_selectors[planned.selectors];
  if (known.empty()) known.assign(device.slice->keys.size(), -1);
  if (known[device.at] < 0) {
    if (!spend(selector_steps)) return false;
    const bool is = match(claim, planned, device);
    if (!failure_.empty()) return false;
    known[device.at] = is ? 1 : 0;
  }
  return known[device.at] == 1 && (!device.slice->selects_per_device() || device.slice->device_reaches(device.at, node_));
}

bool Search::fits(const PlannedWay& planned, const Device& device) {
  if (!allocator_.deps_.features.consumable_capacity) return true;
  const DeviceUse* allocated = allocator_.deps_.allocated.find(device.key());
  const auto use = uses_.find(device.key());
  return fits_capacity(planned.way.capacity, device.get(), allocated == nullptr ? nullptr : &allocated->consumed,
                       use == uses_.end() ? nullptr : &use->second.consuming);
}

bool Search::is_candidate(std::size_t claim, PlannedWay& planned, const Device& device) {
  if (planned.way.admin() ? in_claim(device, claim) : in_use(device)) return false;
  return selected(claim, planned, device) && fits(planned, device);
}

// --- taking, and giving back --------------------------------------------------------------------------------------------

bool Search::take_counters(const Device& device) {
  const Allocator::Counters& left = allocator_.counters_left(device.pool->pool);
  auto& consumed = consumed_counters_[device.pool->pool.get()];
  for (const auto& consumption : device.get().consumes_counters) {
    Amounts& amounts = consumed[consumption.counter_set];
    for (const auto& [name, counter] : consumption.counters) amounts[name] = amounts[name] + counter.value;
  }
  for (const auto& consumption : device.get().consumes_counters) {
    const auto set = left.find(consumption.counter_set);
    for (const auto& [name, counter] : consumption.counters) {
      const api::Quantity* has = set == left.end() ? nullptr : set->second.get(name);
      if (has != nullptr && consumed[consumption.counter_set][name].compare(*has) <= 0) continue;
      release_counters(device);
      return false;
    }
  }
  return true;
}
void Search::release_counters(const Device& device) {
  auto& consumed = consumed_counters_[device.pool->pool.get()];
  for (const auto& consumption : device.get().consumes_counters) {
    Amounts& amounts = consumed[consumption.counter_set];
    for (const auto& [name, counter] : consumption.counters) amounts[name] = amounts[name] - counter.value;
  }
}

bool Search::take(std::size_t claim, PlannedWay& planned, const Device& device, Taken& taken) {
  const Features& features = allocator_.deps_.features;
  const v1::Device& d = device.get();
  taken = Taken();
  taken.device = device;
  const bool shared = is_shared(device);
  if (planned.way.admin() ? !shared && in_claim(device, claim) : in_use(device)) return false;
  if (!features.partitionable_devices && !d.consumes_counters.empty()) return false;
  if (features.device_taints &&
      std::ranges::any_of(d.taints, [&](const auto& taint) { return rules::device_taint_keeps_off(taint, planned.way.tolerations); }))
    return false;
  if (!fits(planned, device)) return false;

  Use& use = uses_[device.key()];
  const DeviceUse* allocated = allocator_.deps_.allocated.find(device.key());
  const bool counted = shared && (use.shares > 0 || (allocated != nullptr && allocated->shares > 0));  // its first share took the counters
  if (!d.consumes_counters.empty() && !counted) {
    if (!take_counters(device)) return false;
    taken.counters = true;
  }
  PlannedClaim& mine = planned_[claim];
  for (std::size_t i = 0; i < mine.constraints.size(); ++i) {
    if (!mine.constraints[i].concerns(planned.way.base(), planned.way.full_name)) continue;
    if (mine.constraints[i].add(device.driver(), d)) {
      taken.constraints.push_back(i);
      continue;
    }
    release(claim, taken);
    if (!planned.way.all()) return false;
    return fail(request_text(claim, planned.way) + "cannot add device " + device.key() + " because a claim constraint would not be satisfied");
  }
  if (shared) {
    taken.shared = true;
    taken.consumed = consumed_by(planned.way.capacity, d);
    add_amounts(use.consuming, taken.consumed);
    ++use.shares;
  } else {
    taken.marked = true;
    use.claims.push_back(claim);
  }
  ++mine.devices;
  return true;
}

void Search::release(std::size_t claim, const Taken& taken) {
  PlannedClaim& mine = planned_[claim];
  if (taken.marked || taken.shared) --mine.devices;
  Use& use = uses_[taken.device.key()];
  if (taken.shared) {
    subtract_amounts(use.consuming, taken.consumed);
    --use.shares;
  }
  if (taken.marked) use.claims.erase(std::ranges::find(use.claims, claim));
  for (auto i = taken.constraints.rbegin(); i != taken.constraints.rend(); ++i) mine.constraints[*i].remove();
  if (taken.counters) release_counters(taken.device);
}

// --- the search ---------------------------------------------------------------------------------------------------------

Search::Step Search::enter(std::size_t claim, std::size_t request) {
  while (claim < planned_.size() && request == planned_[claim].requests.size()) {
    ++claim;
    request = 0;
  }
  if (claim == planned_.size()) return Step::Done;
  const auto& ways = planned_[claim].requests[request];
  planned_[claim].chosen[request] = 0;
  if (ways.front().way.parent.empty()) return enter_way(claim, request);
  Choice choice{claim, request};
  choice.of_way = true;
  choices_.push_back(std::move(choice));
  return enter_way(claim, request);
}

Search::Step Search::enter_way(std::size_t claim, std::size_t request) {
  PlannedClaim& mine = planned_[claim];
  const PlannedWay& planned = mine.requests[request][mine.chosen[request]];
  if (planned.way.all() && planned.count == 0) return Step::Back;
  if (planned.count == 0) return enter(claim, request + 1);
  if (mine.devices + planned.count > results_max) {
    limited_ = claim;
    return Step::Exceeded;
  }
  choices_.push_back({claim, request});
  return Step::Forward;
}

// Nothing after the alternative could be served within the limit of devices: those that follow it may ask for fewer.
Search::Step Search::advance_way(Choice& choice) {
  std::size_t& chosen = planned_[choice.claim].chosen[choice.request];
  if (++chosen < planned_[choice.claim].requests[choice.request].size()) return enter_way(choice.claim, choice.request);
  const bool exceeded = choice.all_exceeded;
  limited_ = choice.claim;
  choices_.pop_back();
  return exceeded ? Step::Exceeded : Step::Back;
}

Search::Step Search::advance_device(Choice& choice) {
  const std::size_t claim = choice.claim, request = choice.request, ordinal = choice.ordinal;
  PlannedClaim& mine = planned_[claim];
  PlannedWay& planned = mine.requests[request][mine.chosen[request]];
  if (choice.holds) {
    release(claim, choice.taken);
    choice.holds = false;
  }
  // Of all devices the order does not matter: there is one candidate.
  if (planned.way.all()) {
    if (choice.next.device++ == 0) choice.holds = take(claim, planned, planned.all_devices[ordinal], choice.taken);
  } else {
    for (Place& at = choice.next; !choice.holds && at.pool < pools_.size();) {
      const NodePool& pool = pools_[at.pool];
      if (at.slice == pool.slices.size()) {
        at = {at.pool + 1, 0, 0};
        continue;
      }
      const PoolSlice* slice = pool.slices[at.slice];
      if (at.device == slice->keys.size()) {
        at = {at.pool, at.slice + 1, 0};
        continue;
      }
      if (!spend(1)) return Step::Back;
      const Device device{&pool, slice, at.device++};
      if (is_candidate(claim, planned, device)) choice.holds = take(claim, planned, device, choice.taken);
      if (!failure_.empty()) break;
    }
  }
  if (!failure_.empty()) return Step::Back;
  if (!choice.holds) {
    choices_.pop_back();
    return Step::Back;
  }
  if (ordinal + 1 == planned.count) return enter(claim, request + 1);
  Choice further{claim, request};
  further.ordinal = ordinal + 1;
  if (!planned.way.all()) further.next = choice.next;  // combinations, not permutations
  choices_.push_back(std::move(further));
  return Step::Forward;
}

Search::Step Search::advance() {
  if (!spend(1)) return Step::Back;
  return choices_.back().of_way ? advance_way(choices_.back()) : advance_device(choices_.back());
}

void Search::back() {
  if (!choices_.empty() && choices_.back().of_way) choices_.back().all_exceeded = false;
}

// The claim has too many devices whatever devices they are: back to its last alternative. false: there is none.
bool Search::unwind(std::size_t claim) {
  while (!choices_.empty() && choices_.back().claim == claim) {
    if (choices_.back().of_way) return true;
    if (choices_.back().holds) release(claim, choices_.back().taken);
    choices_.pop_back();
  }
  return false;
}

bool Search::spend(uint64_t steps) {
  steps_ += steps;
  if (steps_ < next_look_) return !timed_out_;
  next_look_ = steps_ + search_steps_between_looks;
  timed_out_ |= steps_ >= search_steps_max || (interrupted_ && interrupted_());
  return !timed_out_;
}

void Search::search() {
  for (Step step = enter(0, 0); !timed_out_ && failure_.empty(); step = advance()) {
    if (step == Step::Done) found_ = true;
    if (found_) return;
    if (step == Step::Back || (step == Step::Exceeded && !unwind(limited_))) back();
    if (choices_.empty()) return;
  }
}

Result<std::vector<v1::AllocationResult>> Search::results() {
  std::vector<std::vector<ChosenDevice>> devices(claims_.size());
  for (const Choice& choice : choices_) {
    if (choice.of_way) continue;
    const PlannedClaim& mine = planned_[choice.claim];
    ChosenDevice& chosen = devices[choice.claim].emplace_back();
    chosen.way = &mine.requests[choice.request][mine.chosen[choice.request]].way;
    chosen.slice = choice.taken.device.slice;
    chosen.at = choice.taken.device.at;
    if (choice.taken.shared) chosen.share_id = allocator_.deps_.new_share_id();
    chosen.consumed = choice.taken.consumed;
  }
  std::vector<v1::AllocationResult> out;
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    const PlannedClaim& mine = planned_[i];
    std::vector<ChosenWay> ways;
    for (std::size_t r = 0; r < mine.requests.size(); ++r) {
      const PlannedWay& planned = mine.requests[r][mine.chosen[r]];
      ways.push_back({&planned.way, planned.device_class.get()});
    }
    TRY_ASSIGN(auto result, make_result(*claims_[i], ways, devices[i], node_.metadata.name, allocator_.deps_.features));
    out.push_back(std::move(result));
  }
  return out;
}

Allocation Search::run() {
  pools_ = allocator_.deps_.pools.of_node(node_, allocator_.deps_.features);
  if (plan()) search();
  return outcome();
}

Allocation Search::outcome() {
  Allocation out;
  if (found_) {
    auto made = results();
    if (made) {
      out.kind = Allocation::Kind::Allocated;
      out.results = std::move(*made);
      return out;
    }
    failure_ = made.error().message;
  }
  if (timed_out_) {
    out.kind = Allocation::Kind::TimedOut;
  } else if (!failure_.empty()) {
    out.kind = Allocation::Kind::Failed;
    out.message = failure_;
  } else if (std::ranges::any_of(pools_, &NodePool::invalid)) {
    out.kind = Allocation::Kind::InvalidPools;
    out.message = "invalid resource pools were encountered";
  }
  return out;
}

}  // namespace pintle::scheduler::devices

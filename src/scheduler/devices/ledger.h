// DeviceLedger: what the scheduler knows of devices and claims: what the API server says, what the scheduler itself has written and not heard
// of yet, and what it has given and not written yet. One for all profiles, so that no device is given twice. Belongs to one executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "client/informers.h"
#include "component/feature_gates.h"
#include "rt/sync.h"
#include "scheduler/devices/pools.h"
#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

class DeviceLedger {
 public:
  DeviceLedger() = default;
  DeviceLedger(const DeviceLedger&) = delete;
  DeviceLedger& operator=(const DeviceLedger&) = delete;

  // Follows the cluster from now on. Before informers start; again does nothing.
  void follow(client::Informers& informers, const component::FeatureGates& gates);

  // nullptr: there is none.
  ClaimPtr find_claim(const std::string& namespace_name, const std::string& name) const;
  ClassPtr find_class(const std::string& name) const;
  // The class that an extended resource comes from: by its own name for one, or the newest that names it; nullptr: none.
  ClassPtr class_of_resource(std::string_view resource) const;
  // The claim that stands for the pod's extended resources.
  ClaimPtr extended_claim_of(const std::string& pod_uid) const;
  const Pools& pools() const { return pools_; }
  const AllocatedState& allocated() const { return allocated_; }
  // Set whenever a claim changes.
  rt::Event& changed() { return changed_; }

  // An allocation was decided, and is being written.
  void begin(const std::string& claim_uid, const v1::AllocationResult& allocation);
  bool in_flight(const std::string& claim_uid) const { return in_flight_.contains(claim_uid); }
  // It was written (assume() first), or will not be: then its devices are free again, and those who waited are told.
  void end(const std::string& claim_uid, bool written);
  // What the API server answered: taken for the newest until the informer has it.
  void assume(v1::ResourceClaim claim);
  // A pod was refused while allocations were in flight: `f` is called if one of them is given up. Forgotten when none is in flight.
  void if_given_up(const std::string& pod_uid, std::function<void()> f);

 private:
  void on_claim(const std::string& key, const ClaimPtr& claim);
  void count(const std::string& key);
  void on_class(const ClassPtr& before, const ClassPtr& after);

  bool following_ = false;
  std::optional<client::Informer<v1::ResourceClaim>> claims_;
  std::optional<client::Informer<v1::DeviceClass>> classes_;
  Pools pools_;
  AllocatedState allocated_;
  std::unordered_map<std::string, ClaimPtr> assumed_;                    // by key
  std::unordered_map<std::string, ClaimPtr> counted_;                    // by key: whose allocation is in allocated_
  std::unordered_map<std::string, v1::AllocationResult> in_flight_;      // by the claim's uid
  std::map<std::string, std::set<std::string>, std::less<>> resources_;  // extended, to the classes that name them
  std::map<std::string, std::function<void()>> waiting_;                 // by the pod's uid
  rt::Event changed_;
};

}  // namespace pintle::scheduler::devices

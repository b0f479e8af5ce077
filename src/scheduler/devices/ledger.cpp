#include "scheduler/devices/ledger.h"

#include "base/parse_number.h"
#include "rules/resource_claims.h"

namespace pintle::scheduler::devices {

namespace {

constexpr std::string_view extended_claims_index = "extended-resource-claims";  // by the uid of the pod

uint64_t revision_of(const v1::ResourceClaim& claim) { return parse_number<uint64_t>(claim.metadata.resource_version).value_or(0); }

std::string key_of(const v1::ResourceClaim& claim) { return client::object_key(claim.metadata.namespace_, claim.metadata.name); }

}  // namespace

void DeviceLedger::follow(client::Informers& informers, const component::FeatureGates& gates) {
  if (following_) return;
  following_ = true;
  allocated_ = AllocatedState(gates.enabled("DRAConsumableCapacity"));

  claims_ = informers.of<v1::ResourceClaim>();
  claims_->add_index(std::string(extended_claims_index), [](const v1::ResourceClaim& claim) {
    const auto* owner = rules::is_extended_resource_claim(claim) ? rules::owning_pod(claim) : nullptr;
    return owner == nullptr ? std::vector<std::string>() : std::vector<std::string>{owner->uid};
  });
  client::Informer<v1::ResourceClaim>::Handler on_claims;
  on_claims.on_add = [this](const ClaimPtr& claim, bool) { on_claim(key_of(*claim), claim); };
  on_claims.on_update = [this](const ClaimPtr&, const ClaimPtr& claim) { on_claim(key_of(*claim), claim); };
  on_claims.on_delete = [this](const ClaimPtr& claim) { on_claim(key_of(*claim), nullptr); };
  claims_->add_handler(std::move(on_claims));

  client::Informer<v1::ResourceSlice>::Handler on_slices;
  on_slices.on_add = [this](const SlicePtr& slice, bool) { pools_.change(nullptr, slice); };
  on_slices.on_update = [this](const SlicePtr& before, const SlicePtr& after) { pools_.change(before, after); };
  on_slices.on_delete = [this](const SlicePtr& slice) { pools_.change(slice, nullptr); };
  informers.of<v1::ResourceSlice>().add_handler(std::move(on_slices));

  classes_ = informers.of<v1::DeviceClass>();
  client::Informer<v1::DeviceClass>::Handler on_classes;
  on_classes.on_add = [this](const ClassPtr& after, bool) { on_class(nullptr, after); };
  on_classes.on_update = [this](const ClassPtr& before, const ClassPtr& after) { on_class(before, after); };
  on_classes.on_delete = [this](const ClassPtr& before) { on_class(before, nullptr); };
  classes_->add_handler(std::move(on_classes));
}

void DeviceLedger::on_class(const ClassPtr& before, const ClassPtr& after) {
  if (before && before->spec.extended_resource_name) {
    auto& names = resources_[*before->spec.extended_resource_name];
    names.erase(before->metadata.name);
    if (names.empty()) resources_.erase(*before->spec.extended_resource_name);
  }
  if (after && after->spec.extended_resource_name) resources_[*after->spec.extended_resource_name].insert(after->metadata.name);
}

ClassPtr DeviceLedger::find_class(const std::string& name) const { return classes_->get(name); }

ClassPtr DeviceLedger::class_of_resource(std::string_view resource) const {
  if (resource.starts_with(rules::device_class_resource_prefix)) return classes_->get(resource.substr(rules::device_class_resource_prefix.size()));
  const auto named = resources_.find(resource);
  if (named == resources_.end()) return nullptr;
  ClassPtr best;
  for (const std::string& name : named->second) {  // of equally new ones the first name
    const ClassPtr one = classes_->get(name);
    if (one && (!best || one->metadata.creation_timestamp.seconds > best->metadata.creation_timestamp.seconds)) best = one;
  }
  return best;
}

ClaimPtr DeviceLedger::find_claim(const std::string& namespace_name, const std::string& name) const {
  const std::string key = client::object_key(namespace_name, name);
  const auto assumed = assumed_.find(key);
  return assumed != assumed_.end() ? assumed->second : claims_->get(key);
}

ClaimPtr DeviceLedger::extended_claim_of(const std::string& pod_uid) const {
  const auto found = claims_->by_index(extended_claims_index, pod_uid);
  return found.empty() ? nullptr : found.front();
}

// What counts of a claim is its newest state.
void DeviceLedger::count(const std::string& key) {
  if (const auto before = counted_.find(key); before != counted_.end()) {
    allocated_.remove(*before->second->status.allocation);
    counted_.erase(before);
  }
  const auto assumed = assumed_.find(key);
  const ClaimPtr now = assumed != assumed_.end() ? assumed->second : claims_->get(key);
  if (now && now->status.allocation) {
    allocated_.add(*now->status.allocation);
    counted_[key] = now;
  }
  changed_.set();
}

void DeviceLedger::on_claim(const std::string& key, const ClaimPtr& claim) {
  if (const auto assumed = assumed_.find(key); assumed != assumed_.end() && (!claim || revision_of(*claim) >= revision_of(*assumed->second)))
    assumed_.erase(assumed);
  count(key);
}

void DeviceLedger::assume(v1::ResourceClaim claim) {
  const std::string key = key_of(claim);
  const ClaimPtr known = find_claim(claim.metadata.namespace_, claim.metadata.name);
  if (known && revision_of(*known) >= revision_of(claim)) return;
  // The informer is past it, and has it not: it went.
  if (!known && parse_number<uint64_t>(claims_->any().resource_version()).value_or(0) >= revision_of(claim)) return;
  assumed_[key] = std::make_shared<const v1::ResourceClaim>(std::move(claim));
  count(key);
}

void DeviceLedger::begin(const std::string& claim_uid, const v1::AllocationResult& allocation) {
  if (!in_flight_.try_emplace(claim_uid, allocation).second) return;
  allocated_.add(allocation);
}

void DeviceLedger::end(const std::string& claim_uid, bool written) {
  const auto flight = in_flight_.find(claim_uid);
  if (flight == in_flight_.end()) return;
  allocated_.remove(flight->second);
  in_flight_.erase(flight);
  if (!written) {
    const auto told = std::exchange(waiting_, {});
    for (const auto& [uid, f] : told) f();
  } else if (in_flight_.empty()) {
    waiting_.clear();
  }
}

void DeviceLedger::if_given_up(const std::string& pod_uid, std::function<void()> f) {
  if (!in_flight_.empty()) waiting_[pod_uid] = std::move(f);
}

}  // namespace pintle::scheduler::devices

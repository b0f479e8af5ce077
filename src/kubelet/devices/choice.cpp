#include "kubelet/devices/choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace pintle::kubelet::devices {

namespace {

// 0: near one of the wanted nodes, 1: elsewhere, 2: nobody knows where. All are 2 where nothing is wanted, or no device tells where it is.
std::vector<DeviceIds> by_rank(const ChoiceInputs& in, const DeviceIds& available) {
  std::vector<DeviceIds> out(3);
  const bool told = std::ranges::any_of(in.devices, [](const auto& entry) { return !entry.second.numa_nodes.empty(); });
  for (const std::string& id : available) {
    const auto& nodes = in.devices.at(id).numa_nodes;
    const bool near = in.numa_nodes && std::ranges::any_of(nodes, [&](int64_t node) { return in.numa_nodes->contains(node); });
    const std::size_t rank = !in.numa_nodes || !told || nodes.empty() ? 2 : near ? 0 : 1;
    out[rank].insert(id);
  }
  return out;
}

}  // namespace

void Choice::take(const DeviceIds& from) {
  for (const std::string& id : from) {
    if (complete()) return;
    taken_.insert(id);
  }
}

Result<Choice> Choice::make(const ChoiceInputs& in) {
  CHECK(in.required > 0, "devices are chosen when some are wanted");
  Choice out;
  out.required_ = in.required;
  out.take(in.reusable);
  if (out.complete()) return out;
  DeviceIds available;
  for (const auto& [id, device] : in.devices)
    if (device.healthy && !in.in_use.contains(id)) available.insert(id);
  const std::size_t needed = in.required - out.taken_.size();
  if (available.size() < needed)
    return error(Reason::Invalid,
                 fmt::format("requested number of devices unavailable for {}. Requested: {}, Available: {}", in.resource, needed, available.size()));
  out.ranks_ = by_rank(in, available);
  const DeviceIds near = out.ranks_[0];
  if (needed < near.size()) {
    out.offered_ = near;
  } else {
    out.take(near);
    out.offered_ = std::move(available);
  }
  out.offered_.insert(out.taken_.begin(), out.taken_.end());
  return out;
}

DeviceIds Choice::finish(const DeviceIds& preferred) const {
  Choice out = *this;
  DeviceIds wanted;
  for (const std::string& id : preferred)
    if (offered_.contains(id)) wanted.insert(id);
  out.take(wanted);
  for (const DeviceIds& rank : ranks_) out.take(rank);
  CHECK(out.complete(), "enough were available");
  return out.taken_;
}

}  // namespace pintle::kubelet::devices

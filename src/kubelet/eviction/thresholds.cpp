#include "kubelet/eviction/thresholds.h"

#include <algorithm>
#include <array>

#include "api/values.h"
#include "kubelet/cgroups/cgroup_configuration.h"

namespace pintle::kubelet::eviction {

namespace {

using api::kubeletconfig_v1beta1::KubeletConfiguration;

struct Signal {
  std::string_view name;
  std::string_view resource;
};
// In the order in which they are looked after.
constexpr std::array<Signal, 7> signals{{{"memory.available", "memory"},
                                         {allocatable_memory_signal, "memory"},
                                         {"nodefs.available", "ephemeral-storage"},
                                         {"imagefs.available", "ephemeral-storage"},
                                         {"nodefs.inodesFree", "inodes"},
                                         {"imagefs.inodesFree", "inodes"},
                                         {"pid.available", "pids"}}};

std::size_t place_of(std::string_view signal) {
  return static_cast<std::size_t>(std::ranges::find(signals, signal, &Signal::name) - signals.begin());
}
// Upstream takes these, and then gives containerfs the thresholds of the file system that it is on.
bool is_container_file_system(std::string_view signal) { return signal == "containerfs.available" || signal == "containerfs.inodesFree"; }

Unexpected<Status> bad(std::string message) { return error(Reason::Invalid, std::move(message)); }

Result<Unit> check_signal(const std::string& signal) {
  if (place_of(signal) == signals.size() && !is_container_file_system(signal)) return bad("unknown eviction signal " + signal);
  return Unit{};
}

// nullopt: no threshold (0%, 100%, or containerfs).
Result<std::optional<Threshold>> parse_threshold(const std::string& signal, const std::string& text) {
  TRY(check_signal(signal));
  if (is_container_file_system(signal) || text == "0%" || text == "100%") return std::nullopt;
  Threshold out;
  out.signal = signal;
  TRY_ASSIGN(out.value, resources::parse_eviction_threshold(text));
  if (out.value.is_share) return out;
  if (out.value.amount == 0) return bad("the eviction threshold of " + signal + " must be more than nothing: " + text);
  out.quantity = api::Quantity::parse(text)->text();
  return out;
}

Result<Unit> add(const auto& texts, const KubeletConfiguration& config, bool soft, std::vector<Threshold>& out) {
  for (const auto& [signal, text] : texts) {
    TRY_ASSIGN(auto threshold, parse_threshold(signal, text));
    if (!threshold) continue;
    if (soft) {
      const std::string* grace = config.eviction_soft_grace_period.get(signal);
      if (!grace) return bad("evictionSoft." + signal + " has no evictionSoftGracePeriod");
      TRY_ASSIGN(const auto duration, api::parse_duration(*grace));
      if (duration.nanos < 0) return bad("evictionSoftGracePeriod." + signal + " must not be negative: " + *grace);
      threshold->grace = rt::Duration(duration.nanos);
    }
    out.push_back(std::move(*threshold));
  }
  return Unit{};
}

Result<Unit> add_min_reclaim(const KubeletConfiguration& config, std::vector<Threshold>& thresholds) {
  for (const auto& [signal, text] : config.eviction_minimum_reclaim) {
    TRY(check_signal(signal));
    TRY_ASSIGN(const resources::EvictionThreshold reclaim, resources::parse_eviction_threshold(text));
    if (reclaim.is_share && reclaim.share <= 0) return bad("evictionMinimumReclaim." + signal + " must be more than 0%: " + text);
    for (Threshold& threshold : thresholds)
      if (threshold.signal == signal) threshold.min_reclaim = reclaim;
  }
  return Unit{};
}

}  // namespace

Result<std::vector<Threshold>> eviction_thresholds(const KubeletConfiguration& config) {
  std::vector<Threshold> out;
  TRY(add(resources::hard_eviction_texts(config), config, false, out));
  TRY(add(config.eviction_soft, config, true, out));
  for (const auto& [signal, text] : config.eviction_soft_grace_period) TRY(check_signal(signal));
  TRY(add_min_reclaim(config, out));
  if (cgroups::enforces(config, "pods")) {
    const auto memory = std::ranges::find_if(out, [](const Threshold& one) { return one.signal == "memory.available" && one.hard(); });
    if (memory != out.end()) {
      Threshold allocatable = *memory;
      allocatable.signal = allocatable_memory_signal;
      out.push_back(std::move(allocatable));
    }
  }
  std::ranges::stable_sort(out, {}, [](const Threshold& one) { return place_of(one.signal); });
  return out;
}

bool is_met(const Threshold& threshold, const SignalValues& values, bool reclaim) {
  const auto value = values.find(threshold.signal);
  if (value == values.end()) return false;
  int64_t least = threshold.value.of(value->second.capacity);
  if (reclaim && threshold.min_reclaim) least += threshold.min_reclaim->of(value->second.capacity);
  return value->second.available < least;
}

std::string_view resource_of(std::string_view signal) {
  const std::size_t place = place_of(signal);
  return place == signals.size() ? std::string_view() : signals[place].resource;
}

std::string bytes_text(int64_t bytes) {
  constexpr int64_t kibi = 1024;
  return bytes % kibi == 0 && bytes != 0 ? resources::binary_quantity(bytes).text() : std::to_string(bytes);
}

std::string threshold_text(const Threshold& threshold, const SignalValue& value) {
  return threshold.quantity.empty() ? bytes_text(threshold.value.of(value.capacity)) : threshold.quantity;
}

std::string available_text(std::string_view signal, const SignalValue& value) {
  const std::string_view resource = resource_of(signal);
  if (resource == "memory" || resource == "ephemeral-storage") return bytes_text(value.available);
  return api::Quantity::from_int(value.available).text();
}

}  // namespace pintle::kubelet::eviction

// The thresholds at which the kubelet reclaims what a node is short of, from its configuration, and which of them are met. Upstream's
// signals and rules. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/resources/node_resources.h"
#include "kubelet/types/pressure.h"
#include "rt/clock.h"

namespace pintle::kubelet::eviction {

// Memory that pods may use together, less what they use; has the threshold of memory.available.
inline constexpr std::string_view allocatable_memory_signal = "allocatableMemory.available";

struct Threshold {
  std::string signal;
  resources::EvictionThreshold value;
  std::string quantity;                                     // the canonical text of an amount; "" for a share
  std::optional<resources::EvictionThreshold> min_reclaim;  // evictionMinimumReclaim
  rt::Duration grace{};                                     // zero: a hard threshold
  bool hard() const { return grace == rt::Duration(0); }
};

// Memory first, as that is what is reclaimed first. Invalid, with upstream's messages: an unknown signal, a soft threshold without a
// grace period, an amount that is none.
Result<std::vector<Threshold>> eviction_thresholds(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

// Less is available than the threshold; with `reclaim`, than the threshold and its minimum reclaim. False if it was not measured.
bool is_met(const Threshold& threshold, const SignalValues& values, bool reclaim);

// "memory", "ephemeral-storage", "inodes" or "pids".
std::string_view resource_of(std::string_view signal);
// What a threshold means for what was measured, and what was measured, as messages show them ("100Mi", "250k").
std::string threshold_text(const Threshold& threshold, const SignalValue& value);
std::string available_text(std::string_view signal, const SignalValue& value);
// A number of bytes in the binary form ("50Mi"), or as it is where that does not divide.
std::string bytes_text(int64_t bytes);

}  // namespace pintle::kubelet::eviction

// cpu_manager_state: which CPUs are whose, in upstream's form (that of 1.36 without pod-level managers). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "kubelet/types/cpu_set.h"

namespace pintle::kubelet::cpu_manager {

inline constexpr const char* cpu_state_file = "cpu_manager_state";
constexpr std::size_t cpu_state_bytes_max = 16 << 20;

using CpusOfPod = std::map<std::string, CpuSet, std::less<>>;  // by container

struct CpuState {
  std::string policy;
  CpuSet shared;                                          // of all containers that have none of their own
  std::map<std::string, CpusOfPod, std::less<>> of_pods;  // by uid
  bool operator==(const CpuState&) const = default;
};

std::string encode_cpu_state(const CpuState& state);
// BadRequest: not its form; Conflict: another checksum.
Result<CpuState> decode_cpu_state(std::string_view text);

}  // namespace pintle::kubelet::cpu_manager

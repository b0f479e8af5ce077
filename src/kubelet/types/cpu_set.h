// Sets of CPUs, and the kernel's way to write them: "0-3,7". Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::kubelet {

constexpr int32_t cpu_id_max = 65'535;

using CpuSet = std::set<int32_t>;

// Invalid: not such a list, or a number past cpu_id_max.
Result<CpuSet> parse_cpu_set(std::string_view text);
std::string format_cpu_set(const CpuSet& cpus);

CpuSet united(const CpuSet& a, const CpuSet& b);
CpuSet without(const CpuSet& from, const CpuSet& what);
CpuSet common(const CpuSet& a, const CpuSet& b);

}  // namespace pintle::kubelet

#include "kubelet/types/cpu_set.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "os/read_file.h"

namespace pintle::kubelet {

namespace {

bool read_cpu(std::string_view text, int32_t& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() && end == text.data() + text.size() && out >= 0 && out <= cpu_id_max;
}

}  // namespace

Result<CpuSet> parse_cpu_set(std::string_view text) {
  CpuSet out;
  std::string_view left = os::trim(text);
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(','), left.size());
    const std::string_view part = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    const std::size_t dash = part.find('-', 1);
    int32_t first = 0, last = 0;
    const bool range = dash != std::string_view::npos;
    if (!read_cpu(part.substr(0, dash), first) || !read_cpu(range ? part.substr(dash + 1) : part, last) || last < first)
      return error(Reason::Invalid, "not a list of CPUs: \"" + std::string(text.substr(0, 256)) + "\"");
    for (int32_t cpu = first; cpu <= last; ++cpu) out.insert(cpu);
  }
  return out;
}

std::string format_cpu_set(const CpuSet& cpus) {
  std::string out;
  for (auto at = cpus.begin(); at != cpus.end();) {
    const int32_t first = *at;
    int32_t last = first;
    while (++at != cpus.end() && *at == last + 1) last = *at;
    if (!out.empty()) out += ',';
    out += std::to_string(first);
    if (last > first) out += "-" + std::to_string(last);
  }
  return out;
}

CpuSet united(const CpuSet& a, const CpuSet& b) {
  CpuSet out = a;
  out.insert(b.begin(), b.end());
  return out;
}

CpuSet without(const CpuSet& from, const CpuSet& what) {
  CpuSet out;
  std::ranges::set_difference(from, what, std::inserter(out, out.end()));
  return out;
}

CpuSet common(const CpuSet& a, const CpuSet& b) {
  CpuSet out;
  std::ranges::set_intersection(a, b, std::inserter(out, out.end()));
  return out;
}

}  // namespace pintle::kubelet

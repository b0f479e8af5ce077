#include "kubelet/eviction/signals.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "os/machine.h"
#include "os/read_file.h"

namespace pintle::kubelet::eviction {

namespace {

std::optional<int64_t> leading_number(std::string_view text) {
  int64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() ? std::optional(out) : std::nullopt;
}

void add_file_system(SignalValues& out, const std::string& name, const std::string& path) {
  const auto usage = os::file_system_usage(path);
  if (!usage) return;
  out[name + ".available"] = {static_cast<int64_t>(usage->available_bytes), static_cast<int64_t>(usage->capacity_bytes)};
  // Some file systems count no inodes.
  if (usage->inodes > 0) out[name + ".inodesFree"] = {static_cast<int64_t>(usage->inodes_free), static_cast<int64_t>(usage->inodes)};
}

// "0.00 0.01 0.05 1/823 4242": tasks behind the slash.
std::optional<int64_t> task_count() {
  const auto text = os::read_file("/proc/loadavg");
  const auto slash = text ? text->find('/') : std::string::npos;
  return slash == std::string::npos ? std::nullopt : leading_number(std::string_view(*text).substr(slash + 1));
}

}  // namespace

SignalValues measure_signals(const std::string& root_dir, const std::string& images_dir) {
  SignalValues out;
  if (const auto memory = os::memory_info())
    out["memory.available"] = {static_cast<int64_t>(memory->available_bytes), static_cast<int64_t>(memory->total_bytes)};
  add_file_system(out, "nodefs", root_dir);
  if (!images_dir.empty()) add_file_system(out, "imagefs", images_dir);
  const auto most = os::read_sysctl("kernel.pid_max");
  const auto limit = most ? leading_number(*most) : std::nullopt;
  const auto tasks = task_count();
  if (limit && tasks) out["pid.available"] = {*limit - *tasks, *limit};
  return out;
}

}  // namespace pintle::kubelet::eviction

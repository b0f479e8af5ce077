// Version 2: one hierarchy; a controller works in a cgroup when its parent has delegated it.
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>

#include "os/cgroup.h"
#include "os/cgroup_tree.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

bool has_word(std::string_view text, std::string_view word) {
  for (text = trim(text); !text.empty();) {
    const std::size_t end = text.find(' ');
    if (text.substr(0, end) == word) return true;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return false;
}

std::string number_or_max(int64_t value) { return value > 0 ? std::to_string(value) : std::string("max"); }

class CgroupsV2 final : public Cgroups {
 public:
  explicit CgroupsV2(std::string root) : root_(std::move(root)) {
    if (auto text = read_file(root_ + "/cgroup.controllers")) controllers_ = std::move(*text);
  }
  CgroupVersion version() const override { return CgroupVersion::V2; }
  bool has_controller(std::string_view controller) const override { return has_word(controllers_, controller); }

  bool limits_swap(const std::string& path) const override { return read_file(file(path, "memory.swap.max")).has_value(); }

  Result<Unit> create(const std::string& path) override {
    const std::string directory = cgroup_directory(root_, path);
    std::string made = root_;
    while (made.size() < directory.size()) {
      TRY(delegate(made));
      made = directory.substr(0, directory.find('/', made.size() + 1));
      if (::mkdir(made.c_str(), 0755) != 0 && errno != EEXIST) return system_error(errno, made);
    }
    return Unit{};
  }
  bool exists(const std::string& path) const override { return is_directory(cgroup_directory(root_, path)); }
  Result<Unit> set(const std::string& path, const CgroupLimits& limits) override {
    if (limits.cpu_shares) TRY(write("cpu", path, "cpu.weight", std::to_string(cpu_weight_of_shares(*limits.cpu_shares))));
    TRY(set_quota(path, limits));
    if (limits.memory_bytes) TRY(write("memory", path, "memory.max", number_or_max(*limits.memory_bytes)));
    if (limits.pids_max) TRY(write("pids", path, "pids.max", number_or_max(*limits.pids_max)));
    for (const auto& [size, bytes] : limits.hugepage_bytes) TRY(write("hugetlb", path, "hugetlb." + size + ".max", std::to_string(bytes)));
    for (const auto& [name, value] : limits.unified) TRY(write_file(file(path, name), value));
    return Unit{};
  }
  Result<Unit> remove(const std::string& path) override { return remove_cgroup_directories(cgroup_directory(root_, path)); }
  Result<std::vector<std::string>> children(const std::string& path) const override { return child_directories(cgroup_directory(root_, path)); }
  Result<std::vector<pid_t>> processes(const std::string& path) const override { return tree_processes(cgroup_directory(root_, path)); }
  Result<Unit> attach(const std::string& path, pid_t pid) override { return write_file(file(path, "cgroup.procs"), std::to_string(pid)); }
  Result<Unit> kill(const std::string& path) override {
    if (!exists(path)) return Unit{};
    const auto killed = write_file(file(path, "cgroup.kill"), "1");
    if (killed || killed.error().reason != Reason::NotFound) return killed;
    // Kernels before 5.14.
    TRY_ASSIGN(const auto pids, processes(path));
    for (const pid_t pid : pids)
      if (::kill(pid, SIGKILL) != 0 && errno != ESRCH) return system_error(errno, "kill " + std::to_string(pid));
    return Unit{};
  }
  Result<CgroupUsage> usage(const std::string& path) const override {
    CgroupUsage out;
    TRY_ASSIGN(const std::string cpu_text, read_file(file(path, "cpu.stat")));
    out.cpu_usage_ns = value_or_zero(parse_flat_keyed(cpu_text), "usage_usec") * 1000;
    if (const auto current = read_number(file(path, "memory.current"))) {
      out.memory_usage_bytes = *current;
      TRY(read_memory(path, out));
    }
    if (const auto current = read_number(file(path, "pids.current"))) out.processes = *current;
    return out;
  }
  Result<std::optional<int64_t>> memory_limit(const std::string& path) const override {
    TRY_ASSIGN(const uint64_t limit, read_number(file(path, "memory.max")));
    if (limit == UINT64_MAX) return std::optional<int64_t>();
    return std::optional<int64_t>(static_cast<int64_t>(limit));
  }

 private:
  std::string file(const std::string& path, std::string_view name) const { return cgroup_directory(root_, path).append("/").append(name); }
  Result<Unit> write(std::string_view controller, const std::string& path, std::string_view name, const std::string& value) {
    if (!has_controller(controller)) return Unit{};
    return write_file(file(path, name), value);
  }
  Result<Unit> set_quota(const std::string& path, const CgroupLimits& limits) {
    if (!limits.cpu_quota_us && !limits.cpu_period_us) return Unit{};
    std::string value = limits.cpu_quota_us ? number_or_max(*limits.cpu_quota_us) : std::string("max");
    if (limits.cpu_period_us) value += ' ' + std::to_string(*limits.cpu_period_us);
    return write("cpu", path, "cpu.max", value);
  }
  // Lets the children of `directory` use every controller that it may use itself.
  Result<Unit> delegate(const std::string& directory) {
    TRY_ASSIGN(const std::string available, read_file(directory + "/cgroup.controllers"));
    TRY_ASSIGN(const std::string enabled, read_file(directory + "/cgroup.subtree_control"));
    for (const std::string controller : {"cpuset", "cpu", "io", "memory", "hugetlb", "pids"}) {
      if (!has_word(available, controller) || has_word(enabled, controller)) continue;
      TRY(write_file(directory + "/cgroup.subtree_control", "+" + controller));
    }
    return Unit{};
  }
  Result<Unit> read_memory(const std::string& path, CgroupUsage& out) const {
    TRY_ASSIGN(const std::string text, read_file(file(path, "memory.stat")));
    const auto stat = parse_flat_keyed(text);
    const uint64_t inactive = value_or_zero(stat, "inactive_file");
    out.memory_working_set_bytes = out.memory_usage_bytes > inactive ? out.memory_usage_bytes - inactive : 0;
    out.memory_rss_bytes = value_or_zero(stat, "anon");
    out.page_faults = value_or_zero(stat, "pgfault");
    out.major_page_faults = value_or_zero(stat, "pgmajfault");
    if (const auto swap = read_number(file(path, "memory.swap.current"))) out.swap_bytes = *swap;
    if (const auto limit = read_number(file(path, "memory.max"))) out.memory_limit_bytes = *limit == UINT64_MAX ? 0 : *limit;
    return Unit{};
  }

  const std::string root_;
  std::string controllers_;
};

}  // namespace

std::unique_ptr<Cgroups> make_cgroups_v2(std::string root) { return std::make_unique<CgroupsV2>(std::move(root)); }

}  // namespace pintle::os

// Version 1: the same path in the hierarchy of each controller.
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

#include "os/cgroup.h"
#include "os/cgroup_tree.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr uint64_t unlimited_bytes = uint64_t{1} << 62;  // the kernel says a page-rounded INT64_MAX

class CgroupsV1 final : public Cgroups {
 public:
  explicit CgroupsV1(std::map<std::string, std::string> controllers) : controllers_(std::move(controllers)) {
    for (const auto& [name, root] : controllers_) roots_.insert(root);
  }
  CgroupVersion version() const override { return CgroupVersion::V1; }
  bool has_controller(std::string_view controller) const override { return controllers_.contains(std::string(controller)); }

  bool limits_swap(const std::string& path) const override {
    return has_controller("memory") && read_file(file("memory", path, "memory.memsw.limit_in_bytes")).has_value();
  }
  Result<Unit> create(const std::string& path) override {
    for (const std::string& root : roots_) TRY(create_below(root, path, root == root_of("cpuset")));
    return Unit{};
  }
  bool exists(const std::string& path) const override {
    for (const std::string& root : roots_)
      if (!is_directory(cgroup_directory(root, path))) return false;
    return true;
  }
  Result<Unit> set(const std::string& path, const CgroupLimits& limits) override {
    if (limits.cpu_shares) TRY(write("cpu", path, "cpu.shares", std::to_string(*limits.cpu_shares)));
    TRY(set_quota(path, limits));
    if (limits.memory_bytes)
      TRY(write("memory", path, "memory.limit_in_bytes", std::to_string(*limits.memory_bytes > 0 ? *limits.memory_bytes : -1)));
    if (limits.pids_max) TRY(write("pids", path, "pids.max", *limits.pids_max > 0 ? std::to_string(*limits.pids_max) : std::string("max")));
    for (const auto& [size, bytes] : limits.hugepage_bytes) TRY(write("hugetlb", path, "hugetlb." + size + ".limit_in_bytes", std::to_string(bytes)));
    return Unit{};
  }
  Result<Unit> remove(const std::string& path) override {
    for (const std::string& root : roots_) TRY(remove_cgroup_directories(cgroup_directory(root, path)));
    return Unit{};
  }
  Result<std::vector<std::string>> children(const std::string& path) const override { return child_directories(cgroup_directory(main_root(), path)); }
  Result<std::vector<pid_t>> processes(const std::string& path) const override {
    std::set<pid_t> all;
    for (const std::string& root : roots_) {
      TRY_ASSIGN(const auto pids, tree_processes(cgroup_directory(root, path)));
      all.insert(pids.begin(), pids.end());
    }
    return std::vector<pid_t>(all.begin(), all.end());
  }
  Result<Unit> attach(const std::string& path, pid_t pid) override {
    for (const std::string& root : roots_) TRY(write_file(cgroup_directory(root, path) + "/cgroup.procs", std::to_string(pid)));
    return Unit{};
  }
  Result<Unit> kill(const std::string& path) override {
    TRY_ASSIGN(const auto pids, processes(path));
    for (const pid_t pid : pids)
      if (::kill(pid, SIGKILL) != 0 && errno != ESRCH) return system_error(errno, "kill " + std::to_string(pid));
    return Unit{};
  }
  Result<CgroupUsage> usage(const std::string& path) const override {
    CgroupUsage out;
    if (has_controller("cpuacct")) {
      TRY_ASSIGN(out.cpu_usage_ns, read_number(file("cpuacct", path, "cpuacct.usage")));
    }
    if (has_controller("memory")) TRY(read_memory(path, out));
    if (has_controller("pids")) {
      // The root has no pids.current.
      if (const auto current = read_number(file("pids", path, "pids.current"))) out.processes = *current;
    }
    return out;
  }
  Result<std::optional<int64_t>> memory_limit(const std::string& path) const override {
    TRY_ASSIGN(const uint64_t limit, read_number(file("memory", path, "memory.limit_in_bytes")));
    if (limit >= unlimited_bytes) return std::optional<int64_t>();
    return std::optional<int64_t>(static_cast<int64_t>(limit));
  }

 private:
  std::string root_of(std::string_view controller) const {
    const auto it = controllers_.find(std::string(controller));
    return it == controllers_.end() ? std::string() : it->second;
  }
  const std::string& main_root() const {
    const auto memory = controllers_.find("memory");
    return memory == controllers_.end() ? controllers_.begin()->second : memory->second;
  }
  std::string file(std::string_view controller, const std::string& path, std::string_view name) const {
    return cgroup_directory(root_of(controller), path).append("/").append(name);
  }
  Result<Unit> write(std::string_view controller, const std::string& path, std::string_view name, const std::string& value) {
    if (!has_controller(controller)) return Unit{};
    return write_file(file(controller, path, name), value);
  }
  // A new period is refused while it would make the old quota exceed a parent's share, and the other way round: take the
  // quota away first.
  Result<Unit> set_quota(const std::string& path, const CgroupLimits& limits) {
    if (limits.cpu_period_us) {
      TRY(write("cpu", path, "cpu.cfs_quota_us", "-1"));
      TRY(write("cpu", path, "cpu.cfs_period_us", std::to_string(*limits.cpu_period_us)));
    }
    if (limits.cpu_quota_us) TRY(write("cpu", path, "cpu.cfs_quota_us", std::to_string(*limits.cpu_quota_us > 0 ? *limits.cpu_quota_us : -1)));
    return Unit{};
  }
  static Result<Unit> create_below(const std::string& root, const std::string& path, bool cpuset) {
    const std::string directory = cgroup_directory(root, path);
    std::string made = root;
    while (made.size() < directory.size()) {
      const std::string parent = made;
      made = directory.substr(0, directory.find('/', made.size() + 1));
      if (::mkdir(made.c_str(), 0755) != 0 && errno != EEXIST) return system_error(errno, made);
      if (cpuset) TRY(inherit_cpuset(parent, made));
    }
    return Unit{};
  }
  // A new cpuset is empty, and no process can enter it.
  static Result<Unit> inherit_cpuset(const std::string& parent, const std::string& child) {
    for (const std::string name : {"/cpuset.cpus", "/cpuset.mems"}) {
      TRY_ASSIGN(const std::string mine, read_file(child + name));
      if (!trim(mine).empty()) continue;
      TRY_ASSIGN(const std::string theirs, read_file(parent + name));
      TRY(write_file(child + name, trim(theirs)));
    }
    return Unit{};
  }
  Result<Unit> read_memory(const std::string& path, CgroupUsage& out) const {
    TRY_ASSIGN(out.memory_usage_bytes, read_number(file("memory", path, "memory.usage_in_bytes")));
    TRY_ASSIGN(const std::string text, read_file(file("memory", path, "memory.stat")));
    const auto stat = parse_flat_keyed(text);
    const uint64_t inactive = value_or_zero(stat, "total_inactive_file");
    out.memory_working_set_bytes = out.memory_usage_bytes > inactive ? out.memory_usage_bytes - inactive : 0;
    out.memory_rss_bytes = value_or_zero(stat, "total_rss");
    out.page_faults = value_or_zero(stat, "total_pgfault");
    out.major_page_faults = value_or_zero(stat, "total_pgmajfault");
    out.swap_bytes = value_or_zero(stat, "total_swap");
    TRY_ASSIGN(const uint64_t limit, read_number(file("memory", path, "memory.limit_in_bytes")));
    out.memory_limit_bytes = limit >= unlimited_bytes ? 0 : limit;
    return Unit{};
  }

  const std::map<std::string, std::string> controllers_;
  std::set<std::string> roots_;  // the distinct directories
};

}  // namespace

std::unique_ptr<Cgroups> make_cgroups_v1(std::map<std::string, std::string> controllers) {
  return std::make_unique<CgroupsV1>(std::move(controllers));
}

}  // namespace pintle::os

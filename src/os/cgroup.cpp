#include "os/cgroup.h"

#include <algorithm>

#include "os/mount.h"

namespace pintle::os {

namespace {

constexpr std::string_view unified_root = "/sys/fs/cgroup";

}  // namespace

uint64_t cpu_weight_of_shares(uint64_t shares) {
  const uint64_t bounded = std::clamp<uint64_t>(shares, 2, 262144);
  return 1 + ((bounded - 2) * 9999) / 262142;
}

Result<std::unique_ptr<Cgroups>> make_cgroups() {
  TRY_ASSIGN(const auto table, mount_table());
  std::map<std::string, std::string> controllers;
  for (const MountEntry& entry : table) {
    if (entry.fs_type == "cgroup2" && entry.mount_point == unified_root) return make_cgroups_v2(entry.mount_point);
    if (entry.fs_type != "cgroup") continue;
    for (const std::string_view controller :
         {"cpu", "cpuacct", "cpuset", "memory", "pids", "hugetlb", "devices", "freezer", "blkio", "net_cls", "net_prio", "perf_event"})
      if (entry.has_super_option(controller)) controllers.emplace(controller, entry.mount_point);
    if (entry.has_super_option("name=systemd")) controllers.emplace("systemd", entry.mount_point);
  }
  if (controllers.empty()) return error(Reason::NotFound, "no cgroups are mounted");
  return make_cgroups_v1(std::move(controllers));
}

}  // namespace pintle::os

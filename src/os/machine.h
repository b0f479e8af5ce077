// What this machine is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::os {

struct MachineFacts {
  uint32_t cores = 0;  // online ones
  uint64_t memory_bytes = 0;
  uint64_t swap_bytes = 0;
  std::vector<uint64_t> hugepage_sizes_bytes;
  std::vector<uint64_t> hugepage_counts;  // beside hugepage_sizes_bytes
  std::string machine_id;                 // /etc/machine-id, else the D-Bus one, else ""
  std::string system_uuid;                // DMI's product_uuid; the machine id where there is none
  std::string boot_id;
  std::string kernel_version;    // uname -r
  std::string os_image;          // PRETTY_NAME of os-release
  std::string operating_system;  // "linux"
  std::string architecture;      // Go's name: amd64, arm64
  std::string hostname;          // lower case
  bool app_armor = false;        // the kernel enforces AppArmor's profiles
};
Result<MachineFacts> machine_facts();
// As the kernel has it; "" if it has none.
std::string host_name();
// $HOME; "" if it is not set.
std::string home_directory();
// Whether this process has a capability (CAP_SYS_RESOURCE), effectively.
bool has_capability(int capability);

// The value of NAME in an os-release file, unquoted; "" if absent.
std::string os_release_value(std::string_view text, std::string_view name);

// Files of CPUs that tell how often they were slowed down by heat, which containers shall not read: "/sys/devices/system/cpu/cpu0/
// thermal_throttle" and its kin, of this machine; sorted.
std::vector<std::string> thermal_throttle_paths(const std::string& cpus = "/sys/devices/system/cpu");

struct MemoryInfo {
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
  uint64_t swap_total_bytes = 0;
  uint64_t swap_free_bytes = 0;
};
Result<MemoryInfo> memory_info();
MemoryInfo parse_memory_info(std::string_view text);

struct FileSystemUsage {
  uint64_t capacity_bytes = 0;
  uint64_t available_bytes = 0;  // to an unprivileged process
  uint64_t used_bytes = 0;
  uint64_t inodes = 0;
  uint64_t inodes_free = 0;
};
Result<FileSystemUsage> file_system_usage(const std::string& path);
Result<bool> is_overlay(const std::string& path);
// The device of the file system that holds `path`: alike for two paths on one.
Result<uint64_t> file_system_id(const std::string& path);

// /proc/sys/NAME with dots or slashes ("net.ipv4.ip_forward"); in the network namespace of the calling thread.
Result<std::string> read_sysctl(std::string_view name);
Result<Unit> write_sysctl(std::string_view name, std::string_view value);

}  // namespace pintle::os

#include "os/machine.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cstdlib>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/strings.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

std::string line_of(const std::string& path) {
  const auto text = read_file(path);
  return text ? std::string(trim(*text)) : std::string();
}

std::string go_architecture(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine == "ppc64le" || machine == "s390x" || machine == "riscv64") return std::string(machine);
  if (machine.starts_with("arm")) return "arm";
  return std::string(machine);
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  const std::size_t digit = text.find_first_of("0123456789");
  if (digit != std::string_view::npos) std::from_chars(text.data() + digit, text.data() + text.size(), value);
  return value;
}

// The directories hugepages-<size>kB.
void read_hugepages(MachineFacts& facts) {
  const std::string root = "/sys/kernel/mm/hugepages";
  DIR* directory = ::opendir(root.c_str());
  if (!directory) return;
  std::vector<std::pair<uint64_t, uint64_t>> found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with("hugepages-")) continue;
    found.emplace_back(number(name) * 1024, number(line_of(root + "/" + std::string(name) + "/nr_hugepages")));
  }
  ::closedir(directory);
  std::ranges::sort(found);
  for (const auto& [size, count] : found) {
    facts.hugepage_sizes_bytes.push_back(size);
    facts.hugepage_counts.push_back(count);
  }
}

std::string sysctl_path(std::string_view name) {
  std::string path = "/proc/sys/" + std::string(name);
  if (name.find('/') == std::string_view::npos) std::ranges::replace(path, '.', '/');
  return path;
}

}  // namespace

std::string os_release_value(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != '=') continue;
    std::string_view value = line.substr(name.size() + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return {};
}

MemoryInfo parse_memory_info(std::string_view text) {
  MemoryInfo out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const uint64_t bytes = number(line.substr(std::min(line.find(':'), line.size()))) * 1024;
    if (line.starts_with("MemTotal:"))
      out.total_bytes = bytes;
    else if (line.starts_with("MemAvailable:"))
      out.available_bytes = bytes;
    else if (line.starts_with("SwapTotal:"))
      out.swap_total_bytes = bytes;
    else if (line.starts_with("SwapFree:"))
      out.swap_free_bytes = bytes;
  }
  return out;
}

std::vector<std::string> thermal_throttle_paths(const std::string& cpus) {
  std::vector<std::string> out;
  DIR* directory = ::opendir(cpus.c_str());
  if (directory == nullptr) return out;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string path = cpus + "/" + entry->d_name + "/thermal_throttle";
    struct stat info {};
    if (std::string_view(entry->d_name).starts_with("cpu") && ::stat(path.c_str(), &info) == 0) out.push_back(path);
  }
  ::closedir(directory);
  std::ranges::sort(out);
  return out;
}

Result<MemoryInfo> memory_info() {
  TRY_ASSIGN(const std::string text, read_file("/proc/meminfo"));
  return parse_memory_info(text);
}

std::string home_directory() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : home;
}

std::string host_name() {
  struct utsname names {};
  return ::uname(&names) == 0 ? names.nodename : "";
}

bool has_capability(int capability) {
  const std::string status = read_file("/proc/self/status").value_or("");
  const auto at = status.find("\nCapEff:");
  return at != std::string::npos && (std::strtoull(status.c_str() + at + 8, nullptr, 16) >> capability & 1) != 0;
}

Result<bool> is_overlay(const std::string& path) {
  struct statfs filesystem {};
  if (::statfs(path.c_str(), &filesystem) != 0) return system_error(errno, path);
  return static_cast<uint32_t>(filesystem.f_type) == OVERLAYFS_SUPER_MAGIC;
}

Result<MachineFacts> machine_facts() {
  utsname names{};
  if (::uname(&names) != 0) return system_error(errno, "uname");
  TRY_ASSIGN(const MemoryInfo memory, memory_info());
  MachineFacts out;
  out.cores = static_cast<uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  out.memory_bytes = memory.total_bytes;
  out.swap_bytes = memory.swap_total_bytes;
  read_hugepages(out);
  out.machine_id = line_of("/etc/machine-id");
  if (out.machine_id.empty()) out.machine_id = line_of("/var/lib/dbus/machine-id");
  out.system_uuid = line_of("/sys/class/dmi/id/product_uuid");
  if (out.system_uuid.empty()) out.system_uuid = out.machine_id;
  out.boot_id = line_of("/proc/sys/kernel/random/boot_id");
  out.kernel_version = names.release;
  auto release = read_file("/etc/os-release");
  if (!release) release = read_file("/usr/lib/os-release");
  if (release) out.os_image = os_release_value(*release, "PRETTY_NAME");
  if (out.os_image.empty()) out.os_image = "Linux";
  out.operating_system = "linux";
  out.architecture = go_architecture(names.machine);
  out.hostname = to_lower(names.nodename);
  out.app_armor = ::access("/sys/kernel/security/apparmor", F_OK) == 0 && line_of("/sys/module/apparmor/parameters/enabled").starts_with('Y');
  return out;
}

Result<FileSystemUsage> file_system_usage(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return system_error(errno, path);
  FileSystemUsage out;
  out.capacity_bytes = uint64_t{info.f_blocks} * info.f_frsize;
  out.available_bytes = uint64_t{info.f_bavail} * info.f_frsize;
  out.used_bytes = (uint64_t{info.f_blocks} - info.f_bfree) * info.f_frsize;
  out.inodes = info.f_files;
  out.inodes_free = info.f_ffree;
  return out;
}

Result<uint64_t> file_system_id(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error(errno, path);
  return static_cast<uint64_t>(info.st_dev);
}

Result<std::string> read_sysctl(std::string_view name) {
  TRY_ASSIGN(const std::string text, read_file(sysctl_path(name)));
  return std::string(trim(text));
}

Result<Unit> write_sysctl(std::string_view name, std::string_view value) { return write_file(sysctl_path(name), value); }

}  // namespace pintle::os

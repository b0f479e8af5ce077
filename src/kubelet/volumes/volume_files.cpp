#include "kubelet/volumes/volume_files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/ownership.h"
#include "os/entries.h"
#include "os/fd.h"
#include "os/mount.h"
#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

namespace {

constexpr uint32_t volume_mode = 0777;
constexpr uint32_t parent_mode = 0750;

Result<Unit> make_volume_directory(const std::string& directory) {
  TRY(os::make_directories(directory.substr(0, directory.rfind('/')), parent_mode));
  return os::make_directory(directory, volume_mode);
}

// Upstream looks for this file to know that a volume was made whole.
Result<Unit> note_ready(const std::string& notes) {
  if (notes.empty()) return Unit{};
  TRY(os::make_directories(notes, parent_mode));
  const os::UniqueFd fd(::open((notes + "/ready").c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) return os::system_error(errno, notes + "/ready");
  return Unit{};
}

Result<Unit> mount_memory(const std::string& directory, uint64_t size_bytes) {
  TRY_ASSIGN(const bool mounted, os::is_mount_point(directory));
  if (mounted) return Unit{};
  return os::mount_tmpfs(directory, size_bytes, volume_mode);
}

Result<Unit> mount_hugepages(const std::string& directory, std::string_view medium) {
  TRY_ASSIGN(const bool mounted, os::is_mount_point(directory));
  if (mounted) return Unit{};
  os::MountRequest request;
  request.source = "nodev";
  request.target = directory;
  request.fs_type = "hugetlbfs";
  constexpr std::string_view prefix = "HugePages-";
  if (medium.starts_with(prefix)) {
    const auto size = api::Quantity::parse(medium.substr(prefix.size()));
    if (!size) return error(Reason::Invalid, "not a page size: " + std::string(medium));
    request.data = "pagesize=" + std::to_string(size->value());
  }
  return os::mount(request);
}

struct BindOption {
  std::string_view name;
  unsigned long set;
  unsigned long clear;
};
constexpr BindOption known_bind_options[] = {
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
    {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
    {"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"bind", 0, 0},
    {"defaults", 0, 0},
};

// The MS_* that the mount at `path` has, of those that are a mount's own.
Result<unsigned long> mount_flags(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return os::system_error(errno, path);
  unsigned long out = 0;
  const auto carry = [&](unsigned long from, unsigned long to) {
    if (info.f_flag & from) out |= to;
  };
  carry(ST_RDONLY, MS_RDONLY);
  carry(ST_NOSUID, MS_NOSUID);
  carry(ST_NODEV, MS_NODEV);
  carry(ST_NOEXEC, MS_NOEXEC);
  carry(ST_NOATIME, MS_NOATIME);
  carry(ST_NODIRATIME, MS_NODIRATIME);
  carry(ST_RELATIME, MS_RELATIME);
  return out;
}

// A bind mount takes options in a second step only, and then has no others: what its source's mount forbids is asked for, too.
Result<Unit> set_bind_options(const std::string& directory, const BindOptions& options) {
  if ((options.set | options.clear) == 0) return Unit{};
  TRY_ASSIGN(const unsigned long flags, mount_flags(directory));
  os::MountRequest request;
  request.target = directory;
  request.flags = MS_BIND | MS_REMOUNT | (flags & ~options.clear) | options.set;
  return os::mount(request);
}

Result<Unit> bind_with_options(const std::string& source, const std::string& directory, const BindOptions& options) {
  TRY(os::bind_mount(source, directory, false, false));
  auto done = set_bind_options(directory, options);
  if (!done) (void)os::unmount(directory, true);
  return done;
}

}  // namespace

Result<Unit> make_empty_dir(const EmptyDirPlan& plan) {
  TRY(make_volume_directory(plan.directory));
  if (plan.medium == "Memory")
    TRY(mount_memory(plan.directory, plan.size_bytes));
  else if (!plan.medium.empty())
    TRY(mount_hugepages(plan.directory, plan.medium));
  if (plan.fs_group) TRY(own_by_group(plan.directory, *plan.fs_group, false, false));
  return note_ready(plan.notes);
}

Result<bool> make_payload_volume(const PayloadPlan& plan, const Payload& payload) {
  TRY(make_volume_directory(plan.directory));
  if (plan.memory) TRY(mount_memory(plan.directory, plan.size_bytes));
  AtomicWrite write{plan.directory, payload, plan.now, plan.random, plan.fs_group};
  TRY_ASSIGN(const bool changed, write_payload(write));
  TRY(note_ready(plan.notes));
  return changed;
}

bool BindOptions::read_only() const { return (set & MS_RDONLY) != 0; }

Result<BindOptions> bind_options(const std::vector<std::string>& options) {
  BindOptions out;
  for (const std::string& option : options) {
    const auto known = std::ranges::find(known_bind_options, std::string_view(option), &BindOption::name);
    if (known == std::ranges::end(known_bind_options))
      return error(Reason::Invalid, "mount option \"" + option + "\" is none that a directory can be mounted with");
    out.set = (out.set & ~known->clear) | known->set;
    out.clear = (out.clear & ~known->set) | known->clear;
  }
  return out;
}

Result<Unit> make_local_volume(const LocalVolumePlan& plan) {
  struct stat info {};
  if (::stat(plan.source.c_str(), &info) != 0) return error(Reason::NotFound, "path " + std::string(1, '"') + plan.source + "\" does not exist");
  if (!S_ISDIR(info.st_mode)) return error(Reason::Invalid, "only directory and block device are supported");
  TRY(os::make_directories(plan.directory, parent_mode));
  TRY_ASSIGN(const bool mounted, os::is_mount_point(plan.directory));
  if (!mounted) TRY(bind_with_options(plan.source, plan.directory, plan.options));
  if (plan.fs_group && !plan.options.read_only()) TRY(own_by_group(plan.directory, *plan.fs_group, false, plan.on_root_mismatch));
  return Unit{};
}

Result<Unit> unmount_all(const std::string& directory) {
  const auto at = os::resolved_parent(directory);
  if (!at && at.error().reason == Reason::NotFound) return Unit{};
  if (!at) return Unexpected(at.error());
  TRY_ASSIGN(const auto mounts, os::mounts_below(*at));
  for (const std::string& mount : mounts) {
    auto done = os::unmount(mount);
    // In use: what uses it is no container any more, so let it go when that ends.
    if (!done && done.error().reason == Reason::Conflict) done = os::unmount(mount, true);
    if (!done) return done;
  }
  return Unit{};
}

Result<Unit> undo_mount(const std::string& directory) {
  TRY(unmount_all(directory));
  TRY(os::remove_if_empty(directory));
  return Unit{};
}

uint64_t memory_volume_bytes(const core::Pod& pod, const std::optional<api::Quantity>& size_limit, const FlatMap<api::Quantity>& node_allocatable) {
  int64_t bytes = resources::resource_value(node_allocatable, "memory");
  const auto lower_to = [&](int64_t limit) {
    if (limit > 0 && (bytes == 0 || limit < bytes)) bytes = limit;
  };
  lower_to(cgroups::pod_cgroup_limits(pod, {}).memory_bytes.value_or(0));
  if (size_limit) lower_to(size_limit->value());
  return bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

Result<Unit> remove_pod_directory(const Paths& paths, std::string_view pod_uid, const std::function<bool()>& enough) {
  const std::string directory = paths.pod(pod_uid);
  // Mounts are listed by their real path.
  char* real = ::realpath(directory.c_str(), nullptr);
  if (!real) {
    if (errno == ENOENT) return Unit{};
    return os::system_error(errno, directory);
  }
  const std::string resolved = real;
  std::free(real);
  TRY(unmount_all(resolved));
  return os::remove_tree(resolved, enough);
}

}  // namespace pintle::kubelet::volumes

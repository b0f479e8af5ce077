#include "kubelet/volumes/volume_files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/ownership.h"
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

Result<Unit> unmount_all(const std::string& directory) {
  TRY_ASSIGN(const auto mounts, os::mounts_below(directory));
  for (const std::string& mount : mounts) {
    auto done = os::unmount(mount);
    // In use: what uses it is no container any more, so let it go when that ends.
    if (!done && done.error().reason == Reason::Conflict) done = os::unmount(mount, true);
    if (!done) return done;
  }
  return Unit{};
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

Result<Unit> make_local_volume(const LocalVolumePlan& plan) {
  struct stat info {};
  if (::stat(plan.source.c_str(), &info) != 0) return error(Reason::NotFound, "path " + std::string(1, '"') + plan.source + "\" does not exist");
  TRY(os::make_directories(plan.directory, parent_mode));
  TRY_ASSIGN(const bool mounted, os::is_mount_point(plan.directory));
  if (!mounted) TRY(os::bind_mount(plan.source, plan.directory, plan.read_only, false));
  if (plan.fs_group && !plan.read_only) TRY(own_by_group(plan.directory, *plan.fs_group, false, plan.on_root_mismatch));
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

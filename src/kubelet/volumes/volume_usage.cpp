#include "kubelet/volumes/volume_usage.h"

#include "os/machine.h"
#include "os/path.h"

namespace pintle::kubelet::volumes {

namespace {

constexpr rt::Duration first_wait_max = std::chrono::seconds(2);

}  // namespace

Result<VolumeSpace> file_system_space(const std::string& path) {
  TRY_ASSIGN(const os::FileSystemUsage usage, os::file_system_usage(path));
  VolumeSpace out;
  out.capacity_bytes = usage.capacity_bytes;
  out.available_bytes = usage.available_bytes;
  out.used_bytes = usage.used_bytes;
  out.inodes = usage.inodes;
  out.inodes_free = usage.inodes_free;
  out.inodes_used = usage.inodes - usage.inodes_free;
  return out;
}

Result<VolumeSpace> tree_space(const std::string& path, const rt::Clock& clock) {
  TRY_ASSIGN(VolumeSpace out, file_system_space(path));
  const rt::TimePoint until = clock.now() + walk_max;
  TRY_ASSIGN(const os::TreeUsage tree, os::tree_usage(path, [&] { return clock.now() >= until; }));
  if (tree.failed) return Unexpected(*tree.failed);
  out.used_bytes = tree.bytes;
  out.inodes_used = tree.inodes;
  return out;
}

const std::vector<VolumeUsage>& VolumeUsages::latest() {
  const rt::TimePoint now = runtime_.clock().now();
  const bool due = period_ > rt::Duration(0) && !running_ && (!begun_ || now >= *begun_ + period_);
  if (due && !tasks_.context().done()) {
    begun_ = now;
    running_ = true;
    tasks_.spawn(run(tasks_.context()));
  }
  return latest_;
}

rt::Task<void> VolumeUsages::run(rt::Context ctx) {
  latest_ = co_await measure_(std::move(ctx));
  running_ = false;
  measured_.set();
}

rt::Task<void> VolumeUsages::wait_first(rt::Context ctx) {
  (void)latest();
  if (period_ <= rt::Duration(0)) co_return;
  (void)co_await measured_.wait(ctx.with_timeout(first_wait_max));
}

}  // namespace pintle::kubelet::volumes

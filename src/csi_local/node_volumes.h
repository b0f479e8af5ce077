// NodeVolumes: the node's side of volumes: loop devices over their images, mounts of these. What is attached and mounted is what the kernel says, so
// that a driver that starts again goes on where it was. Belongs to one executor; system calls run on the blocking pool. One change of one volume
// at a time: the caller sees to it. Errors are gRPC's where the specification has a code for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "csi_local/requests.h"
#include "csi_local/volume_store.h"
#include "os/loop_device.h"
#include "os/mount.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::csi_local {

// Where an image is in use.
struct Attachment {
  std::optional<os::LoopDevice> loop;
  std::vector<os::MountEntry> mounts;  // of the device's file system, or of the device's node; only what is on top of its place
  bool is_at(std::string_view path) const;
};
// The mounts among a table that are of the device. Pure.
std::vector<os::MountEntry> mounts_of(const os::LoopDevice& loop, const std::vector<os::MountEntry>& table);

struct VolumeStats {
  bool block = false;
  int64_t total_bytes = 0, used_bytes = 0, available_bytes = 0;
  int64_t inodes = 0, inodes_used = 0, inodes_free = 0;
};

class NodeVolumes {
 public:
  NodeVolumes(rt::Runtime& runtime, VolumeStore& store) : runtime_(runtime), store_(store) {}

  // After a start: file systems that an earlier process stopped go on.
  rt::Task<Result<Unit>> recover();

  // A volume that nothing writes to, until release(). FailedPrecondition: it cannot be had while the volume is in use.
  struct Quiet {
    std::string mount_point;  // "": nothing was stopped
  };
  rt::Task<Result<Quiet>> quiet(VolumeRecord record);
  rt::Task<void> release(Quiet quiet);
  // FailedPrecondition: it is mounted, or a disk that is staged.
  rt::Task<Result<Unit>> detach_unused(VolumeRecord record);

  rt::Task<Result<Unit>> stage(rt::Context ctx, VolumeRecord record, Access access, std::string staging);
  // nullopt: a volume that is not there any more. Mounts that are not the volume's own, and data at the place, are FailedPrecondition and stay.
  rt::Task<Result<Unit>> unstage(std::optional<VolumeRecord> record, std::string staging);
  rt::Task<Result<Unit>> publish(VolumeRecord record, Access access, std::string staging, std::string target);
  rt::Task<Result<Unit>> unpublish(std::optional<VolumeRecord> record, std::string target);
  // NotFound: it is not there.
  rt::Task<Result<VolumeStats>> stats(VolumeRecord record, std::string path);
  rt::Task<Result<Unit>> expand(rt::Context ctx, VolumeRecord record, std::string path);

 private:
  rt::Task<Result<Attachment>> attachment(std::string image);
  rt::Task<Result<Unit>> mount_staged(rt::Context ctx, VolumeRecord record, Access access, Attachment at, std::string staging);
  // The last step, of a volume that is mounted: a new one's root folder.
  rt::Task<Result<Unit>> finish_staged(VolumeRecord record, Access access, std::string staging);
  // Of one that is mounted nowhere.
  rt::Task<Result<Unit>> check_and_grow(rt::Context ctx, VolumeRecord record, std::string device);
  // Mounted or not. Mounted, the kernel wants CAP_SYS_RESOURCE.
  rt::Task<Result<Unit>> grow_file_system(rt::Context ctx, VolumeRecord record, std::string device);

  rt::Runtime& runtime_;
  VolumeStore& store_;
};

}  // namespace pintle::csi_local

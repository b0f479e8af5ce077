// VolumeStore: the volumes and snapshots of this node, on its disks and in memory.
//   DIR/volumes/ID/{volume.json,image}   DIR/snapshots/ID/{snapshot.json,image}   DIR/work/...
// A volume comes and goes by one rename, out of and into DIR/work, which is emptied at start: a crash leaves all of it or nothing. Nothing else
// writes below DIR. Belongs to one executor; file work runs on the blocking pool. One change of one id at a time: the caller sees to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "csi_local/records.h"
#include "os/process_lock.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::csi_local {

constexpr std::size_t volumes_max = 10'000;                       // then ResourceExhausted; snapshots too
constexpr rt::Duration program_limit = std::chrono::minutes(10);  // of mkfs and its like

// A file, as large as it may become, and what it has taken of the disk for itself alone.
struct ImageUse {
  int64_t size_bytes = 0;
  int64_t taken_bytes = 0;
};
// What the files of one file system may still take of it.
int64_t to_come_bytes(std::span<const ImageUse> images);
// What another volume may have, so that every volume can be filled and every copy changed: what is promised and not yet taken is not promised twice.
// `promised_bytes`: to the pool's volumes; `to_come_bytes`: of all pools on that file system. Pure.
struct Room {
  int64_t available_bytes = 0;  // of the file system
  int64_t to_come_bytes = 0;
  int64_t promised_bytes = 0;
  int64_t snapshots_bytes = 0;  // that the pool's snapshots take
};
int64_t promisable_bytes(const Pool& pool, const Room& room);

// Runs a program of the machine; an exit status above `good_exit_max` is an error that shows what it said.
rt::Task<Result<Unit>> run_tool(rt::Context ctx, std::vector<std::string> argv, int good_exit_max = 0);

class VolumeStore {
 public:
  VolumeStore(rt::Runtime& runtime, std::vector<Pool> pools);

  // Finds what is there; makes the folders, which it has alone from then on (ServiceUnavailable: another process has one). A record that cannot be
  // read is left alone and logged.
  rt::Task<Result<Unit>> open();

  const std::vector<Pool>& pools() const { return pools_; }
  const std::map<std::string, VolumeRecord, std::less<>>& volumes() const { return volumes_; }
  const std::map<std::string, SnapshotRecord, std::less<>>& snapshots() const { return snapshots_; }
  const VolumeRecord* volume(std::string_view id) const;
  const SnapshotRecord* snapshot(std::string_view id) const;
  std::string image_of(const VolumeRecord& record) const;
  std::string image_of(const SnapshotRecord& record) const;

  rt::Task<Result<int64_t>> available_bytes(std::string pool);
  // With a new image, with mkfs done, or with what `source_image` has. ResourceExhausted: no room.
  rt::Task<Result<Unit>> add_volume(rt::Context ctx, VolumeRecord record, std::string source_image);
  rt::Task<Result<Unit>> remove_volume(std::string id);
  // Writes it anew: it is there.
  rt::Task<Result<Unit>> update(VolumeRecord record);
  // The image and the record. ResourceExhausted: no room.
  rt::Task<Result<Unit>> grow(std::string id, int64_t size_bytes);
  rt::Task<Result<Unit>> add_snapshot(rt::Context ctx, SnapshotRecord record, std::string source_image);
  rt::Task<Result<Unit>> remove_snapshot(std::string id);
  // Whether snapshots in this pool take no time: a volume in use may be copied.
  bool shares_blocks(std::string_view pool) const;

 private:
  struct Loaded;
  struct Taken;
  class Promise;
  const Pool& pool_named(std::string_view name) const;
  std::string folder_of(Kind kind, std::string_view pool, std::string_view id) const;
  int64_t promised_bytes(std::string_view pool) const;
  void add_uses(const Pool& pool, const Taken& taken, std::vector<ImageUse>& out) const;
  rt::Task<Result<Unit>> promise(std::string pool, int64_t bytes);
  rt::Task<Result<Unit>> fill_volume(rt::Context ctx, const VolumeRecord& record, std::string work, std::string source_image);
  rt::Task<Result<Unit>> place(Kind kind, std::string pool, std::string id, std::string record);
  rt::Task<Result<Unit>> take_away(Kind kind, std::string pool, std::string id);

  rt::Runtime& runtime_;
  std::vector<Pool> pools_;
  std::vector<std::unique_ptr<os::ProcessLock>> locks_;
  std::map<std::string, VolumeRecord, std::less<>> volumes_;
  std::map<std::string, SnapshotRecord, std::less<>> snapshots_;
  std::map<std::string, int64_t, std::less<>> in_making_bytes_;  // by pool
  std::map<std::string, bool, std::less<>> shares_blocks_;       // by pool
  std::map<std::string, uint64_t, std::less<>> file_systems_;    // by pool
};

}  // namespace pintle::csi_local

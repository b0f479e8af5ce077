// What is kept of a volume and of a snapshot, in a small JSON file beside its image. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::csi_local {

// A folder of this node that volumes lie in.
struct Pool {
  std::string name;
  std::string directory;       // absolute; without links once the store is open
  int64_t capacity_bytes = 0;  // of all its volumes and snapshots together; 0: what the file system has
};

struct VolumeRecord {
  std::string id;    // ours: id_of()
  std::string name;  // the request's, which may be any text
  std::string pool;
  int64_t size_bytes = 0;
  int64_t size_bytes_min = 0;     // its class's bounds
  int64_t size_bytes_max = 0;     // also for growth; 0: none
  int64_t file_system_bytes = 0;  // what its file system was made or grown for; less than the size: it is to grow. 0 for a block volume
  bool block = false;
  std::string fs_type;               // "" for a block volume
  std::string source;                // the id of the snapshot or the volume that it was made from; "": empty
  bool fresh = true;                 // never staged: its root directory is as mkfs left it
  std::vector<std::string> targets;  // where it is published, or was when the node went down
  bool operator==(const VolumeRecord&) const = default;
};

struct SnapshotRecord {
  std::string id;
  std::string name;
  std::string pool;
  std::string volume;  // which it was made of; it may be gone
  int64_t size_bytes = 0;
  int64_t file_system_bytes = 0;
  bool block = false;
  std::string fs_type;
  int64_t created_seconds = 0;  // since 1970
  bool operator==(const SnapshotRecord&) const = default;
};

constexpr std::size_t record_bytes_max = 1 << 20;
constexpr std::size_t targets_max = 1024;  // places that one volume is published at

enum class Kind : uint8_t { Volume, Snapshot };
// "vol-" or "snap-" and 32 digits, by a digest: whatever the name, the id is a file's name, alike at each try and of this node alone.
std::string id_of(Kind kind, std::string_view node, std::string_view name);
bool is_id(Kind kind, std::string_view text);

std::string to_json(const VolumeRecord& record);
std::string to_json(const SnapshotRecord& record);
// Invalid: no such record, or one of a later release.
Result<VolumeRecord> parse_volume(std::string_view text);
Result<SnapshotRecord> parse_snapshot(std::string_view text);

}  // namespace pintle::csi_local

// The file work of volumes, each function a step that blocks: run them on the blocking pool.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "kubelet/types/paths.h"
#include "kubelet/volumes/payload.h"
#include "rt/clock.h"

namespace pintle::kubelet::volumes {

struct EmptyDirPlan {
  std::string directory;
  std::string notes;        // where "ready" is written; "": nowhere
  std::string medium;       // "", "Memory", "HugePages", "HugePages-2Mi"
  uint64_t size_bytes = 0;  // of a memory volume; 0: the kernel's default
  std::optional<uint32_t> fs_group;
};
// Adopts what is there, content and mount.
Result<Unit> make_empty_dir(const EmptyDirPlan& plan);

struct PayloadPlan {
  std::string directory;
  std::string notes;
  bool memory = true;  // on a tmpfs, as secrets are
  uint64_t size_bytes = 0;
  std::optional<uint32_t> fs_group;
  rt::WallTime now;
  uint64_t random = 0;
};
Result<bool> make_payload_volume(const PayloadPlan& plan, const Payload& payload);

// What a bind mount has of its own (MS_*): the rest is its file system's.
struct BindOptions {
  unsigned long set = 0;
  unsigned long clear = 0;  // of what its source's mount has
  bool read_only() const;
};
// Of mount options ("ro", "noexec"), the later before the earlier. Error: one that a bind mount cannot have; the kernel would say nothing.
Result<BindOptions> bind_options(const std::vector<std::string>& options);

// A local persistent volume, bind-mounted into the pod's directory.
struct LocalVolumePlan {
  std::string source;
  std::string directory;
  BindOptions options;
  std::optional<uint32_t> fs_group;
  bool on_root_mismatch = false;  // fsGroupChangePolicy
};
Result<Unit> make_local_volume(const LocalVolumePlan& plan);

// The limit of a memory volume: the least of what the node has for pods, what the pod's containers may use, and the
// volume's own limit. 0: no limit is known.
uint64_t memory_volume_bytes(const api::core_v1::Pod& pod, const std::optional<api::Quantity>& size_limit,
                             const FlatMap<api::Quantity>& node_allocatable);

// Unmounts everything at and below `directory`, and removes it if it is empty: what lies there unmounted goes with the pod's directory.
Result<Unit> undo_mount(const std::string& directory);
// Unmounts everything at and below it. Success if it is not there.
Result<Unit> unmount_all(const std::string& directory);

// Unmounts everything below the pod's directory, then removes it. Timeout: `enough` ended it early, and another call goes on.
Result<Unit> remove_pod_directory(const Paths& paths, std::string_view pod_uid, const std::function<bool()>& enough = {});

}  // namespace pintle::kubelet::volumes

// VolumeManager: makes the volumes of a pod below the kubelet's root, keeps those that follow API objects up to date, and
// removes them. What is on disk is the state: after a restart, prepare() adopts what is there and tear_down() removes
// what an earlier process made. Belongs to one executor; file work runs on the blocking pool.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/flat_map.h"
#include "base/status.h"
#include "client/client.h"
#include "kubelet/referenced_objects/referenced_objects.h"
#include "kubelet/types/paths.h"
#include "kubelet/types/pod.h"
#include "kubelet/volumes/csi_access.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/context.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes {

struct VolumeManagerDeps {
  rt::Runtime& runtime;
  // nullptr: no API server (static pods alone); what needs it fails.
  client::Client* client = nullptr;
  referenced_objects::ReferencedObjects* objects = nullptr;
  Paths paths;
  // Of the node, for resource fields without a limit and for memory volumes. Asked at each use.
  std::function<FlatMap<api::Quantity>()> node_allocatable;
  // Warning events about a pod: reason (FailedMount, FailedMapVolume ...) and message.
  std::function<void(const api::core_v1::Pod& pod, std::string_view reason, const std::string& message)> warn;
  // Events that are no warnings.
  std::function<void(const api::core_v1::Pod& pod, std::string_view reason, const std::string& message)> tell;
  std::string node_name;
  // nullopt: there are no CSI drivers.
  std::optional<CsiAccess> csi;
  // Asked before the kubelet's own.
  std::vector<VolumePluginPtr> more_plugins;
  // volumes_in_use() is another.
  std::function<void()> in_use_changed;
};

class VolumeManager {
 public:
  virtual ~VolumeManager() = default;

  // Returns once every volume that a container of the pod uses is ready. What fails or is refused is warned of and tried again, with backoff or at
  // once when an object that was missing appears; so it ends with an error only when `ctx` is done, and then the error names the volumes that are
  // missing ("unmounted volumes=[a], unattached volumes=[], failed to process volumes=[]: context deadline exceeded", as upstream's FailedMount
  // says). At once when all is ready already; then it brings the volumes to what the pod says now (labels in downwardAPI files).
  virtual rt::Task<Result<Unit>> prepare(rt::Context ctx, PodPtr pod) = 0;
  // The pod object changed in place (labels, annotations): its downwardAPI files follow, in the background.
  virtual void update(PodPtr pod) = 0;
  // nullptr before prepare() has succeeded.
  virtual const MountedVolumes* mounted(std::string_view pod_uid) const = 0;
  // Undoes what is published to the pod, unmounts and removes everything of it (by what is on disk), and at last its directory. No container of it
  // runs any more. Error: something could not be removed; call again.
  virtual rt::Task<Result<Unit>> tear_down(rt::Context ctx, std::string pod_uid) = 0;
  // The Node as the API server has it: its labels decide which PersistentVolumes may be mounted here, its status which are attached.
  virtual void node_changed(const api::core_v1::Node& node) = 0;
  // Other programs are registered, or more is known of them: what waits for that is tried again.
  virtual void plugins_changed() = 0;
  // What the volumes of pods that are ready hold; those that tell nothing, or not in time, are left out. One after the other.
  virtual rt::Task<std::vector<VolumeUsage>> usage(rt::Context ctx) = 0;
  // For the Node's status: volumes that the attach-detach controller must leave attached. nullopt: not known yet, what the Node says stays.
  virtual std::optional<std::vector<std::string>> volumes_in_use() const = 0;
  // Reads what an earlier process left, and begins to undo what no pod has. prepare() and tear_down() wait for the reading.
  virtual void start() = 0;
  // UIDs that have a directory: after a restart, those that are no pods any more are to be torn down.
  virtual std::vector<std::string> pods_on_disk() const = 0;
  virtual rt::Task<void> stop() = 0;
};

std::unique_ptr<VolumeManager> make_volume_manager(VolumeManagerDeps deps);

}  // namespace pintle::kubelet::volumes

// VolumePlugin: one kind of volume. Holds no state about pods: what is on disk and NodeVolumes have it, so that a restart loses nothing.
// VolumePlugins is the table of them, made of the configuration: a kind that is not in it is refused.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kubelet/tokens/pod_tokens.h"
#include "kubelet/types/pod.h"
#include "kubelet/volumes/mounted_volume.h"
#include "kubelet/volumes/node_volumes.h"
#include "kubelet/volumes/volume_spec.h"
#include "kubelet/volumes/volume_usage.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::kubelet::volumes {

using tokens::PodTokens;

// A volume that a pod wants.
struct PodVolume {
  PodPtr pod;
  VolumeSpec spec;
  PodTokens* tokens = nullptr;         // the pod's; nullptr: no API server
  PodTokens* driver_tokens = nullptr;  // those for storage drivers
};

// What is known of a volume by what is on disk: enough to undo it.
struct VolumeOnDisk {
  std::string unique_name;  // "kubernetes.io/local-volume/pv"
  std::string name;         // of the PersistentVolume: its directories are called so
  bool block = false;
  bool operator==(const VolumeOnDisk&) const = default;
};

// How a step ended. Not Done: `why` says why, and for stage() and publish() which part of it failed ("MountVolume.SetUp").
struct StepEnd {
  Outcome outcome = Outcome::Done;
  Status why;
  std::string_view part;
};
StepEnd step_done();
StepEnd nothing_done(std::string_view part, Status why);
StepEnd step_failed(std::string_view part, Status why);  // what it left is not known

struct Published {
  StepEnd end;
  MountedVolume volume;  // if Done
};
Published published(MountedVolume volume);
Published not_published(StepEnd end);

class VolumePlugin {
 public:
  virtual ~VolumePlugin() = default;

  virtual std::string_view name() const = 0;  // "kubernetes.io/empty-dir"
  virtual bool supports(const VolumeSpec& spec) const = 0;
  virtual bool takes_mount_options() const { return false; }
  virtual bool maps_devices() const { return false; }  // volumeMode Block
  // False: what traits() stands on is not known yet; VolumeManager::plugins_changed() tells when it is.
  virtual bool is_ready() const { return true; }

  // nullopt: nothing of it is outside the pod's directory, and it goes with that: publish() is its only step.
  virtual std::optional<VolumeTraits> traits(const VolumeSpec& spec) const;

  // Ready for the pod's containers, or brought up to date. As every step it may find its work done, in whole or in part. The volumes of a
  // pod are one after the other, different pods' at once.
  virtual rt::Task<Published> publish(rt::Context ctx, PodVolume volume) = 0;

  // How often the claim of a volume that is mounted is looked at anew; nullopt: never.
  virtual std::optional<rt::Duration> looked_at_every(const VolumeSpec& spec) const;
  // Whether it is to be published once more, as the claim and its PersistentVolume are now.
  virtual bool wants_renewal(const VolumeSpec& spec) const;

  // What it holds, for statistics; nullopt: this kind tells nothing. It may take as long as its context lets it.
  virtual rt::Task<Result<std::optional<VolumeSpace>>> space(rt::Context ctx, VolumeSpec spec, MountedVolume mounted) const;

  // The rest is asked of those with traits. Steps of volumes that share something never run at once (NodeVolumes).
  // By which NodeVolumes knows it, the same for all pods that share it.
  virtual std::string unique_name(const VolumeSpec& spec, std::string_view pod_uid) const;
  // What tells it from another that is called the same, later; "": nothing.
  virtual std::string source(const VolumeSpec& spec) const;
  // `attached_path`: what the Node's volumesAttached says; "" of what is not attachable.
  virtual rt::Task<StepEnd> stage(rt::Context ctx, VolumeSpec spec, std::string attached_path);
  // Success where nothing is there.
  virtual rt::Task<StepEnd> unpublish(rt::Context ctx, VolumeOnDisk volume, std::string pod_uid);
  virtual rt::Task<StepEnd> unstage(rt::Context ctx, VolumeOnDisk volume);

  // After a restart; both block. What pods/UID/volumes/PLUGIN/NAME (volumeDevices with `block`) is of; nullopt: none of this plugin's.
  virtual std::optional<VolumeOnDisk> published_before(std::string_view pod_uid, std::string_view name, bool block) const;
  // What is staged, in whole or in part.
  virtual std::vector<VolumeOnDisk> staged_before() const;
  // Of a volume found on disk, whose spec nobody knows any more.
  virtual VolumeTraits traits_before(const VolumeOnDisk& volume) const;
};
using VolumePluginPtr = std::shared_ptr<VolumePlugin>;

class VolumePlugins {
 public:
  void add(VolumePluginPtr plugin) { plugins_.push_back(std::move(plugin)); }
  // The first that supports it; nullptr: none does.
  VolumePluginPtr find(const VolumeSpec& spec) const;
  const std::vector<VolumePluginPtr>& all() const { return plugins_; }

 private:
  std::vector<VolumePluginPtr> plugins_;
};

// "kubernetes.io~empty-dir": what a plugin's directories are called.
std::string escaped_plugin_name(std::string_view name);

// "MountVolume.SetUp failed for volume "pv" : ...".
Status step_error(std::string_view part, const VolumeSpec& spec, Status why);

}  // namespace pintle::kubelet::volumes

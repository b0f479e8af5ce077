// VolumeReconciler: carries out plan() for the volumes that have traits (volume_plugin.h): staged once for the pods of the node that want
// them, published to each, undone when nobody wants them. Woken by what changed of one volume; nothing is looked at by the clock but a
// step that failed, 0.5 s to 122 s later. Belongs to one executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/volumes/node_volumes.h"
#include "kubelet/volumes/volume_plan.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/backoff.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::volumes {

struct VolumeReconcilerDeps {
  rt::Runtime& runtime;
  // A step that failed, of each pod that waits for it: FailedMount or FailedMapVolume, and the message.
  std::function<void(const api::core_v1::Pod& pod, std::string_view reason, const std::string& message)> warn;
  // A volume that the pod wants is ready.
  std::function<void(const std::string& pod_uid)> ready;
  // in_use() is another.
  std::function<void()> in_use_changed;
};

class VolumeReconciler {
 public:
  explicit VolumeReconciler(VolumeReconcilerDeps deps) : deps_(std::move(deps)) {}

  // The pod wants it, until release(). nullptr: not ready yet; then `ready` tells. Error: another volume of that name is there still.
  Result<const MountedVolume*> want(const PodVolume& volume, const VolumePluginPtr& plugin);
  // Whether the pod waits for another to attach what it wants.
  bool is_unattached(const PodVolume& volume, const VolumePluginPtr& plugin) const;
  // What is published to a pod that wants it is published once more, as the spec says now. Nothing where it is not there.
  void renew(const PodVolume& volume, const VolumePluginPtr& plugin);
  // Steps of the plugin's volumes that failed are taken again now.
  void retry(const VolumePlugin& plugin);
  // The pod wants nothing any more, and no container of it runs: what is being published to it is broken off. Returns once nothing is published to
  // it. Error: a step failed, which is taken again; call again.
  rt::Task<Result<Unit>> release(rt::Context ctx, std::string pod_uid);

  // What an earlier process left, before anything is wanted. What was published to a pod stays until that pod wants it or is released; a
  // stage that no pod has is undone.
  void adopt(const VolumePluginPtr& plugin, const VolumeOnDisk& volume, bool staged, std::optional<std::string> pod_uid);
  void adopted();

  // What is attached to the node and was said to be in use, by unique name; with its path.
  void set_attached(std::map<std::string, std::string> attached);
  // Volumes that another attaches, by unique name: wanted, or perhaps there.
  const std::set<std::string>& in_use() const { return in_use_; }

  rt::Task<void> stop() { co_await tasks_.close(); }

 private:
  struct Wish {
    PodVolume volume;
    std::optional<MountedVolume> mounted;
    bool told_of_other = false;  // that another pod has it
  };
  struct Volume {
    VolumePluginPtr plugin;
    VolumeOnDisk on_disk;
    std::string source;                                          // VolumePlugin::source(); "": not known
    std::vector<std::string> wanted;                             // uids, in the order in which they came
    std::map<std::string, Wish, std::less<>> wishes;             // of those
    std::map<std::string, rt::Context, std::less<>> publishing;  // by uid
    std::map<std::string, VolumeOnDisk, std::less<>> there;      // what was, or is being, published to a pod
    std::map<std::string, rt::Backoff, std::less<>> backoffs;    // of steps that failed, by step_name()
  };
  // What a step works on, as it was when the step began.
  struct StepInput {
    rt::Context ctx;
    VolumePluginPtr plugin;
    PodVolume wanted;    // of Stage and Publish
    VolumeOnDisk there;  // of Unpublish and Unstage
    std::string attached_path;
  };
  // Who waits for a pod's release.
  struct Release {
    rt::Event changed;
    std::optional<Status> failed;
  };

  static Result<Unit> check_same(const Volume& there, const NodeVolume& known, const PodVolume& volume, const VolumePluginPtr& plugin);
  void proceed(const std::string& name);
  void tell_waits(const std::string& name, const VolumePlan& next);
  StepInput begin(const std::string& name, const VolumeStep& step);
  rt::Task<void> run(std::string name, VolumeStep step, StepInput input);
  void ended(const std::string& name, const VolumeStep& step, Published end);
  void failed(const std::string& name, const VolumeStep& step, const StepEnd& end);
  void warn(const Wish& wish, std::string_view part, const Status& why) const;
  rt::Task<void> end_backoff(std::string name, VolumeStep step, rt::Duration wait);
  void tell_release(const std::string& pod_uid, std::optional<Status> failed);
  void forget(const std::string& name);

  const VolumeReconcilerDeps deps_;
  NodeVolumes nodes_;
  std::map<std::string, Volume, std::less<>> volumes_;                   // by unique name; each is in nodes_
  std::map<std::string, std::set<std::string>, std::less<>> wanted_by_;  // unique names by pod uid
  std::map<std::string, std::shared_ptr<Release>, std::less<>> releases_;
  std::map<std::string, std::string> attached_;
  std::set<std::string> in_use_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::volumes

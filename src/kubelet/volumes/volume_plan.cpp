#include "kubelet/volumes/volume_plan.h"

#include <algorithm>

namespace pintle::kubelet::volumes {

namespace {

class Planner {
 public:
  Planner(const NodeVolume& volume, const std::vector<std::string>& wanted, bool attached)
      : volume_(volume), wanted_(wanted), attached_(attached || !volume.traits.attachable) {}

  VolumePlan make() {
    unpublish_unwanted();
    if (wanted_.empty())
      unstage();
    else
      publish_wanted();
    out_.forget = wanted_.empty() && volume_.stage.is_clear() && !volume_.any_published();
    return std::move(out_);
  }

 private:
  bool is_wanted(const std::string& uid) const { return std::ranges::find(wanted_, uid) != wanted_.end(); }
  // A step of a volume that is shared is the only one.
  bool occupied() const { return volume_.traits.shared() && (volume_.any_running() || !out_.steps.empty()); }

  // Begins the step, or says why it does not.
  WaitsFor take(const VolumePlace& place, StepKind kind, const std::string& uid) {
    if (place.running || occupied()) return WaitsFor::Step;
    if (place.backing_off == kind) return WaitsFor::Backoff;
    out_.steps.push_back({kind, uid});
    return WaitsFor::Step;
  }

  // First what nobody wants: it may be what another waits for.
  void unpublish_unwanted() {
    for (const auto& [uid, place] : volume_.pods)
      if (place.presence != Presence::Absent && !place.held && !is_wanted(uid)) take(place, StepKind::Unpublish, uid);
  }

  // While anything is published to a pod, perhaps, its stage stays.
  void unstage() {
    if (volume_.stage.presence != Presence::Absent && !volume_.any_published()) take(volume_.stage, StepKind::Unstage, {});
  }

  void publish_wanted() {
    const std::string* holder = volume_.traits.one_pod ? one_holder() : nullptr;
    for (const std::string& uid : wanted_) {
      const auto it = volume_.pods.find(uid);
      static const VolumePlace none;
      const VolumePlace& place = it == volume_.pods.end() ? none : it->second;
      if (place.presence == Presence::Present && !place.running && !place.renew) continue;
      if (holder && *holder != uid)
        out_.waits[uid] = WaitsFor::OtherPod;
      else if (!attached_)
        out_.waits[uid] = WaitsFor::Attachment;
      else if (volume_.traits.staged && volume_.stage.presence != Presence::Present)
        out_.waits[uid] = take(volume_.stage, StepKind::Stage, {});
      else
        out_.waits[uid] = take(place, StepKind::Publish, uid);
    }
  }

  // The pod that has it, perhaps; else the first that wants it.
  const std::string* one_holder() const {
    for (const auto& [uid, place] : volume_.pods)
      if (!place.is_clear()) return &uid;
    return &wanted_.front();
  }

  const NodeVolume& volume_;
  const std::vector<std::string>& wanted_;
  const bool attached_;
  VolumePlan out_;
};

}  // namespace

VolumePlan plan(const NodeVolume& volume, const std::vector<std::string>& wanted, bool attached) { return Planner(volume, wanted, attached).make(); }

}  // namespace pintle::kubelet::volumes

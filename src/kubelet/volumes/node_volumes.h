// NodeVolumes: what is there of the volumes that are attached to this node, staged for it or kept for several pods, by upstream's unique
// name. Holds no wish: what is wanted is plan()'s other half (volume_plan.h). Belongs to one executor; no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::kubelet::volumes {

// What a volume's plugin has steps for.
struct VolumeTraits {
  bool attachable = false;  // another attaches it to the node; it is to be in status.volumesInUse first
  bool staged = false;      // made ready once for the node, then published to each pod
  bool one_pod = false;     // ReadWriteOncePod and nothing else
  bool operator==(const VolumeTraits&) const = default;

  // Its pods share something: one step at a time.
  bool shared() const { return attachable || staged || one_pod; }
};

enum class StepKind : uint8_t { Stage, Publish, Unpublish, Unstage };
struct VolumeStep {
  StepKind kind = StepKind::Stage;
  std::string pod_uid;  // of Publish and Unpublish
  bool operator==(const VolumeStep&) const = default;
};

enum class Outcome : uint8_t {
  Done,
  NothingDone,  // failed, and what failed says that nothing changed
  Unknown,      // failed, or ended without an answer
};

// Uncertain: it may be there, or in part. It is made again if it is wanted, and else undone as if it were there.
enum class Presence : uint8_t { Absent, Present, Uncertain };

// Of the node, or of one pod.
struct VolumePlace {
  Presence presence = Presence::Absent;
  std::optional<StepKind> running;
  std::optional<StepKind> backing_off;  // the step that failed; another may be taken at once
  bool held = false;                    // of a pod: an earlier process made it, and it is not known yet whether the pod goes on
  bool renew = false;                   // of a pod: present, and to be published once more

  bool is_clear() const { return presence == Presence::Absent && !running; }
};

struct NodeVolume {
  VolumeTraits traits;
  VolumePlace stage;
  std::map<std::string, VolumePlace, std::less<>> pods;  // by uid; where something is, was tried or is being done

  bool any_running() const;
  bool any_published() const;  // certainly or not
};

class NodeVolumes {
 public:
  // nullptr: nothing is there.
  const NodeVolume* find(std::string_view name) const;
  // The volume is to be there. CHECK: it is staged as before; what is found on disk does not say whether it is one pod's, or attached.
  void enter(const std::string& name, VolumeTraits traits);
  // What an earlier process left, read from disk before any step: uncertain, and held for its pods until let_go().
  void adopt(const std::string& name, VolumeTraits traits, bool staged, const std::vector<std::string>& pod_uids);
  // The pod wants the volume, or nothing any more.
  void let_go(std::string_view name, std::string_view pod_uid);
  // CHECK: the place runs no step.
  void begin(std::string_view name, const VolumeStep& step);
  void end(std::string_view name, const VolumeStep& step, Outcome outcome);
  // The wait after a failure is over. Nothing where another step was taken meanwhile.
  void end_backoff(std::string_view name, const VolumeStep& step);
  void end_backoffs(std::string_view name);
  // What is present of the pod is published once more. Nothing where it is not.
  void renew(std::string_view name, std::string_view pod_uid);
  // CHECK: nothing of it is there, certainly or not.
  void forget(std::string_view name);
  // Where the pod has something, certainly or not: empty, and its directory may be removed.
  std::set<std::string, std::less<>> of_pod(std::string_view pod_uid) const;

 private:
  NodeVolume& at(std::string_view name);
  VolumePlace& place(std::string_view name, const VolumeStep& step);
  void index(std::string_view name, const std::string& pod_uid);

  std::map<std::string, NodeVolume, std::less<>> volumes_;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> by_pod_;
};

}  // namespace pintle::kubelet::volumes

// plan(): what is to be done next for one volume of the node. Asked when something of it changed: a pod came or went, the node's
// volumesAttached named it, a step ended, a back-off is over. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kubelet/volumes/node_volumes.h"

namespace pintle::kubelet::volumes {

// Why a pod that wants the volume does not have it.
enum class WaitsFor : uint8_t {
  Attachment,
  Step,      // one that runs, or that the plan starts
  Backoff,   // of a step that failed
  OtherPod,  // ReadWriteOncePod: one has it
};

struct VolumePlan {
  // To begin now: at most one of a volume that is shared, at most one of a pod otherwise.
  std::vector<VolumeStep> steps;
  // By uid, of the pods that want it and do not have it.
  std::map<std::string, WaitsFor, std::less<>> waits;
  // Nothing is there and nobody wants it.
  bool forget = false;
};

// `wanted`: uids of pods, in the order in which they came. `attached`: the node's volumesAttached has it.
VolumePlan plan(const NodeVolume& volume, const std::vector<std::string>& wanted, bool attached);

}  // namespace pintle::kubelet::volumes

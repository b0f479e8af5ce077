// Which volumes a pod's unbound claims get on a node: found among those there are, or made there.
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "scheduler/framework/node_info.h"
#include "scheduler/plugins/volumes/claims.h"

namespace pintle::scheduler::plugins {

struct VolumePlan {
  struct Match {
    VolumePtr volume;
    ClaimPtr claim;
  };
  std::vector<Match> matches;        // volumes that are there
  std::vector<ClaimPtr> provisions;  // claims that a provisioner is to serve on the node
};

using Assumed = std::map<std::string, std::string>;  // volume to the uid of the claim that is about to have it

// Whether the volume can be reached from the node.
bool reaches(const PersistentVolume& volume, const Node& node);

// The smallest volume that satisfies the claim on the node, or one that is reserved for it; nullptr: none.
VolumePtr find_volume(const PersistentVolumeClaim& claim, const Node& node, std::span<const VolumePtr> volumes, const Assumed& assumed);

// Whether the class may make volumes for that node.
bool allows(const StorageClass& storage_class, const Node& node);

// What a claim asks for, in bytes.
int64_t requested_bytes(const PersistentVolumeClaim& claim);

}  // namespace pintle::scheduler::plugins

// Volumes of files that are projected: configMap, secret, downwardAPI and projected. Their files follow what they project.
#pragma once

#include <functional>

#include "kubelet/referenced_objects/referenced_objects.h"
#include "kubelet/types/paths.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

struct ProjectingDeps {
  rt::Runtime& runtime;
  Paths paths;
  referenced_objects::ReferencedObjects* objects = nullptr;  // nullptr: no API server; what needs it fails
  std::function<FlatMap<api::Quantity>()> node_allocatable;
};
// One for each kind.
std::vector<VolumePluginPtr> make_projecting_plugins(ProjectingDeps deps);

}  // namespace pintle::kubelet::volumes::plugins

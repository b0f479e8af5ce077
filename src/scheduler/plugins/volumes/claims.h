// The persistent volumes of a pod, as the volume plugins look them up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/storage_v1.h"
#include "client/informers.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler::plugins {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::storage_v1::StorageClass;
using ClaimPtr = std::shared_ptr<const PersistentVolumeClaim>;
using VolumePtr = std::shared_ptr<const PersistentVolume>;

// spec.storageClassName, or the older annotation.
std::string class_of(const PersistentVolumeClaim& claim);
// Both sides agree: the volume controller has ended its work.
bool is_bound(const PersistentVolumeClaim& claim);

struct VolumeInformers {
  explicit VolumeInformers(client::Informers& informers);
  client::Informer<PersistentVolumeClaim> claims;
  client::Informer<PersistentVolume> volumes;
  client::Informer<StorageClass> classes;
  // Binding waits until a pod that uses the claim has a node.
  bool waits_for_consumer(const PersistentVolumeClaim& claim) const;
};

}  // namespace pintle::scheduler::plugins

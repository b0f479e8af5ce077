// What a volume of a pod is: its entry, or its claim and the PersistentVolume of that, which are fetched; and whether it may be mounted
// here. Belongs to one executor.
#pragma once

#include "client/client.h"
#include "kubelet/volumes/volume_plugin.h"
#include "kubelet/volumes/volume_spec.h"

namespace pintle::kubelet::volumes {

// `entry`: of the pod. `client`: nullptr, no API server. Error: it is not known what is to be mounted, or the pod may not have it
// ("failed to process").
rt::Task<Result<VolumeSpec>> resolve_volume(rt::Context ctx, client::Client* client, PodPtr pod, const api::core_v1::Volume& entry);
// No plugin is there for it.
Status unsupported(const VolumeSpec& spec);

}  // namespace pintle::kubelet::volumes

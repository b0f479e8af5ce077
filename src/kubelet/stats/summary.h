// The statistics of a node and its pods, as /stats/summary and the resource metrics show them, from what the runtime, the cgroups and
// the file systems say. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"
#include "api/gen/kubeletstats_v1alpha1.h"
#include "kubelet/volumes/volume_usage.h"
#include "os/cgroup.h"
#include "os/machine.h"
#include "rt/clock.h"

namespace pintle::kubelet::stats {

struct StatsInputs {
  std::string node_name;
  rt::WallTime now;
  rt::WallTime node_started;
  std::vector<api::core_v1::Pod> pods;  // with their present statuses
  std::vector<volumes::VolumeUsage> volumes;
  std::vector<api::cri_v1::ContainerStats> containers;
  std::vector<api::cri_v1::PodSandboxStats> sandboxes;  // none where the runtime does not tell
  std::optional<os::CgroupUsage> node;
  uint64_t node_nano_cores = 0;                    // between the last two looks
  std::optional<os::FileSystemUsage> file_system;  // of the kubelet's root
  std::optional<os::FileSystemUsage> image_file_system;
  uint64_t image_bytes = 0;
  uint64_t memory_available_bytes = 0;
};
api::kubeletstats_v1alpha1::Summary make_summary(const StatsInputs& inputs);
// kubelet_volume_stats_*, of claims; one that several pods mount, once.
std::string volume_metrics(const std::vector<volumes::VolumeUsage>& volumes);
// /metrics/resource: seconds and bytes of node, pods and containers, under upstream's names.
std::string resource_metrics(const api::kubeletstats_v1alpha1::Summary& summary);

}  // namespace pintle::kubelet::stats

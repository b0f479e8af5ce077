#include "kubelet/eviction/usage.h"

#include "component/log.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/volumes/volume_kinds.h"
#include "os/path.h"

namespace pintle::kubelet::eviction {

namespace {

namespace cri_v1 = api::cri_v1;
using Usages = std::map<std::string, PodUsage>;

std::optional<uint64_t> value_of(const Box<cri_v1::UInt64Value>& box) { return box ? std::optional(box->value) : std::nullopt; }

std::string label(const cri_v1::ContainerStats& stats, std::string_view key) {
  const std::string* found = stats.attributes ? stats.attributes->labels.get(key) : nullptr;
  return found ? *found : std::string();
}

ContainerUsage usage_of(const cri_v1::ContainerStats& stats) {
  ContainerUsage out;
  out.name = label(stats, container_config::labels::container_name);
  if (stats.memory) out.memory_bytes = value_of(stats.memory->working_set_bytes);
  const auto bytes = stats.writable_layer ? value_of(stats.writable_layer->used_bytes) : std::nullopt;
  if (bytes) out.root = DiskUsage{*bytes, value_of(stats.writable_layer->inodes_used).value_or(0)};
  return out;
}

// What is not there uses nothing; what cannot be read uses nobody knows how much.
DiskUsage tree(const std::string& path, const std::function<bool()>& enough) {
  const auto used = os::tree_usage(path, enough);
  const Status* failed = !used ? &used.error() : used->failed ? &*used->failed : nullptr;
  DiskUsage out;
  if (used) out = DiskUsage{used->bytes, used->inodes};
  if (!failed || failed->reason == Reason::NotFound) return out;
  out.complete = false;
  component::log::error("The files of a pod could not all be counted", {{"path", path}, {"err", failed->message}});
  return out;
}

void walk(const Paths& paths, const rt::Clock& clock, const api::core_v1::Pod& pod, PodUsage& out) {
  const rt::TimePoint until = clock.now() + pod_walk_max;
  const std::function<bool()> enough = [&] { return clock.now() >= until; };
  const std::string& uid = pod.metadata.uid;
  for (const auto& volume : pod.spec.volumes)
    if (is_local_volume(volume))
      out.volumes[volume.name] = tree(paths.volume(uid, volumes::plugin_directory(volumes::kind_of(volume)), volume.name), enough);
  const std::string logs = paths.pod_log(pod.metadata.namespace_, pod.metadata.name, uid);
  for (ContainerUsage& container : out.containers) container.logs = tree(logs + "/" + container.name, enough);
  out.files = tree(paths.etc_hosts(uid), enough);
}

void add_cgroup(const cgroups::PodCgroups& cgroups, const api::core_v1::Pod& pod, PodUsage& out) {
  const auto usage = cgroups.usage(pod);
  if (!usage) return;
  out.memory_bytes = usage->memory_working_set_bytes;
  out.processes = usage->processes;
}

}  // namespace

bool is_local_volume(const api::core_v1::Volume& volume) {
  const volumes::VolumeKind kind = volumes::kind_of(volume);
  return kind == volumes::VolumeKind::ConfigMap || (kind == volumes::VolumeKind::EmptyDir && volume.empty_dir->medium.empty());
}

rt::Task<Result<Usages>> measure_usage(UsageSources from, rt::Context ctx, std::vector<PodPtr> pods, bool disk) {
  CO_TRY_ASSIGN(const auto stats, co_await from.cri.list_container_stats(std::move(ctx), cri_v1::ContainerStatsFilter()));
  Usages out;
  for (const auto& one : stats) {
    PodUsage& pod = out[label(one, container_config::labels::pod_uid)];
    pod.containers.push_back(usage_of(one));
    pod.memory_bytes += pod.containers.back().memory_bytes.value_or(0);
  }
  co_await from.runtime.run_blocking([&] {
    for (const PodPtr& pod : pods) {
      const auto used = out.find(pod->metadata.uid);
      if (used == out.end()) continue;
      if (from.cgroups) add_cgroup(*from.cgroups, *pod, used->second);
      if (disk) walk(from.paths, from.runtime.clock(), *pod, used->second);
    }
  });
  co_return std::move(out);
}

}  // namespace pintle::kubelet::eviction

#include "kubelet/stats/summary.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "component/metrics.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/status/container_status.h"

namespace pintle::kubelet::stats {

using namespace api::kubeletstats_v1alpha1;
namespace cri_v1 = api::cri_v1;
namespace metrics = component::metrics;

namespace {

// To the nanosecond: rates are reckoned from these.
constexpr int64_t nanos_of_second = 1'000'000'000;
api::Time from_nanos(int64_t nanos) { return api::time_from_unix(nanos / nanos_of_second, static_cast<int32_t>(nanos % nanos_of_second)); }
api::Time moment(rt::WallTime time) { return from_nanos(rt::Duration(time.time_since_epoch()).count()); }
std::optional<uint64_t> value_of(const Box<cri_v1::UInt64Value>& box) { return box ? std::optional<uint64_t>(box->value) : std::nullopt; }

CPUStats cpu_of(const cri_v1::CpuUsage& usage) {
  CPUStats out;
  out.time = from_nanos(usage.timestamp);
  out.usage_core_nano_seconds = value_of(usage.usage_core_nano_seconds);
  out.usage_nano_cores = value_of(usage.usage_nano_cores);
  return out;
}

MemoryStats memory_of(const cri_v1::MemoryUsage& usage) {
  MemoryStats out;
  out.time = from_nanos(usage.timestamp);
  out.working_set_bytes = value_of(usage.working_set_bytes);
  out.usage_bytes = value_of(usage.usage_bytes);
  out.available_bytes = value_of(usage.available_bytes);
  out.rss_bytes = value_of(usage.rss_bytes);
  out.page_faults = value_of(usage.page_faults);
  out.major_page_faults = value_of(usage.major_page_faults);
  return out;
}

SwapStats swap_of(const cri_v1::SwapUsage& usage) {
  SwapStats out;
  out.time = from_nanos(usage.timestamp);
  out.swap_available_bytes = value_of(usage.swap_available_bytes);
  out.swap_usage_bytes = value_of(usage.swap_usage_bytes);
  return out;
}

ContainerStats container_of(const cri_v1::ContainerStats& stats, const api::core_v1::ContainerStatus& status) {
  ContainerStats out;
  out.name = status.name;
  if (status.state.running) out.start_time = status.state.running->started_at;
  if (stats.cpu) out.cpu = cpu_of(*stats.cpu);
  if (stats.memory) out.memory = memory_of(*stats.memory);
  if (stats.swap) out.swap = swap_of(*stats.swap);
  if (stats.writable_layer) {
    auto& fs = out.rootfs.emplace();
    fs.time = from_nanos(stats.writable_layer->timestamp);
    fs.used_bytes = value_of(stats.writable_layer->used_bytes);
    fs.inodes_used = value_of(stats.writable_layer->inodes_used);
  }
  return out;
}

void add(std::optional<uint64_t>& to, const std::optional<uint64_t>& more) {
  if (more) to = to.value_or(0) + *more;
}

NetworkStats network_of(const cri_v1::NetworkUsage& usage) {
  const auto interface_of = [](const cri_v1::NetworkInterfaceUsage& from) {
    InterfaceStats out;
    out.name = from.name;
    out.rx_bytes = value_of(from.rx_bytes);
    out.rx_errors = value_of(from.rx_errors);
    out.tx_bytes = value_of(from.tx_bytes);
    out.tx_errors = value_of(from.tx_errors);
    return out;
  };
  NetworkStats out;
  out.time = from_nanos(usage.timestamp);
  if (usage.default_interface) static_cast<InterfaceStats&>(out) = interface_of(*usage.default_interface);
  for (const auto& one : usage.interfaces) out.interfaces.push_back(interface_of(one));
  return out;
}

VolumeStats volume_of(const volumes::VolumeUsage& usage) {
  VolumeStats out;
  out.name = usage.name;
  out.time = moment(usage.at);
  out.capacity_bytes = usage.space.capacity_bytes;
  out.available_bytes = usage.space.available_bytes;
  out.used_bytes = usage.space.used_bytes;
  out.inodes = usage.space.inodes;
  out.inodes_free = usage.space.inodes_free;
  out.inodes_used = usage.space.inodes_used;
  if (!usage.claim.empty()) {
    out.pvc_ref.ensure().name = usage.claim;
    out.pvc_ref->namespace_ = usage.namespace_name;
  }
  return out;
}

PodStats pod_of(const StatsInputs& in, const api::core_v1::Pod& pod) {
  PodStats out;
  out.pod_ref.name = pod.metadata.name;
  out.pod_ref.namespace_ = pod.metadata.namespace_;
  out.pod_ref.uid = pod.metadata.uid;
  if (pod.status.start_time) out.start_time = *pod.status.start_time;
  CPUStats cpu;
  MemoryStats memory;
  cpu.time = memory.time = moment(in.now);
  for (const auto* statuses : {&pod.status.container_statuses, &pod.status.init_container_statuses}) {
    for (const auto& status : *statuses) {
      const auto found = std::find_if(in.containers.begin(), in.containers.end(),
                                      [&](const auto& c) { return c.attributes && status.container_id.ends_with("/" + c.attributes->id); });
      if (!status.state.running || found == in.containers.end()) continue;
      out.containers.push_back(container_of(*found, status));
      const ContainerStats& one = out.containers.back();
      if (one.cpu) add(cpu.usage_core_nano_seconds, one.cpu->usage_core_nano_seconds), add(cpu.usage_nano_cores, one.cpu->usage_nano_cores);
      if (one.memory)
        add(memory.working_set_bytes, one.memory->working_set_bytes), add(memory.usage_bytes, one.memory->usage_bytes),
            add(memory.rss_bytes, one.memory->rss_bytes);
    }
  }
  out.cpu = std::move(cpu);
  out.memory = std::move(memory);
  for (const auto& usage : in.volumes)
    if (usage.pod_uid == pod.metadata.uid) out.volume.push_back(volume_of(usage));
  for (const auto& sandbox : in.sandboxes) {
    if (!sandbox.attributes || !sandbox.attributes->metadata || sandbox.attributes->metadata->uid != pod.metadata.uid || !sandbox.linux) continue;
    if (sandbox.linux->network) out.network = network_of(*sandbox.linux->network);
    if (sandbox.linux->process && sandbox.linux->process->process_count)
      out.process_stats.emplace().process_count = sandbox.linux->process->process_count->value;
  }
  return out;
}

FsStats fs_of(const os::FileSystemUsage& usage, rt::WallTime now) {
  FsStats out;
  out.time = status::to_time(now);
  out.available_bytes = usage.available_bytes;
  out.capacity_bytes = usage.capacity_bytes;
  out.used_bytes = usage.used_bytes;
  out.inodes = usage.inodes;
  out.inodes_free = usage.inodes_free;
  out.inodes_used = usage.inodes - usage.inodes_free;
  return out;
}

constexpr double nanos_per_second = 1e9;
constexpr int64_t millis_per_second = 1000, nanos_per_milli = 1'000'000;

struct Page {
  std::string text;
  void head(std::string_view name, std::string_view help, std::string_view type) { metrics::write_head(text, name, help, type); }
  // With the moment of which it is, where that is known. nullopt: nothing is told, for zero would be believed.
  void sample(std::string_view name, std::vector<std::string_view> labels, std::vector<std::string> values, std::optional<double> value,
              api::Time time) {
    if (!value) return;
    metrics::write_sample(text, name, labels, values, *value);
    if (time.zero()) return;
    text.back() = ' ';
    (text += std::to_string(time.seconds * millis_per_second + time.nanos / nanos_per_milli)) += '\n';
  }
};

// Of what may not be there: its value as a number, and its moment.
template <class Stats>
std::optional<double> number(const Box<Stats>& stats, std::optional<uint64_t> Stats::*member, double unit) {
  if (!stats || !((*stats).*member)) return std::nullopt;
  return static_cast<double>(*((*stats).*member)) / unit;
}
template <class Stats>
api::Time time_of(const Box<Stats>& stats) {
  return stats ? stats->time : api::Time();
}

}  // namespace

Summary make_summary(const StatsInputs& in) {
  Summary out;
  out.node.node_name = in.node_name;
  out.node.start_time = status::to_time(in.node_started);
  auto& cpu = out.node.cpu.emplace();
  auto& memory = out.node.memory.emplace();
  cpu.time = memory.time = moment(in.now);
  if (in.node) {
    cpu.usage_core_nano_seconds = in.node->cpu_usage_ns;
    cpu.usage_nano_cores = in.node_nano_cores;
    memory.usage_bytes = in.node->memory_usage_bytes;
    memory.working_set_bytes = in.node->memory_working_set_bytes;
    memory.rss_bytes = in.node->memory_rss_bytes;
    memory.page_faults = in.node->page_faults;
    memory.major_page_faults = in.node->major_page_faults;
    memory.available_bytes = in.memory_available_bytes;
    auto& swap = out.node.swap.emplace();
    swap.time = memory.time;
    swap.swap_usage_bytes = in.node->swap_bytes;
  }
  if (in.file_system) out.node.fs = fs_of(*in.file_system, in.now);
  if (in.image_file_system) {
    auto& images = out.node.runtime.emplace().image_fs.emplace();
    images = fs_of(*in.image_file_system, in.now);
    images.used_bytes = in.image_bytes;
    out.node.runtime->container_fs = images;
  }
  for (const auto& pod : in.pods) out.pods.push_back(pod_of(in, pod));
  return out;
}

std::string volume_metrics(const std::vector<volumes::VolumeUsage>& volumes) {
  using Space = volumes::VolumeSpace;
  static constexpr std::tuple<std::string_view, std::string_view, std::optional<uint64_t> Space::*> families[] = {
      {"kubelet_volume_stats_available_bytes", "Number of available bytes in the volume", &Space::available_bytes},
      {"kubelet_volume_stats_capacity_bytes", "Capacity in bytes of the volume", &Space::capacity_bytes},
      {"kubelet_volume_stats_inodes", "Maximum number of inodes in the volume", &Space::inodes},
      {"kubelet_volume_stats_inodes_free", "Number of free inodes in the volume", &Space::inodes_free},
      {"kubelet_volume_stats_inodes_used", "Number of used inodes in the volume", &Space::inodes_used},
      {"kubelet_volume_stats_used_bytes", "Number of used bytes in the volume", &Space::used_bytes}};
  std::map<std::pair<std::string, std::string>, const Space*> claims;
  for (const auto& usage : volumes)
    if (!usage.claim.empty()) claims.try_emplace({usage.namespace_name, usage.claim}, &usage.space);
  Page page;
  if (claims.empty()) return std::move(page.text);
  for (const auto& [name, help, member] : families) {
    page.head(name, "[ALPHA] " + std::string(help), "gauge");
    for (const auto& [claim, space] : claims) {
      const auto& value = space->*member;
      if (value) page.sample(name, {"namespace", "persistentvolumeclaim"}, {claim.first, claim.second}, static_cast<double>(*value), {});
    }
  }
  return std::move(page.text);
}

std::string resource_metrics(const Summary& summary) {
  Page page;
  const auto cpu = [](const auto& of) { return number(of.cpu, &CPUStats::usage_core_nano_seconds, nanos_per_second); };
  const auto memory = [](const auto& of) { return number(of.memory, &MemoryStats::working_set_bytes, 1); };
  const auto swap = [](const auto& of) { return number(of.swap, &SwapStats::swap_usage_bytes, 1); };
  const auto of_pods = [&](std::string_view name, auto value, auto time) {
    for (const auto& pod : summary.pods) page.sample(name, {"namespace", "pod"}, {pod.pod_ref.namespace_, pod.pod_ref.name}, value(pod), time(pod));
  };
  const auto of_containers = [&](std::string_view name, auto value, auto time) {
    for (const auto& pod : summary.pods)
      for (const auto& one : pod.containers)
        page.sample(name, {"container", "namespace", "pod"}, {one.name, pod.pod_ref.namespace_, pod.pod_ref.name}, value(one), time(one));
  };
  const auto cpu_time = [](const auto& of) { return time_of(of.cpu); };
  const auto memory_time = [](const auto& of) { return time_of(of.memory); };
  const auto swap_time = [](const auto& of) { return time_of(of.swap); };
  const auto started = [](const ContainerStats& one) -> std::optional<double> {
    if (one.start_time.zero()) return std::nullopt;
    return static_cast<double>(one.start_time.seconds) + one.start_time.nanos / nanos_per_second;
  };
  page.head("container_cpu_usage_seconds_total", "[STABLE] Cumulative cpu time consumed by the container in core-seconds", "counter");
  of_containers("container_cpu_usage_seconds_total", cpu, cpu_time);
  page.head("container_memory_working_set_bytes", "[STABLE] Current working set of the container in bytes", "gauge");
  of_containers("container_memory_working_set_bytes", memory, memory_time);
  page.head("container_start_time_seconds", "[STABLE] Start time of the container since unix epoch in seconds", "gauge");
  of_containers("container_start_time_seconds", started, [](const ContainerStats&) { return api::Time(); });
  page.head("container_swap_usage_bytes", "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems",
            "gauge");
  of_containers("container_swap_usage_bytes", swap, swap_time);
  page.head("node_cpu_usage_seconds_total", "[STABLE] Cumulative cpu time consumed by the node in core-seconds", "counter");
  page.sample("node_cpu_usage_seconds_total", {}, {}, cpu(summary.node), time_of(summary.node.cpu));
  page.head("node_memory_working_set_bytes", "[STABLE] Current working set of the node in bytes", "gauge");
  page.sample("node_memory_working_set_bytes", {}, {}, memory(summary.node), time_of(summary.node.memory));
  page.head("node_swap_usage_bytes", "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems", "gauge");
  page.sample("node_swap_usage_bytes", {}, {}, swap(summary.node), time_of(summary.node.swap));
  page.head("pod_cpu_usage_seconds_total", "[STABLE] Cumulative cpu time consumed by the pod in core-seconds", "counter");
  of_pods("pod_cpu_usage_seconds_total", cpu, cpu_time);
  page.head("pod_memory_working_set_bytes", "[STABLE] Current working set of the pod in bytes", "gauge");
  of_pods("pod_memory_working_set_bytes", memory, memory_time);
  page.head("resource_scrape_error", "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise", "gauge");
  page.sample("resource_scrape_error", {}, {}, 0, api::Time());
  return std::move(page.text);
}

}  // namespace pintle::kubelet::stats

#include "kubelet/eviction/plan.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/check.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/types/pressure.h"

namespace pintle::kubelet::eviction {

namespace {

using api::core_v1::Container;
using api::core_v1::Pod;

// Which of a pod's files lie on the file system that is short.
struct DiskScope {
  bool root = true;
  bool logs_and_volumes = true;
};
DiskScope scope_of(std::string_view signal, bool dedicated_images) {
  if (!dedicated_images) return {};
  return signal.starts_with("imagefs.") ? DiskScope{true, false} : DiskScope{false, true};
}

DiskUsage disk_of(const PodUsage& usage, DiskScope scope) {
  DiskUsage out;
  for (const ContainerUsage& container : usage.containers) {
    if (scope.root && container.root) out += *container.root;
    if (scope.logs_and_volumes) out += container.logs;
  }
  if (!scope.logs_and_volumes) return out;
  for (const auto& [name, volume] : usage.volumes) out += volume;
  return out;
}

int64_t request_of(const Pod& pod, std::string_view resource) { return resources::resource_value(rules::pod_requests(pod.spec), resource); }

// What goes first is less: pods of which nothing is known, pods beyond their requests, lower priorities, the most above the requests.
using Rank = std::tuple<bool, bool, int32_t, int64_t>;

Rank rank_of(const MeasuredPod& measured, std::string_view signal, bool dedicated_images) {
  const Pod& pod = *measured.pod;
  const int32_t priority = pod.spec.priority.value_or(0);
  const std::string_view resource = resource_of(signal);
  // By priority before all else, requests for process numbers do not exist.
  if (resource == "pids")
    return {false, false, priority, measured.usage ? -static_cast<int64_t>(measured.usage->processes) : std::numeric_limits<int64_t>::min()};
  if (!measured.usage) return {false, false, priority, 0};
  if (resource == "memory") {
    const int64_t above = static_cast<int64_t>(measured.usage->memory_bytes) - request_of(pod, "memory");
    return {true, above <= 0, priority, -above};
  }
  const DiskUsage disk = disk_of(*measured.usage, scope_of(signal, dedicated_images));
  if (!disk.complete) return {false, false, priority, 0};  // not known, which is not nothing
  const int64_t used = static_cast<int64_t>(resource == "inodes" ? disk.inodes : disk.bytes);
  // Nobody asks for inodes; upstream still takes the request for bytes off when it compares pods.
  const int64_t asked = resource == "inodes" ? 0 : request_of(pod, "ephemeral-storage");
  return {true, used <= asked, priority, request_of(pod, "ephemeral-storage") - used};
}

const Container* find(const Pod& pod, std::string_view name) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers})
    for (const Container& container : *list)
      if (container.name == name) return &container;
  return nullptr;
}

std::optional<int64_t> usage_for_message(const ContainerUsage& usage, std::string_view resource) {
  if (resource == "memory" && usage.memory_bytes) return static_cast<int64_t>(*usage.memory_bytes);
  if (resource == "ephemeral-storage" && usage.root) return static_cast<int64_t>(usage.root->bytes + usage.logs.bytes);
  return std::nullopt;
}

std::string larger(std::string_view what, const std::string& name, const std::string& used, const std::string& asked, std::string_view resource) {
  return std::string(what) + " " + name + " was using " + used + ", request is " + asked + ", has larger consumption of " + std::string(resource) +
         ". ";
}

void add_pod(const Pod& pod, const PodUsage& usage, std::string_view resource, Eviction& out) {
  const api::Quantity* asked = resource == "memory" && pod.spec.resources ? pod.spec.resources->requests.get(resource) : nullptr;
  if (!asked) return;
  const std::string used = bytes_text(static_cast<int64_t>(usage.memory_bytes));
  out.message += larger("Pod", pod.metadata.name, used, asked->text(), resource);
  out.annotations["offending_pod"] = pod.metadata.name;
  out.annotations["offending_pod_usage"] = used;
}

void add_containers(const Pod& pod, const PodUsage& usage, std::string_view resource, Eviction& out) {
  std::string names, usages;
  for (const ContainerUsage& one : usage.containers) {
    const Container* container = find(pod, one.name);
    const auto used = usage_for_message(one, resource);
    if (!container || !used || *used <= resources::resource_value(container->resources.requests, resource)) continue;
    const api::Quantity* asked = container->resources.requests.get(resource);
    out.message += larger("Container", one.name, bytes_text(*used), asked ? asked->text() : "0", resource);
    names += (names.empty() ? "" : ",") + one.name;
    usages += (usages.empty() ? "" : ",") + bytes_text(*used);
  }
  out.annotations["offending_containers"] = names;
  out.annotations["offending_containers_usage"] = usages;
  out.annotations["starved_resource"] = resource;
}

void explain(const EvictionInputs& in, const MeasuredPod& measured, Eviction& out) {
  const std::string_view resource = resource_of(in.starved[0].signal);
  out.message = "The node was low on resource: " + std::string(resource) + ". ";
  for (const Threshold& threshold : in.starved) {
    const auto value = in.values.find(threshold.signal);
    if (resource_of(threshold.signal) != resource || value == in.values.end()) continue;
    out.message +=
        "Threshold quantity: " + threshold_text(threshold, value->second) + ", available: " + available_text(threshold.signal, value->second) + ". ";
    break;
  }
  if (!measured.usage) return;
  add_pod(*measured.pod, *measured.usage, resource, out);
  add_containers(*measured.pod, *measured.usage, resource, out);
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::optional<Eviction> over_limit(const MeasuredPod& measured, std::string signal, std::string message) {
  if (is_critical_pod(*measured.pod)) return std::nullopt;
  Eviction out;
  out.pod_uid = measured.pod->metadata.uid;
  out.signal = std::move(signal);
  out.message = std::move(message);
  return out;
}

const api::Quantity* size_limit(const api::core_v1::Volume& volume) {
  return volume.empty_dir && volume.empty_dir->size_limit && volume.empty_dir->size_limit->sign() > 0 ? &*volume.empty_dir->size_limit : nullptr;
}

std::optional<Eviction> check_volumes(const MeasuredPod& measured) {
  for (const auto& volume : measured.pod->spec.volumes) {
    const api::Quantity* limit = size_limit(volume);
    const auto used = measured.usage->volumes.find(volume.name);
    if (!limit || used == measured.usage->volumes.end() || static_cast<int64_t>(used->second.bytes) <= limit->value()) continue;
    return over_limit(measured, "emptydirfs.limit",
                      "Usage of EmptyDir volume " + quoted(volume.name) + " exceeds the limit " + quoted(limit->text()) + ". ");
  }
  return std::nullopt;
}

std::optional<Eviction> check_pod(const MeasuredPod& measured) {
  const rules::ResourceList limits = rules::pod_limits(measured.pod->spec);
  const api::Quantity* limit = limits.get("ephemeral-storage");
  if (!limit) return std::nullopt;
  DiskUsage used = disk_of(*measured.usage, {});
  used += measured.usage->files;
  if (static_cast<int64_t>(used.bytes) <= limit->value()) return std::nullopt;
  return over_limit(measured, "ephemeralpodfs.limit",
                    "Pod ephemeral local storage usage exceeds the total limit of containers " + limit->text() + ". ");
}

std::optional<Eviction> check_containers(const MeasuredPod& measured, bool dedicated_images) {
  for (const ContainerUsage& usage : measured.usage->containers) {
    const auto container = std::ranges::find(measured.pod->spec.containers, usage.name, &Container::name);
    if (container == measured.pod->spec.containers.end()) continue;
    const api::Quantity* limit = container->resources.limits.get("ephemeral-storage");
    if (!limit || limit->value() == 0) continue;
    const uint64_t used = usage.logs.bytes + (dedicated_images || !usage.root ? 0 : usage.root->bytes);
    if (static_cast<int64_t>(used) <= limit->value()) continue;
    return over_limit(measured, "ephemeralcontainerfs.limit",
                      "Container " + usage.name + " exceeded its local ephemeral storage limit " + quoted(limit->text()) + ". ");
  }
  return std::nullopt;
}

}  // namespace

PressureVerdict judge(const std::vector<Threshold>& thresholds, const SignalValues& values, rt::Duration hold, rt::TimePoint now,
                      PressureMemory& memory) {
  PressureVerdict out;
  std::map<std::size_t, rt::TimePoint> met_since;
  std::set<std::size_t> unresolved;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const Threshold& threshold = thresholds[i];
    if (!is_met(threshold, values, memory.unresolved.contains(i))) continue;
    const auto before = memory.met_since.find(i);
    met_since[i] = before == memory.met_since.end() ? now : before->second;
    memory.last_met[std::string(resource_of(threshold.signal))] = now;
    if (now - met_since[i] < threshold.grace) continue;
    unresolved.insert(i);
    out.starved.push_back(threshold);
  }
  memory.met_since = std::move(met_since);
  memory.unresolved = std::move(unresolved);
  std::erase_if(memory.last_met, [&](const auto& entry) { return entry.second != now && now - entry.second >= hold; });
  out.pressure.memory = memory.last_met.contains("memory");
  out.pressure.disk = memory.last_met.contains("ephemeral-storage") || memory.last_met.contains("inodes");
  out.pressure.pid = memory.last_met.contains("pids");
  return out;
}

bool is_reclaimed(const std::vector<Threshold>& thresholds, const SignalValues& values) {
  return std::ranges::none_of(thresholds, [&](const Threshold& one) { return is_met(one, values, true); });
}

bool frees_images(std::string_view signal, bool dedicated_images) {
  return signal.starts_with("imagefs.") || (signal.starts_with("nodefs.") && !dedicated_images);
}

std::vector<MeasuredPod> eviction_order(const EvictionInputs& in) {
  CHECK(!in.starved.empty(), "pods are evicted for something");
  const std::string& signal = in.starved[0].signal;
  std::vector<std::pair<Rank, MeasuredPod>> ranked;
  for (const MeasuredPod& measured : in.pods) ranked.emplace_back(rank_of(measured, signal, in.dedicated_images), measured);
  std::ranges::stable_sort(ranked, {}, [](const auto& one) { return one.first; });
  std::vector<MeasuredPod> out;
  for (auto& [rank, measured] : ranked) out.push_back(std::move(measured));
  return out;
}

std::optional<Eviction> plan_eviction(const EvictionInputs& in) {
  for (const MeasuredPod& measured : eviction_order(in)) {
    if (is_critical_pod(*measured.pod)) continue;
    Eviction out;
    out.pod_uid = measured.pod->metadata.uid;
    out.signal = in.starved[0].signal;
    out.disrupts = true;
    if (!in.starved[0].hard()) {
      out.grace_seconds = std::min(in.max_grace_seconds, measured.pod->spec.termination_grace_period_seconds.value_or(in.max_grace_seconds));
      out.grace_seconds = std::max(out.grace_seconds, immediate_eviction_grace_seconds);
    }
    explain(in, measured, out);
    return out;
  }
  return std::nullopt;
}

// Asked for every pod at each look: nothing is added up.
bool has_storage_limits(const Pod& pod) {
  const auto limited = [](const Container& one) { return one.resources.limits.contains("ephemeral-storage"); };
  return std::ranges::any_of(pod.spec.containers, limited) || std::ranges::any_of(pod.spec.init_containers, limited) ||
         std::ranges::any_of(pod.spec.volumes, [](const auto& volume) { return size_limit(volume) && is_local_volume(volume); });
}

std::vector<Eviction> plan_limit_evictions(const std::vector<MeasuredPod>& pods, bool dedicated_images) {
  std::vector<Eviction> out;
  for (const MeasuredPod& measured : pods) {
    if (!measured.usage) continue;
    auto eviction = check_volumes(measured);
    if (!eviction) eviction = check_pod(measured);
    if (!eviction) eviction = check_containers(measured, dedicated_images);
    if (eviction) out.push_back(std::move(*eviction));
  }
  return out;
}

}  // namespace pintle::kubelet::eviction

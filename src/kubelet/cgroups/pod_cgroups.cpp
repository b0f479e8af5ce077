#include "kubelet/cgroups/pod_cgroups.h"

#include <algorithm>

#include "kubelet/resources/pod_resources.h"

namespace pintle::kubelet::cgroups {

namespace core = api::core_v1;

namespace {

constexpr std::string_view pods_name = "kubepods";
constexpr std::string_view slice_suffix = ".slice";

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) out.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return out;
}

// In a slice's name "-" separates its parents, so it is "_" inside a part.
std::string escape_slice(std::string_view part) {
  std::string out(part);
  std::ranges::replace(out, '-', '_');
  return out;
}

// Of a path given as slices ("/a.slice/a-b.slice") or as a plain one.
std::vector<std::string> parts_of(std::string_view path, bool systemd_driver) {
  std::vector<std::string> parts = split_path(path);
  if (!systemd_driver || parts.empty() || !parts.back().ends_with(slice_suffix)) return parts;
  std::string name = parts.back().substr(0, parts.back().size() - slice_suffix.size());
  parts.clear();
  while (true) {
    const std::size_t dash = name.find('-');
    std::string part = name.substr(0, dash);
    std::ranges::replace(part, '_', '-');
    parts.push_back(std::move(part));
    if (dash == std::string::npos) return parts;
    name.erase(0, dash + 1);
  }
}

std::string lower_qos(std::string_view qos) { return qos == "Burstable" ? "burstable" : "besteffort"; }

std::string path_below(const PodCgroupOptions& options, std::vector<std::string> more) {
  std::vector<std::string> parts = parts_of(options.root, options.systemd_driver);
  parts.emplace_back(pods_name);
  parts.insert(parts.end(), more.begin(), more.end());
  return cgroup_path(parts, options.systemd_driver);
}

// The last part of a cgroup's name, as it was before the driver's notation: "podUID", or "" for another one.
std::string pod_uid_of(std::string name, bool systemd_driver) {
  if (systemd_driver) {
    if (!name.ends_with(slice_suffix)) return {};
    name.resize(name.size() - slice_suffix.size());
    name.erase(0, name.rfind('-') + 1);
    std::ranges::replace(name, '_', '-');
  }
  return name.starts_with("pod") ? name.substr(3) : std::string();
}

void unlimited_hugepages(const PodCgroupOptions& options, os::CgroupLimits& limits) {
  constexpr int64_t most = int64_t{1} << 62;
  for (const uint64_t size : options.hugepage_sizes_bytes) limits.hugepage_bytes[resources::hugepage_size_name(size)] = most;
}

}  // namespace

std::string cgroup_path(const std::vector<std::string>& parts, bool systemd_driver) {
  std::string out;
  std::string slice;
  for (const std::string& part : parts) {
    if (!systemd_driver) {
      out += "/" + part;
      continue;
    }
    if (!slice.empty()) slice += '-';
    slice += escape_slice(part);
    out += "/" + slice + std::string(slice_suffix);
  }
  return out.empty() ? std::string("/") : out;
}

std::string pods_cgroup(std::string_view root, bool systemd_driver) {
  std::vector<std::string> parts = parts_of(root, systemd_driver);
  parts.emplace_back(pods_name);
  return cgroup_path(parts, systemd_driver);
}

std::string configured_cgroup_path(std::string_view path, bool systemd_driver) { return cgroup_path(parts_of(path, systemd_driver), systemd_driver); }

os::CgroupLimits pod_cgroup_limits(const core::Pod& pod, const PodCgroupOptions& options) {
  const rules::ResourceList requests = rules::pod_requests(pod.spec);
  const rules::ResourceList limits = rules::pod_limits(pod.spec);
  bool all_cpu_limited = true;
  bool all_memory_limited = true;
  const auto look_at = [&](const core::Container& container) {
    all_cpu_limited = all_cpu_limited && resources::resource_milli_value(container.resources.limits, "cpu") != 0;
    all_memory_limited = all_memory_limited && resources::resource_value(container.resources.limits, "memory") != 0;
  };
  std::ranges::for_each(pod.spec.containers, look_at);
  std::ranges::for_each(pod.spec.init_containers, look_at);
  if (pod.spec.resources) {
    all_cpu_limited = all_cpu_limited || resources::resource_milli_value(pod.spec.resources->limits, "cpu") != 0;
    all_memory_limited = all_memory_limited || resources::resource_value(pod.spec.resources->limits, "memory") != 0;
  }

  os::CgroupLimits out;
  const std::string_view qos = rules::qos_class(pod);
  out.cpu_shares =
      static_cast<uint64_t>(qos == "BestEffort" ? resources::cpu_shares(0) : resources::cpu_shares(resources::resource_milli_value(requests, "cpu")));
  if (qos == "Guaranteed" || (qos == "Burstable" && all_cpu_limited)) {
    out.cpu_period_us = static_cast<uint64_t>(options.cpu_cfs_period_us);
    const bool unlimited = options.unlimited_with_own_cpus && resources::wants_exclusive_cpus(pod);
    out.cpu_quota_us =
        options.cpu_cfs_quota && !unlimited ? resources::cpu_quota_us(resources::resource_milli_value(limits, "cpu"), options.cpu_cfs_period_us) : -1;
  }
  if (qos == "Guaranteed" || (qos == "Burstable" && all_memory_limited)) out.memory_bytes = resources::resource_value(limits, "memory");
  if (options.pod_pids_limit > 0) out.pids_max = options.pod_pids_limit;
  for (const uint64_t size : options.hugepage_sizes_bytes) out.hugepage_bytes[resources::hugepage_size_name(size)] = 0;
  for (const auto& [name, amount] : requests)
    if (const uint64_t size = resources::hugepage_size_of(name)) out.hugepage_bytes[resources::hugepage_size_name(size)] = amount.value();
  return out;
}

PodCgroups::PodCgroups(os::Cgroups& cgroups, PodCgroupOptions options) : cgroups_(cgroups), options_(std::move(options)) {}

Result<Unit> PodCgroups::set_up(const FlatMap<api::Quantity>& for_pods) {
  if (!options_.per_qos) return Unit{};
  const std::string all = path_below(options_, {});
  TRY(cgroups_.create(all));
  os::CgroupLimits limits;
  limits.cpu_shares = static_cast<uint64_t>(resources::cpu_shares(resources::resource_milli_value(for_pods, "cpu")));
  limits.memory_bytes = resources::resource_value(for_pods, "memory");
  if (const auto* pids = for_pods.get("pid")) limits.pids_max = pids->value();
  TRY(cgroups_.set(all, limits));
  for (const std::string_view qos : {"Burstable", "BestEffort"}) {
    const std::string path = path_below(options_, {lower_qos(qos)});
    TRY(cgroups_.create(path));
    os::CgroupLimits class_limits;
    if (qos == "BestEffort") class_limits.cpu_shares = static_cast<uint64_t>(resources::cpu_shares(0));
    unlimited_hugepages(options_, class_limits);
    TRY(cgroups_.set(path, class_limits));
  }
  return Unit{};
}

Result<Unit> PodCgroups::apply(const core::Pod& pod) {
  if (!options_.per_qos) return Unit{};
  const std::string path = path_of(pod);
  TRY(cgroups_.create(path));
  return cgroups_.set(path, pod_cgroup_limits(pod, options_));
}

os::CgroupLimits PodCgroups::limits_of(const core::Pod& pod) const { return pod_cgroup_limits(pod, options_); }

uint64_t burstable_shares(const std::vector<const core::Pod*>& active) {
  int64_t milli_cpu = 0;
  for (const core::Pod* pod : active)
    if (rules::qos_class(*pod) == "Burstable") milli_cpu += resources::resource_milli_value(rules::pod_requests(pod->spec), "cpu");
  return static_cast<uint64_t>(resources::cpu_shares(milli_cpu));
}

Result<Unit> PodCgroups::set_burstable_shares(uint64_t shares) {
  if (!options_.per_qos) return Unit{};
  os::CgroupLimits limits;
  limits.cpu_shares = shares;
  return cgroups_.set(path_below(options_, {"burstable"}), limits);
}

Result<Unit> PodCgroups::remove(std::string_view pod_uid) {
  if (!options_.per_qos) return Unit{};
  const std::string name = "pod" + std::string(pod_uid);
  for (const std::vector<std::string>& place : {std::vector<std::string>{}, {"burstable"}, {"besteffort"}}) {
    std::vector<std::string> parts = place;
    parts.push_back(name);
    const std::string path = path_below(options_, std::move(parts));
    TRY(cgroups_.kill(path));
    TRY(cgroups_.remove(path));
  }
  return Unit{};
}

std::vector<std::string> PodCgroups::pods() const {
  std::vector<std::string> out;
  for (const std::vector<std::string>& place : {std::vector<std::string>{}, {"burstable"}, {"besteffort"}}) {
    const auto children = cgroups_.children(path_below(options_, place));
    if (!children) continue;  // not set up
    for (const std::string& child : *children)
      if (std::string uid = pod_uid_of(child, options_.systemd_driver); !uid.empty()) out.push_back(std::move(uid));
  }
  return out;
}

std::string PodCgroups::path_of(const core::Pod& pod) const {
  const std::string_view qos = rules::qos_class(pod);
  std::vector<std::string> parts;
  if (qos != "Guaranteed") parts.push_back(lower_qos(qos));
  parts.push_back("pod" + pod.metadata.uid);
  return path_below(options_, std::move(parts));
}

std::string PodCgroups::parent_of(const core::Pod& pod) const {
  if (!options_.per_qos) return {};
  const std::string path = path_of(pod);
  // The runtime's systemd driver finds a slice by its name alone.
  return options_.systemd_driver ? path.substr(path.rfind('/') + 1) : path;
}

Result<os::CgroupUsage> PodCgroups::usage(const core::Pod& pod) const { return cgroups_.usage(path_of(pod)); }
Result<os::CgroupUsage> PodCgroups::node_usage() const { return cgroups_.usage(path_below(options_, {})); }
bool PodCgroups::limits_swap() const { return cgroups_.limits_swap(path_below(options_, {})); }

}  // namespace pintle::kubelet::cgroups

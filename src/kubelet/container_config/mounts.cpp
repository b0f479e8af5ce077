#include "kubelet/container_config/mounts.h"

#include <algorithm>
#include <set>

#include "codec/json_text.h"
#include "kubelet/container_config/expansion.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

const volumes::MountedVolume* find(const volumes::MountedVolumes& volumes, std::string_view name) {
  const auto it = std::ranges::find_if(volumes, [&](const volumes::MountedVolume& volume) { return volume.name == name; });
  return it == volumes.end() ? nullptr : &*it;
}

bool steps_back(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return false;
}

// The sub-path with its variables; each that is missing or empty is named.
Result<std::string> expand_sub_path(const std::string& expression, const EnvironmentVariables& environment) {
  std::set<std::string> missing;
  std::string out = expand(expression, [&](std::string_view name) -> std::optional<std::string> {
    const auto it = std::ranges::find_if(environment, [&](const auto& variable) { return variable.first == name; });
    if (it != environment.end() && !it->second.empty()) return it->second;
    missing.emplace(name);
    return std::string();
  });
  if (missing.empty()) return out;
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  return error(Reason::Invalid, "missing value for " + names);
}

Result<std::string> sub_path_of(const core::VolumeMount& mount, const EnvironmentVariables& environment) {
  std::string path = mount.sub_path;
  if (!mount.sub_path_expr.empty()) {
    TRY_ASSIGN(path, expand_sub_path(mount.sub_path_expr, environment));
  }
  if (path.starts_with('/')) return error(Reason::Invalid, "error SubPath `" + path + "` must not be an absolute path");
  if (steps_back(path)) return error(Reason::Invalid, "unable to provision SubPath `" + path + "`: must not contain '..'");
  return path;
}

Result<int32_t> propagation_of(const core::VolumeMount& mount) {
  if (!mount.mount_propagation || *mount.mount_propagation == "None") return cri_v1::MountPropagation::Private;
  if (*mount.mount_propagation == "HostToContainer") return cri_v1::MountPropagation::HostToContainer;
  if (*mount.mount_propagation == "Bidirectional") return cri_v1::MountPropagation::Bidirectional;
  return error(Reason::Invalid, "invalid MountPropagation mode: " + codec::go_quote(*mount.mount_propagation));
}

Result<bool> recursive_read_only(const core::VolumeMount& mount, bool supported) {
  if (!mount.recursive_read_only || *mount.recursive_read_only == "Disabled") return false;
  const std::string asked =
      "failed to resolve recursive read-only mode: volume " + codec::go_quote(mount.name) + " requested recursive read-only mode, but it is not ";
  if (!mount.read_only) return error(Reason::Invalid, asked + "read-only");
  if (mount.mount_propagation && *mount.mount_propagation != "None")
    return error(Reason::Invalid, asked + "compatible with propagation " + codec::go_quote(*mount.mount_propagation));
  if (*mount.recursive_read_only == "IfPossible") return supported;
  if (*mount.recursive_read_only != "Enabled")
    return error(Reason::Invalid,
                 "failed to resolve recursive read-only mode: unknown recursive read-only mode " + codec::go_quote(*mount.recursive_read_only));
  if (!supported) return error(Reason::Invalid, asked + "supported by the runtime");
  return true;
}

}  // namespace

Result<std::vector<PlannedMount>> plan_mounts(const core::Container& container, const volumes::MountedVolumes& volumes,
                                              const EnvironmentVariables& environment, const FlatMap<std::string>& image_volumes,
                                              const NodeConfig& node) {
  std::vector<PlannedMount> out;
  for (std::size_t i = 0; i < container.volume_mounts.size(); ++i) {
    const core::VolumeMount& mount = container.volume_mounts[i];
    const volumes::MountedVolume* volume = find(volumes, mount.name);
    if (!volume || volume->block)
      return error(Reason::NotFound,
                   "cannot find volume " + codec::go_quote(mount.name) + " to mount into container " + codec::go_quote(container.name));
    PlannedMount planned;
    planned.volume = mount.name;
    planned.index = i;
    TRY_ASSIGN(planned.sub_path, sub_path_of(mount, environment));
    TRY_ASSIGN(planned.mount.propagation, propagation_of(mount));
    TRY_ASSIGN(planned.mount.recursive_read_only, recursive_read_only(mount, node.recursive_read_only));
    planned.mount.container_path = mount.mount_path.starts_with('/') ? mount.mount_path : "/" + mount.mount_path;
    planned.mount.readonly = mount.read_only || volume->read_only;
    if (volume->image) {
      const std::string* image = image_volumes.get(mount.name);
      if (!image)
        return error(Reason::NotFound,
                     "cannot find volume " + codec::go_quote(mount.name) + " to mount into container " + codec::go_quote(container.name));
      planned.mount.image.emplace().image = *image;
      planned.mount.image_sub_path = std::exchange(planned.sub_path, {});
    } else {
      planned.mount.host_path = volume->host_path;
    }
    out.push_back(std::move(planned));
  }
  return out;
}

Result<std::vector<cri_v1::Device>> plan_devices(const core::Container& container, const volumes::MountedVolumes& volumes) {
  std::vector<cri_v1::Device> out;
  for (const core::VolumeDevice& device : container.volume_devices) {
    if (!device.device_path.starts_with('/')) return error(Reason::Invalid, "error DevicePath `" + device.device_path + "` must be an absolute path");
    const volumes::MountedVolume* volume = find(volumes, device.name);
    if (!volume || !volume->block)
      return error(Reason::NotFound,
                   "cannot find volume " + codec::go_quote(device.name) + " to pass into container " + codec::go_quote(container.name));
    cri_v1::Device& planned = out.emplace_back();
    planned.host_path = volume->host_path;
    planned.container_path = device.device_path;
    planned.permissions = volume->read_only ? "r" : "mrw";
  }
  return out;
}

std::vector<int64_t> volume_groups(const core::Pod& pod, const volumes::MountedVolumes& volumes) {
  std::set<int64_t> out;
  for (const volumes::MountedVolume& volume : volumes)
    if (volume.gid) out.insert(*volume.gid);
  if (pod.spec.security_context)
    for (const int64_t group : pod.spec.security_context->supplemental_groups) out.erase(group);
  return {out.begin(), out.end()};
}

bool mounts_hosts_file(const core::Pod& pod, const core::Container& container, const std::vector<std::string>& pod_ips) {
  if (pod_ips.empty() && !pod.spec.host_network) return false;
  return std::ranges::none_of(container.volume_mounts, [](const core::VolumeMount& mount) { return mount.mount_path == etc_hosts_path; });
}

}  // namespace pintle::kubelet::container_config

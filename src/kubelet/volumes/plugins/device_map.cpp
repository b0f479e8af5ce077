#include "kubelet/volumes/plugins/device_map.h"

#include "os/entries.h"
#include "os/mount.h"
#include "os/path.h"
#include "rt/file.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

constexpr uint32_t parent_mode = 0750;

Result<Unit> bind_node(const std::string& target, const os::BlockDevice& device) {
  TRY(os::make_directories(rt::parent_path(target), parent_mode));
  TRY(os::make_mount_file(target));
  TRY_ASSIGN(const auto there, os::block_device_at(target));
  if (!there) return os::bind_mount(device.path, target, false, false);
  if (there->number == device.number) return Unit{};
  return error(Reason::Conflict, "another device is mapped at " + target);
}

}  // namespace

Result<std::string> map_device(const Paths& paths, const DeviceMap& map, const os::BlockDevice& device) {
  const std::string link = paths.volume_device(map.pod_uid, map.plugin, map.name);
  TRY(os::make_directories(rt::parent_path(link), parent_mode));
  TRY(os::set_link(link, device.path));
  TRY(bind_node(paths.device_maps(map.plugin, map.name) + "/" + map.pod_uid, device));
  return link;
}

Result<Unit> unmap_device(const Paths& paths, const DeviceMap& map) {
  const std::string directory = paths.device_maps(map.plugin, map.name);
  const std::string node = directory + "/" + map.pod_uid;
  if (const auto at = os::resolved_parent(node)) TRY(os::detach_loops_over(*at));
  TRY(os::unmount(node, true));
  TRY(os::remove_name(node));
  TRY(os::remove_if_empty(directory));
  return os::remove_name(paths.volume_device(map.pod_uid, map.plugin, map.name));
}

}  // namespace pintle::kubelet::volumes::plugins

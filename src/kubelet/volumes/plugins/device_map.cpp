#include "kubelet/volumes/plugins/device_map.h"

#include "os/entries.h"
#include "os/loop_device.h"
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

DeviceMap device_map(const Paths& paths, std::string_view plugin, std::string_view name, std::string_view pod_uid) {
  return {paths.volume_device(pod_uid, plugin, name), paths.device_maps(plugin, name), std::string(pod_uid)};
}

Result<std::string> map_device(const DeviceMap& map, const os::BlockDevice& device) {
  TRY(os::make_directories(rt::parent_path(map.link), parent_mode));
  TRY(os::set_link(map.link, device.path));
  TRY(bind_node(map.maps + "/" + map.pod_uid, device));
  return map.link;
}

Result<Unit> unmap_node(const DeviceMap& map) {
  const std::string node = map.maps + "/" + map.pod_uid;
  if (const auto at = os::resolved_parent(node)) TRY(os::detach_loops_over(*at));
  TRY(os::unmount(node, true));
  TRY(os::remove_name(node));
  TRY(os::remove_if_empty(map.maps));
  return Unit{};
}

Result<Unit> unmap_device(const DeviceMap& map) {
  TRY(unmap_node(map));
  return os::remove_name(map.link);
}

}  // namespace pintle::kubelet::volumes::plugins

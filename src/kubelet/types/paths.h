// Where the kubelet keeps what: the layout below its root directory, as upstream has it, so that either finds what the
// other left. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pintle::kubelet {

class Paths {
 public:
  explicit Paths(std::string root_dir = "/var/lib/kubelet", std::string pod_logs_dir = "/var/log/pods")
      : root_(std::move(root_dir)), pod_logs_(std::move(pod_logs_dir)) {}

  const std::string& root() const { return root_; }
  const std::string& pod_logs() const { return pod_logs_; }
  std::string pods() const { return root_ + "/pods"; }
  std::string pod(std::string_view uid) const { return join(pods(), uid); }
  std::string volumes(std::string_view uid) const { return pod(uid) + "/volumes"; }
  // `plugin` with "~" for "/": "kubernetes.io~empty-dir".
  std::string volume(std::string_view uid, std::string_view plugin, std::string_view name) const { return join(join(volumes(uid), plugin), name); }
  // The devices that a pod's containers map, as links.
  std::string volume_devices(std::string_view uid) const { return pod(uid) + "/volumeDevices"; }
  std::string volume_device(std::string_view uid, std::string_view plugin, std::string_view name) const {
    return join(join(volume_devices(uid), plugin), name);
  }
  // What a volume plugin ("kubernetes.io/local-volume") has mounted for the node.
  std::string plugin_mounts(std::string_view plugin) const { return join(root_ + "/plugins", plugin) + "/mounts"; }
  // A device as pods map it: below it one bind mount for each, by uid. `plugin` with "~".
  std::string device_maps(std::string_view plugin, std::string_view name) const {
    return join(join(root_ + "/plugins", plugin) + "/volumeDevices", name);
  }
  // Notes of a volume plugin about a pod's volume ("ready").
  std::string volume_notes(std::string_view uid, std::string_view plugin, std::string_view name) const {
    return join(join(pod(uid) + "/plugins", plugin), name);
  }
  std::string subpaths(std::string_view uid) const { return pod(uid) + "/volume-subpaths"; }
  std::string container(std::string_view uid, std::string_view container) const { return join(pod(uid) + "/containers", container); }
  std::string etc_hosts(std::string_view uid) const { return pod(uid) + "/etc-hosts"; }
  std::string seccomp() const { return root_ + "/seccomp"; }
  // Where programs of the node put the sockets by which they register.
  std::string plugins_registry() const { return root_ + "/plugins_registry"; }
  // Where device plugins put theirs, and find the kubelet's.
  std::string device_plugins() const { return root_ + "/device-plugins"; }
  // Of the pod resources API.
  std::string checkpoints() const { return root_ + "/checkpoints"; }
  std::string pod_resources() const { return root_ + "/pod-resources"; }

  // "/var/log/pods/NAMESPACE_NAME_UID", below it "CONTAINER/ATTEMPT.log".
  std::string pod_log(std::string_view namespace_name, std::string_view name, std::string_view uid) const {
    return join(pod_logs_, std::string(namespace_name) + "_" + std::string(name) + "_" + std::string(uid));
  }
  static std::string container_log(std::string_view container, uint32_t attempt) {
    return std::string(container) + "/" + std::to_string(attempt) + ".log";
  }

 private:
  static std::string join(std::string_view directory, std::string_view name) { return std::string(directory) + "/" + std::string(name); }
  std::string root_;
  std::string pod_logs_;
};

}  // namespace pintle::kubelet

// The record of an installation: what `pintle uninstall` and `pintle status` need to know of one, kept in its data folder.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "cli/layout.h"
#include "rt/file.h"

namespace pintle::cli {

struct Installation {
  bool server = false;
  bool node = false;
  bool proxy = false;  // the service proxy is ours
  std::string node_name;
  std::string node_ip;
  uint16_t https_port = 0;       // of a server
  std::string kubeconfig;        // of a server: the administrator's file
  std::string runtime_endpoint;  // "": a containerd of our own
  std::string cgroup_root;
  std::string pods_slice;  // the cgroup of all pods where systemd makes them; "": below cgroup_root, made by ourselves
  std::string pod_logs_dir;
  std::string pause_image;
  std::string kubelet_root_dir;  // "" of records of before: below the data folder
  bool operator==(const Installation&) const = default;
};

Result<Unit> write_installation(rt::Disk& disk, const Layout& layout, const Installation& installation);
// NotFound if the folder holds no installation.
Result<Installation> read_installation(rt::Disk& disk, const Layout& layout);

}  // namespace pintle::cli

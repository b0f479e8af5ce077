// The configuration of our containerd: what Pintle needs, and over it the pieces that the machine's owner keeps in a folder (further runtimes,
// snapshotters, registries).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "cli/layout.h"
#include "rt/file.h"

namespace pintle::cli {

struct ContainerdSettings {
  std::string pause_image;
  std::string cni_bin_dir = "/opt/cni/bin";
  std::string registry_config_dir;
  std::string snapshotter = "overlayfs";  // "native" where overlayfs cannot be used
  bool restrict_oom_score_adj = false;    // without CAP_SYS_RESOURCE
  bool unprivileged_ports = true;
  bool systemd_cgroups = false;  // containers' cgroups are made by systemd
};
// What this machine asks for, on top of what the flags say.
ContainerdSettings detect_containerd_settings(const Layout& layout);

// The text of config.toml (version 2, which containerd 1.6 to 2.x read).
std::string containerd_config(const Layout& layout, const ContainerdSettings& settings);

struct ConfigPiece {
  std::string file;  // for errors
  std::string text;
};
// The files *.toml of a folder by their names; none if there is no such folder.
Result<std::vector<ConfigPiece>> containerd_config_pieces(rt::Disk& disk, const std::string& folder);
// Each piece over those before it: tables are merged, all else is replaced. BadRequest names the file: no TOML, another version than 2, or a
// key that Pintle settles (root, state, grpc.address).
Result<std::string> merge_containerd_config(const std::string& base, const std::vector<ConfigPiece>& pieces);

}  // namespace pintle::cli

// Layout: where an installation keeps what, all under its --data-dir.
#pragma once

#include <string>

namespace pintle::cli {

struct Layout {
  std::string data_dir;

  std::string pki() const { return data_dir + "/pki"; }
  std::string store() const { return data_dir + "/store"; }
  std::string manifests() const { return data_dir + "/manifests"; }
  std::string token() const { return data_dir + "/token"; }
  std::string lock() const { return data_dir + "/lock"; }
  std::string record() const { return data_dir + "/installation.json"; }  // what uninstall and status need to know
  std::string images() const { return data_dir + "/images"; }             // archives that a node without a registry loads
  std::string loaded_images() const { return data_dir + "/images.json"; }
  std::string cni_conf() const { return data_dir + "/cni/net.d"; }
  std::string containerd_root() const { return data_dir + "/containerd/root"; }
  std::string containerd_state() const { return data_dir + "/containerd/state"; }
  std::string containerd_socket() const { return data_dir + "/containerd/containerd.sock"; }
  std::string containerd_config() const { return data_dir + "/containerd/config.toml"; }
  std::string containerd_log() const { return data_dir + "/containerd/containerd.log"; }
  std::string containerd_pid() const { return data_dir + "/containerd/containerd.pid"; }
};

}  // namespace pintle::cli

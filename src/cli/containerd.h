// Containerd: a containerd of our own, with its own configuration, root and state, started from the PATH, and again when
// it dies. Containers outlive it: their shims go on, and the next one adopts them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/layout.h"
#include "os/process.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::cli {

struct ContainerdSettings {
  std::string pause_image;
  std::string cni_bin_dir = "/opt/cni/bin";
  std::string registry_config_dir;
  std::string snapshotter = "overlayfs";  // "native" where overlayfs cannot be used
  bool restrict_oom_score_adj = false;    // without CAP_SYS_RESOURCE
  bool unprivileged_ports = true;
};
// The text of config.toml (version 2, which containerd 1.6 to 2.x read).
std::string containerd_config(const Layout& layout, const ContainerdSettings& settings);
// What this machine asks for, on top of what the flags say.
ContainerdSettings detect_containerd_settings(const Layout& layout);

// The first of the folders that holds every plugin that the pod network needs; "" if none does.
std::string find_cni_plugins(rt::Disk& disk, const std::vector<std::string>& folders);

class Containerd {
 public:
  // `runtime` outlives it. Belongs to the executor that starts it.
  Containerd(rt::Runtime& runtime, Layout layout, ContainerdSettings settings);
  ~Containerd();

  // Ends what an earlier life of ours left running, starts containerd and waits until its socket answers. An error names
  // the log file.
  rt::Task<Result<Unit>> start();
  // The same with the configuration that is there.
  rt::Task<Result<Unit>> restart();
  // Ends containerd; the containers go on.
  rt::Task<void> stop();
  std::string endpoint() const { return "unix://" + layout_.containerd_socket(); }

 private:
  rt::Task<Result<Unit>> end_predecessor();
  Result<Unit> launch();
  rt::Task<Result<Unit>> wait_for_socket(rt::Context ctx);
  rt::Task<void> supervise(rt::Context ctx);

  rt::Runtime& runtime_;
  const Layout layout_;
  const ContainerdSettings settings_;
  std::unique_ptr<os::Process> process_;
  std::unique_ptr<rt::TaskGroup> tasks_;
};

}  // namespace pintle::cli

// Containerd: a containerd of our own, with its own configuration, root and state, started from the PATH, and again when
// it dies. Containers outlive it: their shims go on, and the next one adopts them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/containerd_config.h"
#include "cli/layout.h"
#include "os/process.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::cli {

// The first of the folders that holds every plugin that the pod network needs; "" if none does.
std::string find_cni_plugins(rt::Disk& disk, const std::vector<std::string>& folders);

class Containerd {
 public:
  // `runtime` outlives it; `config` is the text of config.toml. Belongs to the executor that starts it.
  Containerd(rt::Runtime& runtime, Layout layout, std::string config);
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
  const std::string config_;
  std::unique_ptr<os::Process> process_;
  std::unique_ptr<rt::TaskGroup> tasks_;
};

}  // namespace pintle::cli

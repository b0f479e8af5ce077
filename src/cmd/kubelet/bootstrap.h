// TLS bootstrap: a kubelet that has no kubeconfig yet, or one that is of no use any more, asks for its client certificate as whom the bootstrap
// kubeconfig says, and writes the kubeconfig that it then uses.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "rt/file.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::cmd {

struct BootstrapRequest {
  std::string bootstrap_kubeconfig;
  std::string kubeconfig;  // written, 0600
  std::string cert_dir;
  std::string node_name;
};

// The certificates of the kubeconfig's user are there, and none has expired. False too for what cannot be read, with a line in the log.
bool is_kubeconfig_good(rt::Disk& disk, const std::string& path, int64_t now_unix_seconds);
// At once if the kubeconfig is good. Otherwise waits until the certificate is signed, trying again while the server is away.
rt::Task<Result<Unit>> ensure_kubeconfig(rt::Context ctx, rt::Runtime* runtime, BootstrapRequest request);

}  // namespace pintle::cmd

// TLS bootstrap: a kubelet that has no kubeconfig yet asks for its client certificate as whom the bootstrap kubeconfig says, and
// writes the kubeconfig that it then uses.
#pragma once

#include <string>

#include "base/status.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::cmd {

struct BootstrapRequest {
  std::string bootstrap_kubeconfig;
  std::string kubeconfig;  // written, 0600
  std::string cert_dir;
  std::string node_name;
};

// At once if the kubeconfig is there. Otherwise waits until the certificate is signed, trying again while the server is away.
rt::Task<Result<Unit>> ensure_kubeconfig(rt::Context ctx, rt::Runtime* runtime, BootstrapRequest request);

}  // namespace pintle::cmd

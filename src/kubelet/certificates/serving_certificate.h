// The certificate of the kubelet's own server when no file is configured: by signing request (serverTLSBootstrap), or
// self-signed and kept, as upstream's.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

struct ServingFiles {
  std::string cert_file;
  std::string key_file;
};

// FOLDER/kubelet.crt and FOLDER/kubelet.key (0600): made if they are missing, do not belong together, are over, or do not name `names`.
// Blocking.
Result<ServingFiles> ensure_self_signed(rt::Runtime& runtime, const std::string& folder, const std::string& host, const std::vector<std::string>& ips);

}  // namespace pintle::kubelet

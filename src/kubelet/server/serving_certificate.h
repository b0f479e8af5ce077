// The serving certificate of a kubelet that was given none: self-signed, in upstream's place and under its names.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "rt/runtime.h"

namespace pintle::kubelet::server {

struct ServingFiles {
  std::string cert_file;
  std::string key_file;
};
// Keeps the kubelet.crt and kubelet.key that are in `folder`, unless they expire within a month; makes them otherwise.
Result<ServingFiles> ensure_self_signed(rt::Runtime& runtime, const std::string& folder, const std::string& node_name,
                                        const std::vector<std::string>& node_ips);

}  // namespace pintle::kubelet::server

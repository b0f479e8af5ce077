// A manifest file as a static pod: read, named, defaulted, checked. Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::static_pods {

struct ManifestSource {
  std::string path;  // goes into the pod's UID
  std::string node_name;
  std::string seen;  // kubernetes.io/config.seen
};

// YAML or JSON of one v1 Pod. Its name gets the node's, its UID is the hash of what it says and where it stands, it
// tolerates every NoExecute taint, and carries upstream's annotations. Invalid says what is wrong with it.
Result<api::core_v1::Pod> parse_static_pod(std::string_view text, const ManifestSource& source);

}  // namespace pintle::kubelet::static_pods

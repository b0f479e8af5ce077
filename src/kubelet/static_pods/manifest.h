// A manifest, of a file or of a URL, as static pods: read, named, defaulted, checked. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::static_pods {

struct ManifestSource {
  std::string path;  // goes into the pod's UID: the file's, or the URL
  std::string node_name;
  std::string seen;  // kubernetes.io/config.seen
  bool is_url = false;
};

constexpr std::size_t pods_of_url_max = 1000;  // of one answer

// YAML or JSON of one v1 Pod. Its name gets the node's, its UID is the hash of what it says and where it stands, that of a
// file tolerates every NoExecute taint, and it carries upstream's annotations. Invalid says what is wrong with it.
Result<api::core_v1::Pod> parse_static_pod(std::string_view text, const ManifestSource& source);
// YAML or JSON of one v1 Pod, or of a v1 PodList. One pod that is wrong, or names that stand twice, and none counts.
Result<std::vector<api::core_v1::Pod>> parse_static_pods(std::string_view text, const ManifestSource& source);

}  // namespace pintle::kubelet::static_pods

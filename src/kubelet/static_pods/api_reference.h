// What of the API a pod refers to. A static pod may not: it runs without the API, and the API server refuses its mirror
// (apiserver/admission/node_restriction goes by the same rules: a rule that changes here changes there). Pure.
#pragma once

#include <optional>
#include <string>

#include "api/gen/core_v1.h"

namespace pintle::kubelet::static_pods {

struct ApiReference {
  std::string kind;   // upstream's words: "secrets", "csidrivers (via CSI volumes)"
  std::string field;  // "spec.volumes[0].csi"
};
// The first one; nullopt: none.
std::optional<ApiReference> api_reference(const api::core_v1::Pod& pod);

}  // namespace pintle::kubelet::static_pods

// Registry credentials out of image pull secrets, and which of them an image takes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"
#include "base/status.h"

namespace pintle::kubelet {

struct RegistryCredential {
  std::string pattern;                 // host[:port][/path], '*' within a label of the host
  api::cri_v1::AuthConfig auth;
};
// Of a Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg; other types have none.
Result<std::vector<RegistryCredential>> credentials_of(const api::core_v1::Secret& secret);
// Those that match the image's registry and repository, the most specific first.
std::vector<api::cri_v1::AuthConfig> matching_credentials(const std::vector<RegistryCredential>& all, std::string_view image);

}  // namespace pintle::kubelet

// Registry credentials out of image pull secrets, and which of them an image takes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"

namespace pintle::kubelet::images {

constexpr std::size_t registry_pattern_bytes_max = 1024;  // a longer key matches nothing: host and repository have 255 bytes each
constexpr std::size_t registry_credentials_max = 4096;    // of one secret; more are BadRequest

struct RegistryCredential {
  std::string pattern;  // host[:port][/path]; '*', '?' and classes within a label of the host
  api::cri_v1::AuthConfig auth;
  api::kubeletconfig_v1beta1::ImagePullSecret source;  // the secret, and a hash of `auth`
};
// Of a Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg; other types have none.
Result<std::vector<RegistryCredential>> credentials_of(const api::core_v1::Secret& secret);
// Those that match the image's registry and repository, the most specific first.
std::vector<RegistryCredential> matching_credentials(const std::vector<RegistryCredential>& all, std::string_view image);
// As upstream's kubelet hashes it for its records: it and we find each other's.
std::string credential_hash(const api::cri_v1::AuthConfig& auth);

}  // namespace pintle::kubelet::images

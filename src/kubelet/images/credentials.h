// Registry credentials out of image pull secrets and Docker's files, and which of them an image takes. Pure.
#pragma once

#include <optional>
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

// Whose a credential is: of the pods that have the secret or the service account. Neither: of every pod of the node.
struct CredentialSource {
  std::optional<api::kubeletconfig_v1beta1::ImagePullSecret> secret;  // with a hash of the credential
  std::optional<api::kubeletconfig_v1beta1::ImagePullServiceAccount> service_account;
};
struct RegistryCredential {
  std::string pattern;  // host[:port][/path]; '*', '?' and classes within a label of the host
  api::cri_v1::AuthConfig auth;
  CredentialSource source;
};
// Of a file of Docker's: config.json, which has them under "auths", or the older .dockercfg. Every pod's.
Result<std::vector<RegistryCredential>> credentials_of_docker(std::string_view json, bool under_auths);
// A credential for what a key of such a file names: URLs lose their scheme and Docker's version.
RegistryCredential credential_for(std::string_view key, std::string username, std::string password);
// Of a Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg; other types have none.
Result<std::vector<RegistryCredential>> credentials_of(const api::core_v1::Secret& secret);
// Those that match the image's registry and repository, the most specific first.
std::vector<RegistryCredential> matching_credentials(const std::vector<RegistryCredential>& all, std::string_view image);
// Whether one of them, read as a pattern, matches the image.
bool any_matches(const std::vector<std::string>& patterns, std::string_view image);
bool is_image_pattern(std::string_view text);
// As upstream's kubelet hashes it for its records: it and we find each other's.
std::string credential_hash(const api::cri_v1::AuthConfig& auth);

}  // namespace pintle::kubelet::images

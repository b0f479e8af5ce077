// The operator's programs that give credentials for registries: --image-credential-provider-config, judged before anything starts.
#pragma once

#include <string>
#include <vector>

#include "api/gen/kubeletconfig_v1.h"
#include "base/status.h"
#include "rt/file.h"

namespace pintle::kubelet::images {

constexpr std::string_view credential_interface_v1 = "credentialprovider.kubelet.k8s.io/v1";

struct CredentialConfiguration {
  std::vector<api::kubeletconfig_v1::CredentialProvider> providers;
  std::string bin_dir;
  std::string hash;  // "sha256:..." of the files, as a metric shows it; "": there is no configuration
};

// `path`: a file, or a folder whose *.json, *.yaml and *.yml are taken together in the order of their names. Invalid, with the file or the
// field: what cannot be read or decoded, a program that is not in `bin_dir`, what upstream refuses too. `tokens`: the gate
// KubeletServiceAccountTokenForCredentialProviders.
Result<CredentialConfiguration> read_credential_configuration(rt::Disk& disk, const std::string& path, const std::string& bin_dir, bool tokens);

}  // namespace pintle::kubelet::images

// KubeletOptions: what the node agent is told at its start.
#pragma once

#include <string>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/flat_map.h"

namespace pintle::kubelet {

struct KubeletOptions {
  // Defaults applied. Without tlsCertFile the server's certificate is asked of the cluster (serverTLSBootstrap), or self-signed.
  api::kubeletconfig_v1beta1::KubeletConfiguration configuration;
  std::string node_name;
  std::vector<std::string> node_ips;  // --node-ip: one, or one of each family; not empty
  FlatMap<std::string> node_labels;
  std::string root_dir = "/var/lib/kubelet";
  std::string cert_dir;               // "": root_dir/pki
  std::string serving_authority_pem;  // who signs serving certificates in this cluster; "": anyone
  std::string hostname;               // --hostname-override; "": the machine's
  std::string provider_id;
  bool external_cloud_provider = false;
  // The CSI driver whose Controller service the API server may call through this kubelet's server (csi/remote_controller.h); "": none.
  std::string provisioned_driver;
  // Names of images that are never collected, as the runtime has them.
  std::vector<std::string> pinned_images;
  // Programs that give credentials for registries; both or none.
  std::string credential_provider_config;  // a file, or a folder of files
  std::string credential_provider_bin_dir;
};

inline std::string certificates_dir(const KubeletOptions& options) { return options.cert_dir.empty() ? options.root_dir + "/pki" : options.cert_dir; }

}  // namespace pintle::kubelet

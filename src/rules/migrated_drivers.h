// The CSI drivers that have taken over the work of plugins in Kubernetes' own tree.
#pragma once

#include <string_view>
#include <utility>

namespace pintle::rules {

// The driver that has taken over a plugin or provisioner of that name; else the name itself.
constexpr std::string_view driver_of(std::string_view plugin) {
  constexpr std::pair<std::string_view, std::string_view> drivers[] = {
      {"kubernetes.io/aws-ebs", "ebs.csi.aws.com"},          {"kubernetes.io/gce-pd", "pd.csi.storage.gke.io"},
      {"kubernetes.io/azure-disk", "disk.csi.azure.com"},    {"kubernetes.io/azure-file", "file.csi.azure.com"},
      {"kubernetes.io/cinder", "cinder.csi.openstack.org"},  {"kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"},
      {"kubernetes.io/portworx-volume", "pxd.portworx.com"},
  };
  for (const auto& [name, driver] : drivers)
    if (name == plugin) return driver;
  return plugin;
}

}  // namespace pintle::rules

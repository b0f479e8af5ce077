// CsiAccess: the node's CSI drivers, as csi_drivers/ and the cluster have them.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "api/gen/storage_v1.h"
#include "csi/driver.h"

namespace pintle::kubelet::volumes {

struct CsiAccess {
  // nullptr: none is registered by that name. Asked for each step.
  std::function<std::shared_ptr<csi::Driver>(std::string_view name)> driver;
  // The CSIDriver; nullptr: the cluster has none.
  std::function<std::shared_ptr<const api::storage_v1::CSIDriver>(std::string_view name)> object;
  // Whether the cluster's CSIDrivers are known.
  std::function<bool()> objects_known;
};

}  // namespace pintle::kubelet::volumes

// Which CSI volume a PersistentVolume is, and what it is called by nodes and attachments. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::rules {

struct CsiVolume {
  std::string driver;
  std::string handle;
  std::string persistent_volume;  // its name; "": not known, after a restart
  bool multi_attach = true;       // may be on several nodes at once, as far as is known
  bool migrated = false;          // of a plugin that the driver has taken over
  bool operator==(const CsiVolume&) const = default;
};

// nullopt: no driver attaches it.
std::optional<CsiVolume> csi_volume_of(const api::core_v1::PersistentVolume& volume);
// "kubernetes.io/csi/DRIVER^HANDLE": in status.volumesAttached and volumesInUse of nodes.
std::string unique_name(const CsiVolume& volume);
// The volume of such a name; nullopt: it is another plugin's.
std::optional<CsiVolume> parse_unique_name(std::string_view name);
// The prefix of the unique names of a driver's volumes.
std::string unique_prefix(std::string_view driver);
// "csi-" and the SHA-256 of handle, driver and node in hexadecimal.
std::string attachment_name(const CsiVolume& volume, std::string_view node);
// "kubernetes.io/csi:DRIVER", in metrics.
std::string plugin_name(const CsiVolume& volume);

}  // namespace pintle::rules

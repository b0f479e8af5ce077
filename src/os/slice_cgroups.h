// Cgroups that are slices of systemd (cgroup driver "systemd"): systemd, whose tree it is, makes and removes them and knows their limits; all else is
// done with the files, as what is no slice is. It is asked on the system's bus by libsystemd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "os/cgroup.h"

namespace pintle::os {

// Over the machine's cgroups; a path whose last part ends with ".slice" is a unit. NotFound: systemd does not run this machine, or there is no
// libsystemd; ServiceUnavailable: its bus does not answer. A question may take 5 s, a unit's start or stop 30 s. From any thread, one at a time.
Result<std::unique_ptr<Cgroups>> make_slice_cgroups(std::unique_ptr<Cgroups> machine);

// --- what it is asked, for tests -----------------------------------------------------------------------------------------

// "" for a path whose last part is no slice.
std::string_view slice_of(std::string_view path);
struct UnitProperty {
  std::string name;
  std::variant<bool, uint64_t, std::string, std::vector<std::string>> value;
  bool operator==(const UnitProperty&) const = default;
};
// UINT64_MAX is systemd's "infinity". Limits that it has no property for (huge pages) are none.
std::vector<UnitProperty> slice_properties(const CgroupLimits& limits, CgroupVersion version);

}  // namespace pintle::os

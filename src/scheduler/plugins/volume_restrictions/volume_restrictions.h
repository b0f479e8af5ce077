// VolumeRestrictions: disks that one node may have, and ReadWriteOncePod claims that one pod may use.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_volume_restrictions(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

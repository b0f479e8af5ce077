// VolumeZone: volumes that are labelled with a zone or region are reached from nodes there alone.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_volume_zone(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

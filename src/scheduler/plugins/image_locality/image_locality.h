// ImageLocality: favours nodes that hold the pod's images, the larger and the more common the better.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_image_locality(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

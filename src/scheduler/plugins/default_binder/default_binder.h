// DefaultBinder: binds by POST to pods/binding.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_default_binder(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

// PrioritySort: by priority, then by age.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_priority_sort(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

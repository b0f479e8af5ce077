// Eviction: makes a preemption happen: the victims are told why and deleted, and pods of lower priority that hoped for the
// node hope no longer.
#pragma once

#include <string>
#include <vector>

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

struct Preemption {
  PodInfoPtr preemptor;
  std::string node;
  std::vector<PodInfoPtr> victims;
  std::vector<PodInfoPtr> disappointed;  // nominated to the node, of lower priority
};

rt::Task<void> carry_out(PluginDeps deps, Preemption preemption);

}  // namespace pintle::scheduler::plugins

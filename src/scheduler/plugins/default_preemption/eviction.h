// Eviction: makes a preemption happen: the victims are told why and deleted, and pods of lower priority that hoped for the
// node hope no longer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

struct Preemption {
  PodInfoPtr preemptor;
  std::string node;
  std::vector<PlacedPodPtr> victims;
  std::vector<PodInfoPtr> disappointed;  // nominated to the node, of lower priority
  std::function<void()> before_last;     // called before the last victim is asked to go, whose end is to wake the preemptor
};

rt::Task<void> carry_out(PluginDeps deps, Preemption preemption);

}  // namespace pintle::scheduler::plugins

// `pintle status`: the health of an installation, asked of each component at its own port.
#pragma once

#include <string>
#include <vector>

#include "cli/installation.h"
#include "cli/layout.h"
#include "rt/runtime.h"

namespace pintle::cli {

struct ComponentHealth {
  std::string name;
  bool healthy = false;
  std::string detail;
};

rt::Task<std::vector<ComponentHealth>> probe_health(rt::Runtime& runtime, Layout layout, Installation installation);
// A line a component.
std::string format_health(const std::vector<ComponentHealth>& health);
bool all_healthy(const std::vector<ComponentHealth>& health);

}  // namespace pintle::cli

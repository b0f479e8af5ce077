// Which objects a pod's spec names. Sorted, each once.
#pragma once

#include <string>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::rules {

std::vector<std::string> secret_names(const api::core_v1::Pod& pod);
std::vector<std::string> config_map_names(const api::core_v1::Pod& pod);

}  // namespace pintle::rules

// The grammar of label selectors; label_selector.h is what callers use.
#pragma once

#include <string_view>
#include <vector>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apimachinery {

Result<std::vector<LabelRequirement>> parse_label_requirements(std::string_view text);

}  // namespace pintle::apimachinery

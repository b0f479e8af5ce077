// The grammar of label selectors; label_selector.h is what callers use.
#pragma once

#include <string_view>
#include <vector>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apimachinery {

// Each is asked of every object of a list; then BadRequest.
inline constexpr std::size_t selector_requirements_max = 1000;

Result<std::vector<LabelRequirement>> parse_label_requirements(std::string_view text);

}  // namespace pintle::apimachinery

// The label that whatever a selector matches must have, where it demands one: indexes of selectors go by it.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apimachinery {

// Key and value, of the first requirement that leaves one value alone; they live as long as the selector. nullopt: none does.
inline std::optional<std::pair<std::string_view, std::string_view>> demanded_label(const LabelSelector& selector) {
  for (const LabelRequirement& requirement : selector.requirements())
    if (const auto value = selector.exact_value(requirement.key())) return std::pair<std::string_view, std::string_view>(requirement.key(), *value);
  return std::nullopt;
}

}  // namespace pintle::apimachinery

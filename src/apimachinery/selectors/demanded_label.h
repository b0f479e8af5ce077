// The label that whatever a selector matches must have, where it demands one: indexes of selectors go by it.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apimachinery {

// Key and value; they live as long as the selector.
using DemandedLabel = std::pair<std::string_view, std::string_view>;

// Of the first requirement that leaves one value alone. nullopt: none does.
inline std::optional<DemandedLabel> demanded_label(const LabelSelector& selector) {
  for (const LabelRequirement& requirement : selector.requirements())
    if (const auto value = selector.exact_value(requirement.key())) return DemandedLabel(requirement.key(), *value);
  return std::nullopt;
}

// Of every such requirement.
inline std::vector<DemandedLabel> demanded_labels(const LabelSelector& selector) {
  std::vector<DemandedLabel> out;
  for (const LabelRequirement& requirement : selector.requirements())
    if (const auto value = selector.exact_value(requirement.key())) out.emplace_back(requirement.key(), *value);
  return out;
}

}  // namespace pintle::apimachinery

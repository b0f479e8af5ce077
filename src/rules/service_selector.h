// Which pods a Service selects: those that have all labels of its selector; without one, none. Pure.
#pragma once

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apimachinery/selectors/or_nothing.h"

namespace pintle::rules {

inline bool selects(const api::core_v1::Service& service, const FlatMap<std::string>& labels) {
  const auto& selector = service.spec.selector;
  return !selector.empty() && std::ranges::all_of(selector, [&](const auto& item) {
    const std::string* value = labels.get(item.first);
    return value != nullptr && *value == item.second;
  });
}

// For indexes; selects() is the quick way for one pod.
inline apimachinery::LabelSelector selector_of(const api::core_v1::Service& service) { return apimachinery::set_or_nothing(service.spec.selector); }

}  // namespace pintle::rules

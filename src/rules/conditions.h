// Conditions by type, whatever object they belong to: anything with `type`, `status` and, to be set, `last_transition_time`. Pure.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "api/values.h"

namespace pintle::rules {

// The condition of that type, or nullptr.
template <class Condition>
const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  for (const Condition& condition : conditions)
    if (condition.type == type) return &condition;
  return nullptr;
}
template <class Condition>
Condition* find_condition(std::vector<Condition>& conditions, std::string_view type) {
  return const_cast<Condition*>(find_condition(std::as_const(conditions), type));
}
template <class Condition>
bool condition_is(const std::vector<Condition>& conditions, std::string_view type, std::string_view status) {
  const Condition* found = find_condition(conditions, type);
  return found != nullptr && found->status == status;
}
template <class Condition>
void remove_condition(std::vector<Condition>& conditions, std::string_view type) {
  std::erase_if(conditions, [&](const Condition& c) { return c.type == type; });
}
// Puts `condition` in the place of its type; the transition time stays while the status does.
template <class Condition>
void set_condition(std::vector<Condition>& conditions, Condition condition) {
  Condition* const there = find_condition(conditions, condition.type);
  if (there == nullptr) {
    conditions.push_back(std::move(condition));
    return;
  }
  if (there->status == condition.status) condition.last_transition_time = there->last_transition_time;
  *there = std::move(condition);
}

}  // namespace pintle::rules

// Selectors of objects whose absent or broken selector selects nothing.
#pragma once

#include <utility>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apimachinery {

// From any metav1.LabelSelector-shaped value; nothing for nullptr and for one that does not parse (the API server refuses such).
template <class Selector>
LabelSelector selector_or_nothing(const Selector* selector) {
  auto made = to_label_selector(selector);
  return made ? std::move(*made) : LabelSelector::nothing();
}

// Exactly these labels; nothing where there are none (Services, ReplicationControllers).
inline LabelSelector set_or_nothing(const FlatMap<std::string>& labels) {
  return labels.empty() ? LabelSelector::nothing() : LabelSelector::from_set(labels);
}

}  // namespace pintle::apimachinery

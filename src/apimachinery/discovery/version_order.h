// Which of two versions of a group comes first: v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1, foo1, foo10.
#pragma once

#include <string_view>

namespace pintle::apimachinery {

// True if `a` is preferred to `b`: released before beta before alpha, higher numbers first; names of other forms come last, by the alphabet.
bool version_precedes(std::string_view a, std::string_view b);

}  // namespace pintle::apimachinery

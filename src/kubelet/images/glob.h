// Shell patterns, as Go's path.Match reads them within one part of a name: '*' any characters, '?' one, "[a-z]" and "[^a-z]" one of a
// class, '\' takes the next character as it is. Pure.
#pragma once

#include <string_view>

namespace pintle::kubelet::images {

// Whether the whole text matches. A malformed pattern ("[a", "x\") matches nothing. At each '*' the shortest match is taken for good: at
// most text × pattern steps however many there are, and no recursion.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace pintle::kubelet::images

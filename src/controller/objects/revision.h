// Order of resource versions: decimal numbers of one store.
#pragma once

#include <string_view>

namespace pintle::controller::objects {

// Whether `revision` (an informer's) is not older than `other` (an object's). "" is the oldest.
inline bool revision_reached(std::string_view revision, std::string_view other) {
  return revision.size() != other.size() ? revision.size() > other.size() : revision >= other;
}

}  // namespace pintle::controller::objects

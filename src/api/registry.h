// The generated kind table (kinds.cpp) that find_kind, kind_of and all_kinds of type.h read.
#pragma once

#include <cstdint>
#include <span>

#include "api/type.h"

namespace pintle::api::registry {

extern const std::span<const KindInfo> kinds;  // by group, version, kind
// Open addressing over FNV-1a of group, version and kind joined by NUL; a power of two; -1: empty.
extern const std::span<const int16_t> slots;

}  // namespace pintle::api::registry

// Durations as metrics and formulas want them.
#pragma once

#include "rt/clock.h"

namespace pintle::rt {

inline double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace pintle::rt

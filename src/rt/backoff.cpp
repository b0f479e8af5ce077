#include "rt/backoff.h"

#include <algorithm>

namespace pintle::rt {

Duration Backoff::next(Random& random) {
  const Duration base = wait_;
  const double longer = static_cast<double>(wait_.count()) * options_.factor;
  wait_ = longer < static_cast<double>(options_.max.count()) ? Duration(static_cast<int64_t>(longer)) : options_.max;
  const auto spread = static_cast<uint64_t>(static_cast<double>(base.count()) * options_.jitter);
  return base + Duration(static_cast<int64_t>(random.below(spread + 1)));
}

}  // namespace pintle::rt

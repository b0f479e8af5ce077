// Scores of any size become 0..node_score_max, in proportion to the largest; `reverse`: the largest becomes 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace pintle::scheduler {

inline void normalize_scores(std::span<int64_t> scores, bool reverse, int64_t max_score) {
  const int64_t most = scores.empty() ? 0 : std::max<int64_t>(*std::ranges::max_element(scores), 0);
  for (int64_t& score : scores) {
    if (most != 0) score = max_score * score / most;
    if (reverse) score = max_score - score;
  }
}

}  // namespace pintle::scheduler

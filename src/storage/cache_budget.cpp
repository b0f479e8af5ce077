#include "storage/cache_budget.h"

namespace pintle::storage {

void CacheBudget::on_use(std::function<void()> begin) {
  ThreadLock lock(begin_mutex_);
  begin_ = std::move(begin);
  rest();
}

void CacheBudget::begin() {
  ThreadLock lock(begin_mutex_);
  if (begin_) begin_();
}

int64_t fair_level(std::span<int64_t> held, int64_t total) {
  std::ranges::sort(held);
  for (std::size_t i = 0; i < held.size(); ++i) {
    const auto rest = static_cast<int64_t>(held.size() - i);
    if (held[i] > total / rest) return total / rest;
    total -= held[i];
  }
  return held.empty() ? total : held.back();
}

}  // namespace pintle::storage

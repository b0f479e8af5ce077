#include "kubelet/dynamic_resources/claim_locks.h"

#include <algorithm>

namespace pintle::kubelet::dynamic_resources {

rt::Task<Result<ClaimLocks::Held>> ClaimLocks::lock(rt::Context ctx, std::vector<std::string> keys) {
  std::erase_if(locks_, [](const auto& entry) { return entry.second.expired(); });
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  Held out;
  for (const std::string& key : keys) {
    auto& known = locks_[key];
    auto mutex = known.lock();
    if (!mutex) {
      mutex = std::make_shared<rt::AsyncMutex>();
      known = mutex;
    }
    CO_TRY_ASSIGN(auto lock, co_await mutex->lock(ctx));
    out.emplace_back(std::move(mutex), std::move(lock));
  }
  co_return std::move(out);
}

}  // namespace pintle::kubelet::dynamic_resources

// WatchCounts: how many watches there are, by what they watch, so that a write's cost can be told from those it wakes.
// Thread-safe. Kinds are told apart by hashes: two that share one are counted together, which an estimate can bear.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "apiserver/types/request_info.h"
#include "base/mutex.h"

namespace pintle::apiserver::fairness {

class WatchCounts {
 public:
  // Counts one watch while it lives.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept : counts_(std::exchange(other.counts_, nullptr)), key_(other.key_) {}
    Registration& operator=(Registration&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Registration() {
      if (counts_) counts_->remove(key_);
    }

   private:
    friend class WatchCounts;
    Registration(WatchCounts* counts, uint64_t key) : counts_(counts), key_(key) {}
    WatchCounts* counts_ = nullptr;
    uint64_t key_ = 0;
  };

  // Of `info`'s resource, namespace and name, as far as it gives them. Watches of the pods of one node are not counted:
  // a write wakes one of them at most.
  Registration add(const RequestInfo& info);
  // Those that a write of `info` may wake.
  std::size_t woken_by(const RequestInfo& info) const;

 private:
  void remove(uint64_t key);

  mutable SharedThreadMutex mutex_;
  std::unordered_map<uint64_t, std::size_t> counts_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::fairness

// CacheBudget: what all watch caches of one store may hold together beside the objects themselves, in proportion to what is stored: windows of
// history have one half, remembered encodings the other. Only counters: who holds something charges it here, the StoreFanout takes back
// what is too much, and what nobody has needed for a while. Shared by everything that charges it. Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "base/mutex.h"

namespace pintle::storage {

struct CacheBudgetOptions {
  int64_t base_bytes = 16 << 20;  // however little is stored
  int64_t stored_part = 2;        // and one byte for so many of the objects'
};

class CacheBudget {
 public:
  using Options = CacheBudgetOptions;
  explicit CacheBudget(Options options = {}) : options_(options) {}

  // Negative: given back.
  void charge_objects(int64_t bytes) { objects_.fetch_add(bytes, std::memory_order_relaxed); }
  void charge_history(int64_t bytes) { charge(history_, bytes); }
  void charge_encodings(int64_t bytes) { charge(encodings_, bytes); }

  int64_t objects() const { return objects_.load(std::memory_order_relaxed); }
  int64_t history() const { return history_.load(std::memory_order_relaxed); }
  int64_t encodings() const { return encodings_.load(std::memory_order_relaxed); }
  // What the windows of history may hold together, and as much again all encodings.
  int64_t share() const { return (options_.base_bytes + objects() / options_.stored_part) / 2; }

  // `begin` is called when something is charged while nobody is at work giving back: after this call, and after rest(). An empty function
  // ends that: it is not running any more when this returns.
  void on_use(std::function<void()> begin);
  // Before the last look at what is there: the next charge begins the work anew.
  void rest() { resting_.store(true, std::memory_order_seq_cst); }
  // After that look found that there is more to do: true if the caller goes on; false if a charge has begun the work anew meanwhile.
  bool resume() { return resting_.exchange(false); }

 private:
  void charge(std::atomic<int64_t>& account, int64_t bytes) {
    account.fetch_add(bytes, std::memory_order_relaxed);
    if (bytes > 0 && resting_.load(std::memory_order_relaxed) && resting_.exchange(false)) begin();
  }
  void begin();

  const Options options_;
  std::atomic<int64_t> objects_ = 0;
  std::atomic<int64_t> history_ = 0;
  std::atomic<int64_t> encodings_ = 0;
  std::atomic<bool> resting_ = true;
  ThreadMutex begin_mutex_;
  std::function<void()> begin_ GUARDED_BY(begin_mutex_);
};

// The level down to which those holders that have more are cut, so that all together have at most `total`: who has little keeps it.
int64_t fair_level(std::span<int64_t> held, int64_t total);

}  // namespace pintle::storage

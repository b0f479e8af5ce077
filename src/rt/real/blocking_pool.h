// BlockingPool: a few threads for calls that block, each started when work finds all others busy.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace pintle::rt {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads_max) : threads_max_(threads_max) {}
  // Finishes what was submitted.
  ~BlockingPool();
  // From any thread.
  void submit(std::function<void()> work);

 private:
  void work_loop();

  const std::size_t threads_max_;
  ThreadMutex mutex_;
  ThreadCondition wake_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace pintle::rt

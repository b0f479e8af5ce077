// BlockingPool: a few threads for calls that block, each started when work finds all others busy.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

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
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace pintle::rt

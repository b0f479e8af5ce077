// LongExecutors: the executors behind long_executor(), each with a thread that starts when it is first handed out.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rt/real/real_executor.h"

namespace pintle::rt {

class LongExecutors {
 public:
  // At most `count`; their indices begin at `first_index`.
  LongExecutors(Runtime& runtime, std::size_t first_index, std::size_t count) : runtime_(runtime), first_index_(first_index), count_(count) {}
  ~LongExecutors() { stop(); }
  // From any thread, in turn. CHECK fails after stop().
  Executor& next();
  // Waits for what runs there, not for what is queued.
  void stop();

 private:
  struct Member {
    std::unique_ptr<RealExecutor> executor;
    std::thread thread;
  };
  Runtime& runtime_;
  const std::size_t first_index_;
  const std::size_t count_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Member> members_;
  std::size_t turn_ = 0;
  bool stopped_ = false;
};

}  // namespace pintle::rt

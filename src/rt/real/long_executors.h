// LongExecutors: the executors behind Runtime::long_executor(), each with a thread that starts when it is first handed out.
#pragma once

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"
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
  ThreadMutex mutex_;
  std::vector<Member> members_ GUARDED_BY(mutex_);
  std::size_t turn_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace pintle::rt

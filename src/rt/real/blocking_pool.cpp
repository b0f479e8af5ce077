#include "rt/real/blocking_pool.h"

#include <utility>

#include "rt/signal_stack.h"

namespace pintle::rt {

BlockingPool::~BlockingPool() {
  {
    ThreadLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockingPool::submit(std::function<void()> work) {
  ThreadLock lock(mutex_);
  queue_.push_back(std::move(work));
  if (queue_.size() <= idle_ || threads_.size() == threads_max_) {
    wake_.notify_one();
  } else {
    threads_.emplace_back([this] { work_loop(); });
  }
}

void BlockingPool::work_loop() {
  SignalStack signals;
  ThreadLock lock(mutex_);
  while (true) {
    while (queue_.empty()) {
      if (stopping_) return;
      ++idle_;
      wake_.wait(lock);
      --idle_;
    }
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace pintle::rt

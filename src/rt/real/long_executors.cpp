#include "rt/real/long_executors.h"

#include <utility>

#include "base/check.h"
#include "rt/held.h"

namespace pintle::rt {

Executor& LongExecutors::next() {
  ThreadLock lock(mutex_);
  CHECK(!stopped_, "a long executor asked for while the runtime ends");
  const std::size_t turn = turn_++ % count_;
  if (turn == members_.size()) {
    auto executor = std::make_unique<RealExecutor>(runtime_, first_index_ + turn, long_held_max);
    std::thread thread([running = executor.get()] { running->run(); });
    members_.push_back({std::move(executor), std::move(thread)});
  }
  return *members_[turn].executor;
}

void LongExecutors::stop() {
  ThreadLock lock(mutex_);
  if (std::exchange(stopped_, true)) return;
  for (Member& member : members_) member.executor->stop();
  for (Member& member : members_) member.thread.join();
}

}  // namespace pintle::rt

#include "rt/real/real_executor.h"

#include "rt/executor_scope.h"
#include "rt/real/io.h"
#include "rt/signal_stack.h"

namespace pintle::rt {

namespace {
// A burst's queue is given back once it is larger than this.
constexpr std::size_t kept_queue_max = 1024;
// Batches of ready work between two looks at the sockets, and how long they may take until no further one is begun.
constexpr int rounds_max = 8;
constexpr Duration rounds_time_max = std::chrono::microseconds(500);
}  // namespace

RealExecutor::RealExecutor(Runtime& runtime, std::size_t index, Duration held_max)
    : runtime_(runtime), index_(index), io_(std::make_unique<Io>()), watch_(index, held_max) {}

RealExecutor::~RealExecutor() = default;

void RealExecutor::post(std::function<void()> work) { push(Work{{}, std::move(work)}); }
void RealExecutor::post(std::coroutine_handle<> handle) { push(Work{handle, nullptr}); }

void RealExecutor::push(Work work) {
  {
    ThreadLock lock(mutex_);
    ready_.push_back(std::move(work));
    if (std::exchange(drain_posted_, true)) return;
  }
  boost::asio::post(io_->context, [this] { drain(); });
}

void RealExecutor::post_last(std::coroutine_handle<> handle) {
  last_.push_back(handle);
  {
    ThreadLock lock(mutex_);
    if (std::exchange(drain_posted_, true)) return;
  }
  boost::asio::post(io_->context, [this] { drain(); });
}

void RealExecutor::drain() {
  watch_.begin();
  const TimePoint began = watch_.begun();
  for (int round = 0; round < rounds_max && watch_.begun() - began < rounds_time_max; ++round) {
    {
      ThreadLock lock(mutex_);
      if (ready_.empty()) break;
      running_.swap(ready_);
    }
    run_batch();
  }
  if (!last_.empty()) {
    const std::coroutine_handle<> handle = last_.front();
    last_.pop_front();
    handle.resume();
    watch_.end();
  }
  {
    ThreadLock lock(mutex_);
    drain_posted_ = !ready_.empty() || !last_.empty();
    if (!drain_posted_) return;
  }
  // To the back of the line: sockets and timers get their turn.
  boost::asio::post(io_->context, [this] { drain(); });
}

void RealExecutor::run_batch() {
  for (Work& work : running_) {
    if (work.handle) {
      work.handle.resume();
    } else {
      auto function = std::move(work.function);
      function();
    }
    watch_.end();
  }
  running_.clear();
  if (running_.capacity() > kept_queue_max) running_.shrink_to_fit();
}

TimerId RealExecutor::post_at(TimePoint when, std::function<void()> work) {
  TimerId id;
  {
    ThreadLock lock(mutex_);
    id = timers_.add(when, std::move(work));
    if (when >= armed_) return id;
    armed_ = when;
  }
  if (Executor::current_or_null() == this) {
    arm();
  } else {
    boost::asio::post(io_->context, [this] { arm(); });
  }
  return id;
}

bool RealExecutor::cancel_timer(TimerId id) {
  ThreadLock lock(mutex_);
  return timers_.remove(id);
}

void RealExecutor::arm() {
  TimePoint when;
  {
    ThreadLock lock(mutex_);
    const auto earliest = timers_.earliest();
    armed_ = earliest.value_or(TimePoint::max());
    if (!earliest) return;
    when = *earliest;
  }
  io_->timer.expires_at(when);
  io_->timer.async_wait([this](boost::system::error_code failed) {
    if (!failed) fire();
  });
}

void RealExecutor::fire() {
  const TimePoint now = std::chrono::steady_clock::now();
  while (true) {
    std::optional<std::function<void()>> work;
    {
      ThreadLock lock(mutex_);
      armed_ = TimePoint::min();  // armed once, below
      work = timers_.pop_due(now);
    }
    if (!work) break;
    watch_.step(*work);
  }
  arm();
}

void RealExecutor::run() {
  SignalStack signals;
  ExecutorScope scope(this);
  watch_.start();
  io_->context.run();
}

void RealExecutor::stop() { io_->context.stop(); }

}  // namespace pintle::rt

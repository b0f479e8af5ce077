#include "client/work_queue.h"

#include <algorithm>

#include "component/log.h"
#include "rt/far_time.h"

namespace pintle::client {

// The one timer of a queue; outlives it while the executor still holds its callback.
struct WorkQueue::Planned {
  WorkQueue* queue = nullptr;  // nullptr: the queue is gone
  rt::Executor* executor = nullptr;
  rt::TimerId timer = 0;  // 0: not armed
  rt::TimePoint when{};
};

WorkQueue::WorkQueue(rt::Runtime& runtime, WorkQueueOptions options) : runtime_(runtime), options_(options), timer_(std::make_shared<Planned>()) {
  timer_->queue = this;
}

WorkQueue::~WorkQueue() {
  timer_->queue = nullptr;
  if (timer_->timer != 0) timer_->executor->cancel_timer(timer_->timer);
}

void WorkQueue::add(std::string key) {
  if (shut_down_ || !dirty_.insert(key).second) return;
  if (processing_.contains(key)) return;  // done() queues it
  queue_.push_back(std::move(key));
  readable_.set();
}

void WorkQueue::add_after(std::string key, rt::Duration delay) {
  if (shut_down_) return;
  if (delay <= rt::Duration::zero()) return add(std::move(key));
  const auto when = rt::after(runtime_.clock().now(), delay);
  const auto [planned, added] = planned_.try_emplace(key, when);
  if (!added) {
    if (planned->second <= when) return;
    const auto [first, last] = plan_.equal_range(planned->second);
    plan_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == key; }));
    planned->second = when;
  }
  plan_.emplace(when, std::move(key));
  arm();
}

void WorkQueue::add_rate_limited(std::string key) {
  const int failures = failures_[key]++;
  rt::Duration delay = options_.backoff_initial;
  for (int i = 0; i < failures && delay < options_.backoff_max; ++i) delay *= 2;
  add_after(std::move(key), std::min(delay, options_.backoff_max));
}

void WorkQueue::forget(std::string_view key) { failures_.erase(std::string(key)); }

int WorkQueue::failures(std::string_view key) const {
  const auto found = failures_.find(std::string(key));
  return found == failures_.end() ? 0 : found->second;
}

rt::Task<Result<std::string>> WorkQueue::get(rt::Context ctx) {
  while (queue_.empty()) {
    if (shut_down_) co_return error(Reason::Gone, "the queue is shut down");
    readable_.reset();
    CO_TRY(co_await readable_.wait(ctx));
  }
  std::string key = std::move(queue_.front());
  queue_.pop_front();
  dirty_.erase(key);
  processing_.insert(key);
  co_return std::move(key);
}

void WorkQueue::done(std::string_view key) {
  const std::string name(key);
  processing_.erase(name);
  if (!dirty_.contains(name) || shut_down_) return;
  queue_.push_back(name);
  readable_.set();
}

void WorkQueue::shut_down() {
  shut_down_ = true;
  queue_.clear();
  dirty_.clear();
  plan_.clear();
  planned_.clear();
  if (timer_->timer != 0) timer_->executor->cancel_timer(std::exchange(timer_->timer, 0));
  readable_.set();
}

bool WorkQueue::idle() const { return queue_.empty() && processing_.empty() && plan_.empty(); }

// Makes the timer stand at the earliest planned time.
void WorkQueue::arm() {
  if (plan_.empty()) return;
  const auto when = plan_.begin()->first;
  if (timer_->timer != 0) {
    if (timer_->when <= when) return;
    timer_->executor->cancel_timer(timer_->timer);
  }
  timer_->executor = &rt::Executor::current();
  timer_->when = when;
  timer_->timer = timer_->executor->post_at(when, [state = timer_] {
    state->timer = 0;
    WorkQueue* queue = state->queue;
    if (queue == nullptr) return;
    const auto now = queue->runtime_.clock().now();
    while (!queue->plan_.empty() && queue->plan_.begin()->first <= now) {
      auto due = queue->plan_.extract(queue->plan_.begin());
      queue->planned_.erase(due.mapped());
      queue->add(std::move(due.mapped()));
    }
    queue->arm();
  });
}

ControlLoop::ControlLoop(rt::Runtime& runtime, std::string name, Sync sync, WorkQueueOptions options)
    : name_(std::move(name)), sync_(std::move(sync)), queue_(runtime, options) {}

void ControlLoop::start(std::size_t workers) {
  for (std::size_t i = 0; i < workers; ++i) tasks_.spawn(work(tasks_.context()));
}

rt::Task<void> ControlLoop::stop() {
  queue_.shut_down();
  co_await tasks_.close();
}

rt::Task<void> ControlLoop::work(rt::Context ctx) {
  while (true) {
    auto key = co_await queue_.get(ctx);
    if (!key) co_return;
    auto outcome = co_await sync_(ctx, *key);
    if (outcome) {
      queue_.forget(*key);
    } else {
      const Reason reason = outcome.error().reason;
      const bool usual = reason == Reason::Conflict || reason == Reason::Cancelled;
      component::log::info(usual ? 4 : 2, "Not synced, tried again later", {{"controller", name_}, {"key", *key}, {"err", outcome.error().message}});
      queue_.add_rate_limited(*key);
    }
    queue_.done(*key);
  }
}

}  // namespace pintle::client

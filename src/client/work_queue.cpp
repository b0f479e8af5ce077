#include "client/work_queue.h"

#include <algorithm>

#include "client/metrics.h"
#include "component/log.h"
#include "rt/far_time.h"
#include "rt/seconds.h"

namespace pintle::client {

namespace {

WorkQueueOptions counted(WorkQueueOptions options, const LoopSetup& setup) {
  if (setup.metrics != nullptr) options.metrics = &setup.metrics->queue(setup.queue.empty() ? setup.name : setup.queue);
  return options;
}

}  // namespace

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

void WorkQueue::push(std::string key) {
  queue_.push_back(std::move(key));
  if (options_.metrics != nullptr) options_.metrics->depth.set(static_cast<double>(queue_.size()));
  readable_.set();
}

void WorkQueue::tell_working() {
  rt::Duration sum{};
  rt::TimePoint first = rt::TimePoint::max();
  for (const auto& [key, since] : processing_) {  // as many as there are workers
    sum += since.time_since_epoch();
    first = std::min(first, since);
  }
  options_.metrics->working = static_cast<int>(processing_.size());
  options_.metrics->started_sum = rt::seconds(sum);
  options_.metrics->started_first = rt::seconds(first.time_since_epoch());
}

void WorkQueue::add(std::string key) {
  if (shut_down_ || !dirty_.try_emplace(key, runtime_.clock().now()).second) return;
  if (options_.metrics != nullptr) options_.metrics->adds.add();
  if (processing_.contains(key)) return;  // done() queues it
  push(std::move(key));
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
  if (options_.metrics != nullptr) options_.metrics->retries.add();
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
  const auto now = runtime_.clock().now();
  const auto waited = dirty_.extract(key);
  processing_[key] = now;
  if (options_.metrics != nullptr) {
    options_.metrics->depth.set(static_cast<double>(queue_.size()));
    options_.metrics->queue_duration.observe(rt::seconds(now - waited.mapped()));
    tell_working();
  }
  co_return std::move(key);
}

void WorkQueue::done(std::string_view key) {
  std::string name(key);
  const auto worked = processing_.extract(name);
  if (options_.metrics != nullptr && worked) {
    options_.metrics->work_duration.observe(rt::seconds(runtime_.clock().now() - worked.mapped()));
    tell_working();
  }
  if (!dirty_.contains(name) || shut_down_) return;
  push(std::move(name));
}

void WorkQueue::shut_down() {
  shut_down_ = true;
  queue_.clear();
  dirty_.clear();
  plan_.clear();
  planned_.clear();
  if (options_.metrics != nullptr) options_.metrics->depth.set(0);
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

ControlLoop::ControlLoop(LoopSetup setup, Sync sync, WorkQueueOptions options)
    : name_(std::move(setup.name)), sync_(std::move(sync)), queue_(setup.runtime, counted(options, setup)) {}

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

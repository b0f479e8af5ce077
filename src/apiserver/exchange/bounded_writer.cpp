#include "apiserver/exchange/bounded_writer.h"

#include "base/check.h"

namespace pintle::apiserver::exchange {

// Awaits a task of the inner writer; the timer runs only if the task has to wait.
struct BoundedWriter::Watched {
  BoundedWriter& writer;
  rt::Task<Result<Unit>> task;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiter) {
    const bool waits = task.await_suspend(awaiter);
    if (waits) writer.arm();
    return waits;
  }
  Result<Unit> await_resume() {
    writer.disarm();
    return task.await_resume();
  }
};

BoundedWriter::BoundedWriter(net::ResponseWriter& inner, rt::Runtime& runtime)
    : inner_(inner), abortable_(dynamic_cast<net::Abortable&>(inner)), runtime_(runtime) {}

void BoundedWriter::watch_stalls(fairness::Budget& budget, const std::string& user, const rt::Endpoint* remote, std::function<void()> on_stall) {
  budget_ = &budget;
  user_ = &user;
  remote_ = remote;
  on_stall_ = std::move(on_stall);
}

void BoundedWriter::end_time() {
  timed_out_ = true;
  if (inner_.started()) abortable_.abort();
}

void BoundedWriter::hold() { held_ = Held(); }

rt::Task<Result<Unit>> BoundedWriter::send() {
  Held held = std::move(*held_);
  held_.reset();
  if (held.status != 0) CO_TRY(co_await start(held.status));
  for (auto& data : held.writes) CO_TRY(co_await write(std::move(data)));
  co_return Unit{};
}

rt::Task<Result<Unit>> BoundedWriter::start(int status) {
  if (held_) {
    held_->status = status;
    co_return Unit{};
  }
  Watched watched{*this, inner_.start(status)};
  co_return co_await watched;
}

rt::Task<Result<Unit>> BoundedWriter::write(std::vector<Bytes> data) {
  if (held_) {
    held_->writes.push_back(std::move(data));
    co_return Unit{};
  }
  Watched watched{*this, inner_.write(std::move(data))};
  co_return co_await watched;
}

rt::Task<Result<Unit>> BoundedWriter::flush() {
  if (held_) co_return Unit{};
  Watched watched{*this, inner_.flush()};
  co_return co_await watched;
}

rt::Task<Result<Unit>> BoundedWriter::upgrade(net::UpgradeHandler handler) {
  CHECK(!held_, "a stream is not held back");
  return inner_.upgrade(std::move(handler));
}

void BoundedWriter::arm() {
  if (budget_ == nullptr && !timed_out_) return;
  executor_ = &rt::Executor::current();
  timer_ = executor_->post_at(runtime_.clock().now() + stall_time, [this] {
    timer_ = 0;
    stalled();
  });
}

void BoundedWriter::disarm() {
  if (timer_ != 0) executor_->cancel_timer(timer_);
  timer_ = 0;
  stall_.release();
}

void BoundedWriter::stalled() {
  if (timed_out_) return abortable_.abort();
  if (on_stall_) std::exchange(on_stall_, nullptr)();
  if (remote_ == nullptr) return;
  stall_ = budget_->hold(*user_, rt::to_string(*remote_));
  if (!stall_.raise_to(1)) abortable_.abort();
}

}  // namespace pintle::apiserver::exchange

#include "rt/real/fd.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "rt/real/io.h"

namespace pintle::rt {

struct Fd::Asio {
  boost::asio::posix::stream_descriptor descriptor;
};

Fd::Fd(RealExecutor& executor, int fd) : executor_(executor), fd_(fd) {
  asio_.reset(new Asio{boost::asio::posix::stream_descriptor(executor.io().context, fd)});
}

std::shared_ptr<Fd> Fd::make(RealExecutor& executor, int fd) { return std::shared_ptr<Fd>(new Fd(executor, fd)); }

Fd::~Fd() = default;  // asio closes the descriptor

void Fd::close() {
  if (fd_ < 0) return;
  fd_ = -1;
  boost::system::error_code ignored;
  asio_->descriptor.close(ignored);
  for (Side& side : sides_) {
    if (Wait* waiter = std::exchange(side.waiter, nullptr)) {
      waiter->outcome_ = Wait::Outcome::Closed;
      executor_.post(waiter->handle_);
    }
  }
}

Fd::Wait Fd::wait(Direction direction, Context ctx) { return Wait(shared_from_this(), direction, std::move(ctx)); }

void Fd::park(Direction direction, Wait* waiter) {
  Side& side = sides_[direction];
  CHECK(side.waiter == nullptr, "two tasks wait on one direction of a descriptor");
  side.waiter = waiter;
  waiter->sequence_ = ++side.sequence;
  if (std::exchange(side.armed, true)) return;
  using boost::asio::posix::descriptor_base;
  asio_->descriptor.async_wait(direction == Read ? descriptor_base::wait_read : descriptor_base::wait_write,
                               [self = shared_from_this(), direction](boost::system::error_code) { self->ready(direction); });
}

// Readiness and errors alike: the system call that follows tells which.
void Fd::ready(Direction direction) {
  Side& side = sides_[direction];
  side.armed = false;
  Wait* waiter = std::exchange(side.waiter, nullptr);
  if (waiter == nullptr) return;
  const std::coroutine_handle<> task = waiter->handle_;
  executor_.watch().step(task);
}

void Fd::cancel(Direction direction, uint64_t sequence) {
  Side& side = sides_[direction];
  if (!side.waiter || side.sequence != sequence) return;
  Wait* waiter = std::exchange(side.waiter, nullptr);
  waiter->outcome_ = Wait::Outcome::Cancelled;
  executor_.post(waiter->handle_);
}

bool Fd::Wait::await_suspend(std::coroutine_handle<> self) {
  CHECK(Executor::current_or_null() == &fd_->executor_, "a descriptor is used on another executor than its own");
  handle_ = self;
  if (!fd_->is_open()) {
    outcome_ = Outcome::Closed;
    return false;
  }
  fd_->park(direction_, this);
  registration_ = ctx_.on_done([this] {
    if (Executor::current_or_null() == &fd_->executor_) {
      fd_->cancel(direction_, sequence_);
    } else {
      fd_->executor_.post([fd = fd_, direction = direction_, sequence = sequence_] { fd->cancel(direction, sequence); });
    }
  });
  return true;
}

Result<Unit> Fd::Wait::await_resume() {
  registration_ = {};
  if (outcome_ == Outcome::Cancelled) return Unexpected(ctx_.status());
  if (outcome_ == Outcome::Closed) return error(Reason::Cancelled, "connection closed");
  return Unit{};
}

Status io_status(int error_number, std::string_view what) {
  return Status{Reason::ServiceUnavailable, 0, std::string(what) + ": " + std::strerror(error_number), {}};
}

}  // namespace pintle::rt

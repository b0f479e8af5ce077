// Fd: a non-blocking descriptor that tasks of its executor wait on. Everything but a context's cancellation happens on
// that executor. The descriptor closes with close() or with the last reference.
#pragma once

#include <coroutine>
#include <memory>

#include "base/status.h"
#include "rt/context.h"
#include "rt/real/real_executor.h"

namespace pintle::rt {

class Fd : public std::enable_shared_from_this<Fd> {
 public:
  enum Direction { Read, Write };

  // Takes ownership of `fd`, which must be non-blocking.
  static std::shared_ptr<Fd> make(RealExecutor& executor, int fd);
  ~Fd();

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close();

  // Awaits readiness in one direction, one task at a time for each.
  class Wait;
  Wait wait(Direction direction, Context ctx);

 private:
  struct Asio;
  struct Side {
    Wait* waiter = nullptr;
    uint64_t sequence = 0;
    bool armed = false;  // an asio wait is under way; it may outlive the waiter that began it
  };
  Fd(RealExecutor& executor, int fd);
  void park(Direction direction, Wait* waiter);
  void cancel(Direction direction, uint64_t sequence);
  void ready(Direction direction);

  RealExecutor& executor_;
  int fd_;
  std::unique_ptr<Asio> asio_;
  Side sides_[2];
};

class Fd::Wait {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self);
  Result<Unit> await_resume();

 private:
  friend class Fd;
  enum class Outcome { Ready, Cancelled, Closed };
  Wait(std::shared_ptr<Fd> fd, Direction direction, Context ctx) : fd_(std::move(fd)), direction_(direction), ctx_(std::move(ctx)) {}
  std::shared_ptr<Fd> fd_;
  Direction direction_;
  Context ctx_;
  std::coroutine_handle<> handle_;
  uint64_t sequence_ = 0;
  Outcome outcome_ = Outcome::Ready;
  CancelRegistration registration_;
};

// The error of a failed system call on a connection.
Status io_status(int error_number, std::string_view what);

}  // namespace pintle::rt

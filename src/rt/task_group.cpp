#include "base/mutex.h"
#include "rt/detached.h"
#include "rt/sync.h"

namespace pintle::rt {

struct TaskGroup::State {
  Context context = Context::background().child();
  mutable ThreadMutex mutex;
  std::size_t running GUARDED_BY(mutex) = 0;
  Event idle;

  State() { idle.set(); }
  void enter() {
    ThreadLock lock(mutex);
    if (running++ == 0) idle.reset();
  }
  void leave() {
    ThreadLock lock(mutex);
    if (--running == 0) idle.set();
  }
  // The member's frame is gone before it is counted out: it may refer to what the group's owner destroys next.
  static detail::Detached run(std::shared_ptr<State> state, Task<void> task) {
    {
      Task<void> member = std::move(task);
      co_await member;
    }
    state->leave();
  }
};

TaskGroup::TaskGroup() : state_(std::make_shared<State>()) {}

TaskGroup::~TaskGroup() { CHECK(empty(), "await close() or join() before destroying a TaskGroup"); }

Context TaskGroup::context() const { return state_->context; }

void TaskGroup::spawn(Task<void> task) { spawn_on(Executor::current(), std::move(task)); }

void TaskGroup::spawn_on(Executor& executor, Task<void> task) {
  state_->enter();
  executor.post(State::run(state_, std::move(task)).handle);
}

std::size_t TaskGroup::size() const {
  ThreadLock lock(state_->mutex);
  return state_->running;
}

Task<void> TaskGroup::join() {
  auto state = state_;
  while (true) {
    (void)co_await state->idle.wait(Context::background());
    ThreadLock lock(state->mutex);
    if (state->running == 0) co_return;
  }
}

Task<void> TaskGroup::close() {
  state_->context.cancel();
  co_await join();
}

}  // namespace pintle::rt

#include "rt/give_way.h"

#include "rt/executor.h"

namespace pintle::rt {

namespace {

struct GiveWay {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const { Executor::current().post_last(self); }
  void await_resume() const noexcept {}
};

}  // namespace

Task<void> give_way() { co_await GiveWay{}; }

}  // namespace pintle::rt

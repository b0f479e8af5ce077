#include "rt/give_way.h"

#include "rt/real/real_executor.h"

namespace pintle::rt {

namespace {

struct GiveWay {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const {
    Executor& executor = Executor::current();
    if (auto* real = dynamic_cast<RealExecutor*>(&executor)) {
      real->post_last(self);
    } else {
      executor.post(self);
    }
  }
  void await_resume() const noexcept {}
};

}  // namespace

Task<void> give_way() { co_await GiveWay{}; }

}  // namespace pintle::rt

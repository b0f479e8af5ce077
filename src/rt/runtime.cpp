#include "rt/runtime.h"

#include "rt/long_executor.h"

namespace pintle::rt {

Task<Result<int>> wait_signal(Context ctx, std::vector<int> signals) {
  co_return co_await Executor::current().runtime().wait_signal(ctx, std::move(signals));
}

Executor& long_executor(Runtime& runtime) {
  auto* source = dynamic_cast<LongExecutorSource*>(&runtime);
  return source ? source->next_long_executor() : runtime.executor(0);
}

}  // namespace pintle::rt

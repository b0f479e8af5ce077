#include "rt/runtime.h"

namespace pintle::rt {

Task<Result<int>> wait_signal(Context ctx, std::vector<int> signals) {
  co_return co_await Executor::current().runtime().wait_signal(ctx, std::move(signals));
}

}  // namespace pintle::rt

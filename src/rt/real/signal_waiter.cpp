#include "rt/real/signal_waiter.h"

#include <boost/asio/signal_set.hpp>
#include <cstring>

#include "rt/real/io.h"
#include "rt/sync.h"

namespace pintle::rt {

Task<Result<int>> wait_process_signal(Context ctx, std::vector<int> signals) {
  struct Arrival {
    Event event;
    int number = 0;
  };
  auto arrival = std::make_shared<Arrival>();
  boost::asio::signal_set set(static_cast<RealExecutor&>(Executor::current()).io().context);
  for (const int number : signals) {
    boost::system::error_code failed;
    set.add(number, failed);
    if (failed) co_return error(Reason::Invalid, "signal " + std::to_string(number) + ": " + failed.message());
  }
  set.async_wait([arrival](boost::system::error_code failed, int number) {
    if (failed) return;
    arrival->number = number;
    arrival->event.set();
  });
  CO_TRY(co_await arrival->event.wait(ctx));
  co_return arrival->number;
}

}  // namespace pintle::rt

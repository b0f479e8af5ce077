#include "component/until_signal.h"

#include <csignal>
#include <utility>
#include <vector>

#include "component/log.h"
#include "component/memory.h"
#include "os/service_manager.h"
#include "rt/executor.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::component {

namespace {

using namespace std::chrono_literals;

constexpr rt::Duration settle_short = 4s;
constexpr rt::Duration settle_long = 60s;
constexpr rt::Duration quiet_interval = 5s;

rt::Task<void> give_back(rt::Context ctx) {
  const auto release = [] { return rt::Executor::current().runtime().run_blocking(release_idle_memory); };
  co_await release();
  const auto settled_once = co_await rt::sleep_for(ctx, settle_short);
  if (!settled_once) co_return;
  co_await release();
  QuietWatch watch;
  watch.due(process_use(), {});
  watch.released(process_use().file_bytes);
  for (rt::Duration settled = settle_short;; settled += quiet_interval) {
    const auto slept = co_await rt::sleep_for(ctx, quiet_interval);
    if (!slept) co_return;
    const bool quiet = watch.due(process_use(), quiet_interval);
    const bool settles = settled < settle_long && settled + quiet_interval >= settle_long;
    if (!quiet && !settles) continue;
    co_await release();
    watch.released(process_use().file_bytes);
  }
}

void tell(std::string_view state) {
  if (auto told = os::tell_service_manager(state); !told)
    log::warning("The service manager was not told", {{"state", std::string(state)}, {"err", told.error().message}});
}

// Twice as often as it must.
rt::Task<void> feed_watchdog(rt::Context ctx) {
  const auto interval = os::watchdog_interval();
  if (!interval) co_return;
  while (true) {
    tell("WATCHDOG=1");
    const auto slept = co_await rt::sleep_for(ctx, *interval / 2);
    if (!slept) co_return;
  }
}

}  // namespace

void tell_started() {
  static bool told = false;
  if (!std::exchange(told, true)) tell("READY=1");
}

rt::Task<Result<int>> until_signal(rt::Context ctx, Whether whether) {
  if (whether == Whether::Started) tell_started();
  rt::TaskGroup group;
  group.spawn(give_back(group.context()));
  group.spawn(feed_watchdog(group.context()));
  std::vector<int> signals{SIGINT, SIGTERM};
  auto signal = co_await rt::wait_signal(std::move(ctx), std::move(signals));
  if (signal) tell("STOPPING=1");
  co_await group.close();
  co_return signal;
}

}  // namespace pintle::component

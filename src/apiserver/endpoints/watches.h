// WATCH: events from the cache, framed and sent as they come, until the client's or the server's time is up.
#pragma once

#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver::endpoints {

struct WatchesDeps {
  rt::Random& random;
  int min_request_timeout_seconds = 1800;
};

class Watches {
 public:
  explicit Watches(WatchesDeps deps) : deps_(deps) {}
  // Returns once the watch is over, or why there was none. The exchange outlives the task.
  rt::Task<Result<Unit>> watch(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);

 private:
  struct Started;
  rt::Task<Result<Unit>> by_websocket(Started watch);
  int64_t seconds_of(const std::optional<int64_t>& asked) const;

  const WatchesDeps deps_;
};

}  // namespace pintle::apiserver::endpoints

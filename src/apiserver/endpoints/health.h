// Health: /healthz, /livez and /readyz: a line for each check, all of which must hold.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/exchange/exchange.h"
#include "rt/task.h"

namespace pintle::apiserver::endpoints {

class Health {
 public:
  struct Check {
    std::string name;
    std::function<bool()> holds;  // must not block
    bool ready_only = false;      // of /readyz alone
  };
  void add(Check check) { checks_.push_back(std::move(check)); }  // before serving

  bool handles(std::string_view path) const;
  rt::Task<void> serve(exchange::Exchange& exchange, std::string path);

 private:
  std::vector<Check> checks_;
};

}  // namespace pintle::apiserver::endpoints

// What is no plain verb on a stored object: actions (reviews, bindings, evictions, tokens) and connects (streams into pods, proxies). Both
// leave here through AdmissionGate alone.
#pragma once

#include <memory>

#include "apiserver/connect/connector.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/admission_gate.h"

namespace pintle::apiserver::endpoints {

class Actions {
 public:
  // Both outlive it. `connector` nullptr: nothing leads out of this server.
  Actions(const admission::AdmissionSequence& admission, connect::Connector* connector) : gate_(admission), connector_(connector) {}

  // They answer, or return why they have not. The exchange outlives the task. `kind`: that discovery names for the body, or for the
  // connect's options.
  rt::Task<Result<Unit>> act(exchange::Exchange& exchange, std::shared_ptr<registry::Action> action, const api::KindInfo& kind);
  rt::Task<Result<Unit>> connect(exchange::Exchange& exchange, const api::KindInfo& kind);

 private:
  const registry::AdmissionGate gate_;
  connect::Connector* const connector_;
};

}  // namespace pintle::apiserver::endpoints

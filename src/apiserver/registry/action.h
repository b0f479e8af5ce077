// Action: a POST that is no create of a stored object: reviews, pods/binding, pods/eviction, serviceaccounts/token, bindings.
#pragma once

#include "api/object.h"
#include "apiserver/registry/admission_gate.h"
#include "apiserver/types/request_scope.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::apiserver::registry {

// The body is of the kind that discovery names; the answer is sent with 201. AdmissionGate::act is the one way to run an
// action: nothing else can make what run() takes.
class Action {
 public:
  virtual ~Action() = default;
  // Between mutating and validating admission: fills in what the body may leave out and refuses what it may not say. May
  // also make the request a dry run. Changes no state.
  virtual Result<Unit> prepare(RequestScope&, api::Object& /*body*/) { return Unit{}; }
  virtual rt::Task<Result<api::Object>> run(RequestScope& scope, Admitted body) = 0;
};

}  // namespace pintle::apiserver::registry

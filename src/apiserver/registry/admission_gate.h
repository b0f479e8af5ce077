// AdmissionGate: the way through admission of requests that store no object under the resource they name: actions (tokens,
// evictions, bindings, reviews) and connects (exec, attach, port-forward, proxy). Creates, updates and deletes of stored
// objects pass the same plugins inside ResourceStore.
#pragma once

#include "api/object.h"
#include "apiserver/admission/sequence.h"
#include "apiserver/types/request_scope.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::apiserver::registry {

class Action;

// The body of an action, or the options of a connect, that has passed admission. Only AdmissionGate makes one, so what
// takes one cannot be reached around it.
class Admitted {
 public:
  Admitted(Admitted&&) = default;
  Admitted& operator=(Admitted&&) = default;
  Admitted(const Admitted&) = delete;
  Admitted& operator=(const Admitted&) = delete;

  api::Object& object() { return object_; }
  const api::Object& object() const { return object_; }

 private:
  friend class AdmissionGate;
  explicit Admitted(api::Object object) : object_(std::move(object)) {}
  api::Object object_;
};

// What a request tells by itself; kind and objects are the caller's to fill in. `scope` outlives the attributes.
admission::AdmissionAttributes request_attributes(RequestScope& scope, admission::Operation operation);

// Thread-safe; the plugins outlive it.
class AdmissionGate {
 public:
  explicit AdmissionGate(const admission::AdmissionSequence& plugins) : plugins_(plugins) {}

  // Mutating admission, the action's own rules, validating admission, then the action. `kind`: of the body as it was sent.
  rt::Task<Result<api::Object>> act(RequestScope& scope, api::GroupVersionKind kind, Action& action, api::Object body) const;
  // A connect's options, named by their kind as upstream's (PodExecOptions, NodeProxyOptions ...).
  rt::Task<Result<Admitted>> connect(RequestScope& scope, api::GroupVersionKind kind, api::Object options) const;

 private:
  const admission::AdmissionSequence& plugins_;
};

}  // namespace pintle::apiserver::registry

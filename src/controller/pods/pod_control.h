// PodControl: creates pods from templates and deletes them, for a workload, with the events that say so.
#pragma once

#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::pods {

// Whose pods: the workload, as events and owner references name it.
struct Workload {
  std::string api_version;
  std::string kind;
  const api::meta_v1::ObjectMeta* metadata = nullptr;  // outlives the call

  api::core_v1::ObjectReference reference() const;
};

// A pod of the template, controlled by the workload, with a generated name ("web-"): labels, annotations, finalizers and
// spec are the template's. "pod name prefix": the workload's name and a dash, where that makes a valid prefix.
api::core_v1::Pod pod_from_template(const api::core_v1::PodTemplateSpec& pod_template, const Workload& owner);

class PodControl {
 public:
  PodControl(client::Client& client, client::EventRecorder& events) : client_(client), events_(events) {}
  // Events on the workload: SuccessfulCreate, or FailedCreate (not when its namespace is going).
  rt::Task<Result<api::core_v1::Pod>> create(rt::Context ctx, Workload owner, api::core_v1::Pod pod);
  // Events on the workload: SuccessfulDelete or FailedDelete. A pod that has gone is no failure.
  rt::Task<Result<Unit>> remove(rt::Context ctx, Workload owner, PodPtr pod);
  client::Client& client() { return client_; }
  client::EventRecorder& events() { return events_; }

 private:
  client::Client& client_;
  client::EventRecorder& events_;
};

// Whether a create was refused because its namespace is being deleted.
bool is_namespace_terminating(const Status& status);

// Runs `attempt(i)` for i in [0, count) in batches of 1, 2, 4 ..., stopping after the batch in which one failed: a
// refused pod is refused once, not `count` times. Gives the number that worked and the first failure.
struct BatchOutcome {
  int succeeded = 0;
  int failed = 0;
  std::optional<Status> failure;
};
rt::Task<BatchOutcome> slow_start(int count, std::function<rt::Task<Result<Unit>>(int)> attempt);

}  // namespace pintle::controller::pods

#include "controller/pods/pod_control.h"

#include <algorithm>

#include "controller/objects/owner.h"
#include "rt/combine.h"

namespace pintle::controller::pods {

using api::core_v1::Pod;

api::core_v1::ObjectReference Workload::reference() const {
  api::core_v1::ObjectReference ref;
  ref.kind = kind;
  ref.api_version = api_version;
  ref.namespace_ = metadata->namespace_;
  ref.name = metadata->name;
  ref.uid = metadata->uid;
  ref.resource_version = metadata->resource_version;
  return ref;
}

Pod pod_from_template(const api::core_v1::PodTemplateSpec& pod_template, const Workload& owner) {
  Pod pod;
  pod.metadata.namespace_ = owner.metadata->namespace_;
  pod.metadata.labels = pod_template.metadata.labels;
  pod.metadata.annotations = pod_template.metadata.annotations;
  pod.metadata.finalizers = pod_template.metadata.finalizers;
  pod.metadata.generate_name = owner.metadata->name + "-";
  pod.metadata.owner_references.push_back(rules::controller_reference(owner.api_version, owner.kind, *owner.metadata));
  pod.spec = pod_template.spec;
  return pod;
}

bool is_namespace_terminating(const Status& status) {
  return std::ranges::any_of(status.details.causes, [](const StatusCause& cause) { return cause.type == "NamespaceTerminating"; });
}

rt::Task<Result<Pod>> PodControl::create(rt::Context ctx, Workload owner, Pod pod) {
  auto made = co_await client_.create<Pod>(std::move(ctx), std::move(pod));
  if (!made) {
    if (!is_namespace_terminating(made.error())) events_.warning(owner.reference(), "FailedCreate", "Error creating: " + made.error().message);
    co_return std::move(made);
  }
  events_.normal(owner.reference(), "SuccessfulCreate", "Created pod: " + made->metadata.name);
  co_return std::move(made);
}

rt::Task<Result<Unit>> PodControl::remove(rt::Context ctx, Workload owner, PodPtr pod) {
  client::DeleteOptions options;
  options.precondition_uid = pod->metadata.uid;
  auto done = co_await client_.remove<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, std::move(options));
  if (!done) {
    const Reason reason = done.error().reason;
    if (reason == Reason::NotFound || reason == Reason::Conflict) co_return Unit{};
    events_.warning(owner.reference(), "FailedDelete", "Error deleting: " + done.error().message);
    co_return std::move(done);
  }
  events_.normal(owner.reference(), "SuccessfulDelete", "Deleted pod: " + pod->metadata.name);
  co_return Unit{};
}

rt::Task<BatchOutcome> slow_start(int count, std::function<rt::Task<Result<Unit>>(int)> attempt) {
  BatchOutcome outcome;
  int next = 0;
  for (int batch = std::min(count, 1); batch > 0; batch = std::min(2 * batch, count - next)) {
    std::vector<rt::Task<Result<Unit>>> tasks;
    for (int i = 0; i < batch; ++i) tasks.push_back(attempt(next + i));
    auto results = co_await rt::when_all(std::move(tasks));
    for (const auto& result : results) {
      if (result) {
        ++outcome.succeeded;
        continue;
      }
      ++outcome.failed;
      if (!outcome.failure) outcome.failure = result.error();
    }
    if (outcome.failure) break;
    next += batch;
  }
  co_return outcome;
}

}  // namespace pintle::controller::pods

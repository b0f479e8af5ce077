#include "controller/pod_gc/controller.h"

#include <algorithm>

#include "client/work_queue.h"
#include "controller/objects/time.h"
#include "controller/pod_gc/plan.h"
#include "controller/pods/pod_disruption.h"
#include "controller/pods/pod_store.h"
#include "rules/pod_state.h"

namespace pintle::controller::pod_gc {

using api::core_v1::Node;
using api::core_v1::Pod;
using NodePtr = std::shared_ptr<const Node>;

namespace {

// A node that is not there may be there in a moment.
constexpr rt::Duration missing_node_grace = std::chrono::seconds(40);
constexpr std::string_view finished_key = "";  // the key of the round over all finished pods
constexpr rt::Duration finished_pause = std::chrono::seconds(1);

class PodGcController final : public Controller {
 public:
  explicit PodGcController(ControllerDeps deps)
      : deps_(deps),
        nodes_(deps.informers.of<Node>()),
        loop_(deps.loop("orphaned_pods_nodes"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Pod>::Handler pods;
    pods.on_add = [this](const pods::PodPtr& pod, bool) { changed(*pod); };
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
      const bool was_finished = rules::is_terminal(*before);
      if (was_finished) --finished_;
      if (before->spec.node_name != after->spec.node_name || pods::is_deleted(before->metadata) != pods::is_deleted(after->metadata) ||
          was_finished != rules::is_terminal(*after)) {
        changed(*after);
      } else if (was_finished) {
        ++finished_;
      }
    };
    pods.on_delete = [this](const pods::PodPtr& pod) {
      if (rules::is_terminal(*pod)) --finished_;
    };
    deps_.pods.informer().add_handler(std::move(pods));
    client::Informer<Node>::Handler nodes;
    nodes.on_update = [this](const NodePtr&, const NodePtr& node) {
      if (is_out_of_service(*node)) look_at_pods(node->metadata.name, {});
    };
    nodes.on_delete = [this](const NodePtr& node) { look_at_pods(node->metadata.name, missing_node_grace); };
    nodes_.add_handler(std::move(nodes));
  }
  void start() override { loop_.start(deps_.workers(2)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void changed(const Pod& pod);
  void look_at_pods(const std::string& node, rt::Duration delay) {
    for (const pods::PodPtr& pod : deps_.pods.on_node(node))
      loop_.queue().add_after(client::object_key(pod->metadata.namespace_, pod->metadata.name), delay);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync_pod(rt::Context ctx, pods::PodPtr pod);
  rt::Task<Result<Unit>> trim_finished(rt::Context ctx);
  rt::Task<Result<Unit>> remove(rt::Context ctx, pods::PodPtr pod, std::string why);

  ControllerDeps deps_;
  client::Informer<Node> nodes_;
  int finished_ = 0;
  component::metrics::CounterVec& deletions_ =
      deps_.families.counters("pod_gc_collector_force_delete_pods_total", "Pods that were deleted by force.", {"namespace", "reason"});
  component::metrics::CounterVec& failures_ =
      deps_.families.counters("pod_gc_collector_force_delete_pod_errors_total", "Pods that could not be deleted by force.", {"namespace", "reason"});
  client::ControlLoop loop_;
};

void PodGcController::changed(const Pod& pod) {
  const std::string key = client::object_key(pod.metadata.namespace_, pod.metadata.name);
  if (rules::is_terminal(pod) && ++finished_ > deps_.options.terminated_pod_gc_threshold && deps_.options.terminated_pod_gc_threshold > 0)
    loop_.queue().add_after(std::string(finished_key), finished_pause);
  if (pod.spec.node_name.empty()) {
    if (pods::is_deleted(pod.metadata)) loop_.queue().add(key);
    return;
  }
  const NodePtr node = nodes_.get(pod.spec.node_name);
  if (node == nullptr) {
    loop_.queue().add_after(key, missing_node_grace);
  } else if (pods::is_deleted(pod.metadata) && is_out_of_service(*node)) {
    loop_.queue().add(key);
  }
}

rt::Task<Result<Unit>> PodGcController::remove(rt::Context ctx, pods::PodPtr pod, std::string why) {
  deletions_.with({pod->metadata.namespace_, why}).add();
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.precondition_uid = pod->metadata.uid;
  auto done = co_await deps_.client.remove<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) {
    failures_.with({pod->metadata.namespace_, why}).add();
    co_return Unexpected(std::move(done).error());
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> PodGcController::trim_finished(rt::Context ctx) {
  std::vector<pods::PodPtr> finished = deps_.pods.finished();
  const int64_t surplus = static_cast<int64_t>(finished.size()) - deps_.options.terminated_pod_gc_threshold;
  if (surplus <= 0 || deps_.options.terminated_pod_gc_threshold <= 0) co_return Unit{};
  // Evicted ones first, then the oldest.
  std::ranges::sort(finished, [](const pods::PodPtr& a, const pods::PodPtr& b) {
    const bool evicted_a = a->status.reason == "Evicted", evicted_b = b->status.reason == "Evicted";
    if (evicted_a != evicted_b) return evicted_a;
    const auto &left = a->metadata, &right = b->metadata;
    return left.creation_timestamp == right.creation_timestamp ? left.name < right.name
                                                               : objects::before(left.creation_timestamp, right.creation_timestamp);
  });
  for (int64_t i = 0; i < surplus; ++i) CO_TRY(co_await remove(ctx, finished[static_cast<std::size_t>(i)], "terminated"));
  co_return Unit{};
}

rt::Task<Result<Unit>> PodGcController::sync_pod(rt::Context ctx, pods::PodPtr pod) {
  pods::Disruption why{"DeletionByPodGC", "", true};
  if (pod->spec.node_name.empty()) {
    if (!pods::is_deleted(pod->metadata)) co_return Unit{};
    CO_TRY(co_await pods::mark_failed(deps_.client, ctx, pod));  // what waits for its end sees one
    co_return co_await remove(std::move(ctx), pod, "unscheduled");
  }
  const NodePtr node = nodes_.get(pod->spec.node_name);
  if (node != nullptr) {
    if (!pods::is_deleted(pod->metadata) || !is_out_of_service(*node)) co_return Unit{};
    why.message = "PodGC: node has out-of-service taint";
  } else {
    auto fresh = co_await deps_.client.get<Node>(ctx, "", pod->spec.node_name);
    if (fresh) co_return Unit{};
    if (fresh.error().reason != Reason::NotFound) co_return Unexpected(std::move(fresh).error());
    why.message = "PodGC: node no longer exists";
  }
  CO_TRY(co_await pods::mark_disrupted(deps_.client, ctx, pod, std::move(why), deps_.runtime.clock().wall_now()));
  std::string reason = node != nullptr ? "out-of-service" : "orphaned";
  co_return co_await remove(std::move(ctx), pod, std::move(reason));
}

rt::Task<Result<Unit>> PodGcController::sync(rt::Context ctx, std::string key) {
  if (key == finished_key) co_return co_await trim_finished(std::move(ctx));
  const pods::PodPtr pod = deps_.pods.get(key);
  if (pod == nullptr) co_return Unit{};
  co_return co_await sync_pod(std::move(ctx), pod);
}

}  // namespace

std::unique_ptr<Controller> make_pod_gc_controller(ControllerDeps deps) { return std::make_unique<PodGcController>(std::move(deps)); }

}  // namespace pintle::controller::pod_gc

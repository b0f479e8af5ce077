#include "controller/taint_eviction/controller.h"

#include "client/work_queue.h"
#include "controller/pods/pod_disruption.h"
#include "controller/pods/pod_store.h"
#include "controller/taint_eviction/plan.h"
#include "rt/seconds.h"

namespace pintle::controller::taint_eviction {

using api::core_v1::Node;
using api::core_v1::Pod;
using NodePtr = std::shared_ptr<const Node>;

namespace {

std::vector<api::core_v1::Taint> evicting(const Node& node) {
  std::vector<api::core_v1::Taint> out;
  for (const auto& taint : node.spec.taints)
    if (taint.effect == "NoExecute") out.push_back(taint);
  return out;
}

bool same(const std::vector<api::core_v1::Taint>& a, const std::vector<api::core_v1::Taint>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].key != b[i].key || a[i].value != b[i].value) return false;
  return true;
}

class TaintEvictionController final : public Controller {
 public:
  explicit TaintEvictionController(ControllerDeps deps)
      : deps_(deps),
        nodes_(deps.informers.of<Node>()),
        loop_(deps.loop("noexec_taint_pod"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Node>::Handler nodes;
    nodes.on_add = [this](const NodePtr& node, bool) {
      if (!evicting(*node).empty()) look_at_pods(node->metadata.name);
    };
    nodes.on_update = [this](const NodePtr& before, const NodePtr& after) {
      if (!same(evicting(*before), evicting(*after))) look_at_pods(after->metadata.name);
    };
    nodes_.add_handler(std::move(nodes));
    client::Informer<Pod>::Handler pods;
    const auto look = [this](const pods::PodPtr& pod) {
      const NodePtr node = pod->spec.node_name.empty() ? nullptr : nodes_.get(pod->spec.node_name);
      if (node != nullptr && !evicting(*node).empty()) look_at(*pod);
    };
    pods.on_add = [look](const pods::PodPtr& pod, bool) { look(pod); };
    pods.on_update = [look](const pods::PodPtr& before, const pods::PodPtr& after) {
      if (before->spec.node_name != after->spec.node_name || !same_tolerations(before->spec.tolerations, after->spec.tolerations)) look(after);
    };
    pods.on_delete = [this](const pods::PodPtr& pod) { due_.erase(pod->metadata.uid); };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override { loop_.start(deps_.workers(8)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void look_at(const Pod& pod) { loop_.queue().add(client::object_key(pod.metadata.namespace_, pod.metadata.name)); }
  void look_at_pods(const std::string& node) {
    for (const pods::PodPtr& pod : deps_.pods.on_node(node)) look_at(*pod);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  // Ends the wait for its eviction, if there is one.
  void cancel(const Pod& pod) {
    if (due_.erase(pod.metadata.uid) > 0)
      deps_.events.normal(pod, "TaintManagerEviction", "Cancelling deletion of Pod " + pod.metadata.namespace_ + "/" + pod.metadata.name);
  }
  rt::Task<Result<Unit>> evict(rt::Context ctx, pods::PodPtr pod, rt::TimePoint due);

  ControllerDeps deps_;
  client::Informer<Node> nodes_;
  std::map<std::string, rt::TimePoint> due_;  // by uid: when it goes
  component::metrics::Counter& deletions_ =
      deps_.families.counter("taint_eviction_controller_pod_deletions_total", "Pods that were deleted for a taint of their node.");
  component::metrics::Histogram& deletion_duration_ = deps_.families.histogram(
      "taint_eviction_controller_pod_deletion_duration_seconds", "Time from when a pod had to go until it was deleted.", pods::deletion_bounds);
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> TaintEvictionController::evict(rt::Context ctx, pods::PodPtr pod, rt::TimePoint due) {
  deps_.events.normal(*pod, "TaintManagerEviction", "Marking for deletion Pod " + pod->metadata.namespace_ + "/" + pod->metadata.name);
  pods::Disruption why{"DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", false};
  CO_TRY(co_await pods::mark_disrupted(deps_.client, ctx, pod, std::move(why), deps_.runtime.clock().wall_now()));
  client::DeleteOptions options;
  options.precondition_uid = pod->metadata.uid;
  auto done = co_await deps_.client.remove<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) co_return Unexpected(std::move(done).error());
  if (done) {
    deletions_.add();
    deletion_duration_.observe(rt::seconds(deps_.runtime.clock().now() - due));
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> TaintEvictionController::sync(rt::Context ctx, std::string key) {
  const pods::PodPtr pod = deps_.pods.get(key);
  if (pod == nullptr || pods::is_deleted(pod->metadata) || pod->spec.node_name.empty()) co_return Unit{};
  const NodePtr node = nodes_.get(pod->spec.node_name);
  const auto taints = node ? evicting(*node) : std::vector<api::core_v1::Taint>();
  const Stay stay = plan_stay(taints, pod->spec.tolerations, deps_.options.feature_gates.enabled("TaintTolerationComparisonOperators"));
  if (taints.empty() || stay.forever) {
    cancel(*pod);
    co_return Unit{};
  }
  if (stay.time == rt::Duration::zero()) {
    cancel(*pod);
    co_return co_await evict(std::move(ctx), pod, deps_.runtime.clock().now());
  }
  // As upstream: the time is set once, and other taints or tolerations that bound it too do not move it.
  const rt::TimePoint now = deps_.runtime.clock().now();
  const rt::TimePoint due = due_.try_emplace(pod->metadata.uid, now + stay.time).first->second;
  if (now < due) {
    loop_.queue().add_after(key, due - now);
    co_return Unit{};
  }
  co_return co_await evict(std::move(ctx), pod, due);
}

}  // namespace

std::unique_ptr<Controller> make_taint_eviction_controller(ControllerDeps deps) { return std::make_unique<TaintEvictionController>(std::move(deps)); }

}  // namespace pintle::controller::taint_eviction

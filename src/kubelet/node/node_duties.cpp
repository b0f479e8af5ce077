#include "kubelet/node/node_duties.h"

#include <algorithm>
#include <map>

#include "component/feature_gates.h"
#include "component/log.h"
#include "kubelet/status/conditions.h"
#include "kubelet/types/pod.h"
#include "rt/far_time.h"

namespace pintle::kubelet::node {

namespace {

namespace log = component::log;
using api::core_v1::Node;
using api::core_v1::Pod;

}  // namespace

NodeDuties::NodeDuties(NodeDutiesDeps deps, NodeDutiesOptions options) : deps_(std::move(deps)), options_(std::move(options)) {}
NodeDuties::~NodeDuties() = default;

Result<Unit> NodeDuties::start() {
  TRY(admission::check_sysctl_patterns(deps_.config.allowed_unsafe_sysctls));
  const std::map<std::string, bool> wanted(deps_.config.feature_gates.begin(), deps_.config.feature_gates.end());
  TRY_ASSIGN(const auto gates, component::FeatureGates::parse(wanted));
  toleration_comparisons_ = gates.enabled("TaintTolerationComparisonOperators");
  declares_features_ = gates.enabled("NodeDeclaredFeatures");
  deps_.workers.set_admission([this](const Pod& pod) { return admit(pod); });
  if (deps_.client) {
    static_pods::MirrorPodsDeps mirrors{deps_.runtime, *deps_.client, deps_.pods, options_.identity.name, [this] {
                                          const auto node = deps_.node();
                                          return node ? node->metadata.uid : std::string();
                                        }};
    mirrors_ = std::make_unique<static_pods::MirrorPods>(std::move(mirrors));
    mirrors_->start();
  }
  return start_static_pods();
}

void NodeDuties::set_static_pods(const std::string& source, std::vector<PodPtr> all) {
  deps_.pods.set(source, std::move(all));
  deps_.workers.look_again();
  changed();
}

Result<Unit> NodeDuties::start_static_pods() {
  if (!deps_.config.static_pod_path.empty()) {
    deps_.pods.expect("file");
    static_pods::StaticPodDeps pods{deps_.runtime, deps_.config.static_pod_path, options_.identity.name,
                                    [this](std::vector<PodPtr> all) { set_static_pods("file", std::move(all)); }};
    static_pods_ = std::make_unique<static_pods::StaticPodSource>(std::move(pods));
    static_pods_->start();
  }
  if (!deps_.config.static_pod_url.empty()) {
    deps_.pods.expect("http");
    TRY_ASSIGN(auto pods, static_pods::url_pod_deps(deps_.runtime, deps_.config));
    pods.node_name = options_.identity.name;
    pods.set = [this](std::vector<PodPtr> all) { set_static_pods("http", std::move(all)); };
    url_pods_ = std::make_unique<static_pods::UrlPodSource>(std::move(pods));
    url_pods_->start();
  }
  return Unit{};
}

rt::Task<void> NodeDuties::stop() {
  if (static_pods_) co_await static_pods_->stop();
  if (url_pods_) co_await url_pods_->stop();
  if (mirrors_) co_await mirrors_->stop();
}

void NodeDuties::changed() {
  if (mirrors_) mirrors_->poke();
}

std::vector<std::string> NodeDuties::not_ready() const {
  std::vector<std::string> out;
  if (shutting_down_) out.emplace_back("node is shutting down");
  return out;
}

// Before the API server has told, the node is what it will be registered as.
std::shared_ptr<const Node> NodeDuties::known_node() const {
  if (auto node = deps_.node ? deps_.node() : nullptr) return node;
  Node node = initial_node(options_.identity, options_.machine);
  node.status.allocatable = options_.allocatable;
  return std::make_shared<const Node>(std::move(node));
}

std::optional<WaitingReason> NodeDuties::admit(const Pod& pod) {
  const auto node = known_node();
  const admission::PodAdmissionInputs inputs{pod,
                                             node.get(),
                                             deps_.workers.active(pod.metadata.uid),
                                             deps_.pressure(),
                                             shutting_down_,
                                             deps_.config.allowed_unsafe_sysctls,
                                             toleration_comparisons_,
                                             options_.machine.app_armor,
                                             declares_features_ ? std::optional(options_.identity.declared_features) : std::nullopt,
                                             deps_.device_resources ? deps_.device_resources() : std::set<std::string>()};
  const admission::PodAdmission outcome = admission::admit_pod(inputs);
  if (!outcome.admitted) return WaitingReason{outcome.reason, outcome.message};
  for (const Pod* victim : outcome.preempt) {
    deps_.events.warning(*victim, "", admission::preemption_reason, admission::preemption_message);
    pods::PodEnd end;
    end.reason = admission::preemption_reason;
    end.message = admission::preemption_message;
    end.condition = status::disruption_by_kubelet("Pod was preempted by Kubelet to accommodate a critical pod.");
    deps_.workers.end(victim->metadata.uid, std::move(end));
  }
  return std::nullopt;
}

bool NodeDuties::has_shutdown() const { return !shutdown::shutdown_groups(deps_.config).empty(); }

rt::Task<void> NodeDuties::end_group(rt::Context ctx, const shutdown::ShutdownGroup* group) {
  const rt::Context bounded = ctx.with_timeout(rt::seconds_of(group->grace_seconds));
  for (const PodPtr& pod : group->pods) {
    pods::PodEnd end;
    end.reason = shutdown::shutdown_reason;
    end.message = shutdown::shutdown_message;
    end.grace_seconds = shutdown::shutdown_grace(*group, *pod);
    end.condition = status::disruption_by_kubelet(shutdown::shutdown_message);
    deps_.workers.end(pod->metadata.uid, std::move(end));
  }
  const auto running = [this](const PodPtr& pod) {
    const pods::PodWorker* worker = deps_.workers.find(pod->metadata.uid);
    return worker && !worker->terminated();
  };
  while (!bounded.done() && std::ranges::any_of(group->pods, running)) {
    const uint64_t seen = deps_.workers.changes().value();
    if (std::ranges::none_of(group->pods, running)) break;
    (void)co_await deps_.workers.changes().wait(bounded, seen + 1);
  }
}

rt::Duration NodeDuties::shutdown_time() const {
  rt::Duration out{};
  for (const shutdown::ShutdownGroup& group : shutdown::shutdown_groups(deps_.config)) out += rt::seconds_of(group.grace_seconds);
  return out;
}

void NodeDuties::shutdown_cancelled() {
  shutting_down_ = false;
  if (deps_.status_changed) deps_.status_changed();
  log::info(0, "The node does not shut down after all");
}

rt::Task<void> NodeDuties::shut_down(rt::Context ctx) {
  std::vector<shutdown::ShutdownGroup> groups = shutdown::shutdown_groups(deps_.config);
  if (groups.empty()) co_return;
  shutting_down_ = true;
  if (deps_.status_changed) deps_.status_changed();
  log::info(0, "The node shuts down; its pods end");
  std::vector<PodPtr> pods;
  for (const auto& [uid, worker] : deps_.workers.all())
    if (!worker->terminated()) pods.push_back(worker->pod());
  shutdown::assign_pods(groups, pods);
  for (const shutdown::ShutdownGroup& group : groups)
    if (!group.pods.empty()) co_await end_group(ctx, &group);
}

}  // namespace pintle::kubelet::node

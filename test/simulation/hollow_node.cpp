#include "hollow_node.h"

#include <chrono>

#include "api/gen/coordination_v1.h"
#include "rules/pod_state.h"

namespace pintle::testing {

namespace {

namespace core = api::core_v1;
namespace coordination = api::coordination_v1;

constexpr const char* lease_namespace = "kube-node-lease";

client::InformerOptions pods_of_node(const std::string& node) {
  client::InformerOptions options;
  options.field_selector = "spec.nodeName=" + node;
  return options;
}

client::InformerOptions node_itself(const std::string& node) {
  client::InformerOptions options;
  options.field_selector = "metadata.name=" + node;
  return options;
}

// Running, and ready: the control plane marks pods of nodes that it has lost sight of as not ready.
bool says_it_runs(const core::Pod& pod) {
  if (pod.status.phase != "Running") return false;
  for (const core::PodCondition& one : pod.status.conditions)
    if (one.type == "Ready") return one.status == "True";
  return false;
}

core::PodCondition condition(std::string type, api::Time since) {
  core::PodCondition out;
  out.type = std::move(type);
  out.status = "True";
  out.last_transition_time = since;
  return out;
}

}  // namespace

HollowNode::HollowNode(rt::Runtime& runtime, client::Client& client, HollowNodeOptions options)
    : runtime_(runtime),
      client_(client),
      options_(std::move(options)),
      informers_(client),
      pods_(informers_.of<core::Pod>("of-node", pods_of_node(options_.name))),
      node_(informers_.of<core::Node>("itself", node_itself(options_.name))),
      loop_(runtime, "hollow-node", [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
  node_.on_any([this](const core::Node& node) { loop_.queue().add(node.metadata.name); });
  pods_.on_any([this](const core::Pod& pod) { loop_.queue().add(client::object_key(pod.metadata.namespace_, pod.metadata.name)); });
}

api::Time HollowNode::now() const {
  const auto since = runtime_.clock().wall_now().time_since_epoch();
  return api::time_from_unix(std::chrono::duration_cast<std::chrono::seconds>(since).count(), 0);
}

rt::Task<void> HollowNode::run(rt::Context ctx) {
  while (true) {
    auto registered = co_await register_node(ctx);
    if (registered) break;
    auto slept = co_await rt::sleep_for(ctx, std::chrono::seconds(1));
    if (!slept) co_return;
  }
  informers_.start();
  loop_.start(1);
  co_await keep_lease(ctx);
  co_await loop_.stop();
  co_await informers_.stop();
}

rt::Task<Result<Unit>> HollowNode::register_node(rt::Context ctx) {
  core::Node node;
  node.metadata.name = options_.name;
  node.metadata.labels["kubernetes.io/hostname"] = options_.name;
  for (const auto& [label, value] : options_.labels) node.metadata.labels[label] = value;
  if (!options_.zone.empty()) node.metadata.labels["topology.kubernetes.io/zone"] = options_.zone;
  for (auto* amounts : {&node.status.capacity, &node.status.allocatable}) {
    (*amounts)["cpu"] = api::Quantity::from_int(options_.cpus);
    (*amounts)["memory"] = *api::Quantity::parse(options_.memory);
    (*amounts)["pods"] = api::Quantity::from_int(options_.pods_max);
  }
  core::NodeCondition ready;
  ready.type = "Ready";
  ready.status = "True";
  ready.reason = "KubeletReady";
  ready.last_heartbeat_time = ready.last_transition_time = now();
  node.status.conditions.push_back(ready);
  core::NodeAddress address;
  address.type = "InternalIP";
  address.address = options_.address;
  node.status.addresses.push_back(address);
  auto created = co_await client_.create<core::Node>(ctx, node);
  if (created || created.error().reason == Reason::AlreadyExists) co_return Unit{};
  co_return Unexpected(created.error());
}

rt::Task<void> HollowNode::keep_lease(rt::Context ctx) {
  while (!ctx.done()) {
    // A renewal that fails is tried again at its next time; until the node is late, nobody minds.
    (void)co_await renew_lease(ctx);
    (void)co_await rt::sleep_for(ctx, options_.lease_period);
  }
}

rt::Task<Result<Unit>> HollowNode::renew_lease(rt::Context ctx) {
  api::MicroTime renewed;
  static_cast<api::Time&>(renewed) = now();
  auto lease = co_await client_.get<coordination::Lease>(ctx, lease_namespace, options_.name);
  if (lease) {
    lease->spec.renew_time = renewed;
    auto updated = co_await client_.update<coordination::Lease>(ctx, *lease);
    if (!updated) co_return Unexpected(updated.error());
    co_return Unit{};
  }
  if (lease.error().reason != Reason::NotFound) co_return Unexpected(lease.error());
  coordination::Lease fresh;
  fresh.metadata.name = options_.name;
  fresh.metadata.namespace_ = lease_namespace;
  fresh.spec.holder_identity = options_.name;
  fresh.spec.lease_duration_seconds = 40;
  fresh.spec.renew_time = renewed;
  auto created = co_await client_.create<coordination::Lease>(ctx, fresh);
  if (!created) co_return Unexpected(created.error());
  co_return Unit{};
}

core::Pod HollowNode::running(core::Pod pod) {
  const api::Time since = now();
  pod.status.phase = "Running";
  pod.status.start_time = since;
  pod.status.host_ip = options_.address;
  pod.status.pod_ip = "10.200." + std::to_string(addresses_ / 250 % 250) + "." + std::to_string(1 + addresses_ % 250);
  ++addresses_;
  core::PodIP ip;
  ip.ip = pod.status.pod_ip;
  pod.status.pod_ips = {ip};
  std::vector<core::PodCondition> conditions;
  for (const char* type : {"Initialized", "Ready", "ContainersReady", "PodScheduled"}) conditions.push_back(condition(type, since));
  pod.status.conditions = std::move(conditions);
  pod.status.container_statuses.clear();
  for (const auto& container : pod.spec.containers) {
    core::ContainerStatus status;
    status.name = container.name;
    status.image = container.image;
    status.image_id = container.image;
    status.ready = true;
    status.started = true;
    core::ContainerStateRunning state;
    state.started_at = since;
    status.state.running = state;
    pod.status.container_statuses.push_back(std::move(status));
  }
  return pod;
}

rt::Task<Result<Unit>> HollowNode::sync(rt::Context ctx, std::string key) {
  if (key == options_.name) co_return co_await sync_node(std::move(ctx));
  co_return co_await sync_pod(std::move(ctx), std::move(key));
}

rt::Task<Result<Unit>> HollowNode::sync_node(rt::Context ctx) {
  const auto known = node_.get(options_.name);
  if (!known) co_return Unit{};
  core::Node node = *known;
  bool changed = false;
  for (core::NodeCondition& ready : node.status.conditions) {
    if (ready.type != "Ready" || ready.status == "True") continue;
    ready.status = "True";
    ready.reason = "KubeletReady";
    ready.last_heartbeat_time = ready.last_transition_time = now();
    changed = true;
  }
  if (!changed) co_return Unit{};
  auto updated = co_await client_.update_status<core::Node>(ctx, node);
  if (!updated) co_return Unexpected(updated.error());
  co_return Unit{};
}

rt::Task<Result<Unit>> HollowNode::sync_pod(rt::Context ctx, std::string key) {
  const auto pod = pods_.get(key);
  if (!pod) {
    ended(key);
    co_return Unit{};
  }
  if (pod->metadata.deletion_timestamp) {
    ended(key);
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.precondition_uid = pod->metadata.uid;
    auto removed = co_await client_.remove<core::Pod>(ctx, pod->metadata.namespace_, pod->metadata.name, options);
    if (!removed && removed.error().reason != Reason::NotFound && removed.error().reason != Reason::Conflict) co_return Unexpected(removed.error());
    co_return Unit{};
  }
  if (rules::is_terminal(*pod)) {
    ended(key);
    co_return Unit{};
  }
  if (options_.on_start) options_.on_start(*pod);
  if (says_it_runs(*pod)) co_return co_await end_pod(std::move(ctx), pod);
  CO_TRY(co_await rt::sleep_for(ctx, options_.pod_start_time));
  auto updated = co_await client_.update_status<core::Pod>(ctx, running(*pod));
  if (!updated && updated.error().reason != Reason::NotFound) co_return Unexpected(updated.error());
  co_return Unit{};
}

// One that has done its work. One that is to run for ever is left alone.
rt::Task<Result<Unit>> HollowNode::end_pod(rt::Context ctx, std::shared_ptr<const core::Pod> pod) {
  if (pod->spec.restart_policy != "Never") co_return Unit{};
  const int64_t ran_s = now().seconds - (pod->status.start_time ? pod->status.start_time->seconds : 0);
  const rt::Duration left = options_.pod_run_time - std::chrono::seconds(ran_s);
  if (left > rt::Duration::zero()) {
    loop_.queue().add_after(client::object_key(pod->metadata.namespace_, pod->metadata.name), left);
    co_return Unit{};
  }
  core::Pod done = *pod;
  done.status.phase = "Succeeded";
  for (auto& status : done.status.container_statuses) {
    core::ContainerStateTerminated state;
    state.started_at = status.state.running ? status.state.running->started_at : now();
    state.finished_at = now();
    state.reason = "Completed";
    status.state = {};
    status.state.terminated = state;
    status.ready = false;
  }
  for (auto& one : done.status.conditions)
    if (one.type == "Ready" || one.type == "ContainersReady") one.status = "False";
  auto updated = co_await client_.update_status<core::Pod>(std::move(ctx), std::move(done));
  if (!updated && updated.error().reason != Reason::NotFound) co_return Unexpected(updated.error());
  co_return Unit{};
}

}  // namespace pintle::testing

#include "kubelet/node/node_agent.h"

#include <algorithm>
#include <cstdlib>

#include "apimachinery/clock_time.h"
#include "component/log.h"
#include "kubelet/node/node_lease.h"
#include "rt/sync.h"

namespace pintle::kubelet::node {

namespace {

using namespace std::chrono_literals;
using api::core_v1::Node;
namespace log = component::log;

constexpr auto register_backoff_first = 100ms;
constexpr auto register_backoff_max = 7s;
// Until the node is ready for the first time the runtime is asked this often: its network comes up within moments.
constexpr auto not_ready_first = 50ms;
constexpr auto not_ready_max = 1s;
// A runtime that says nothing for this long is down.
constexpr auto runtime_silence_max = 30s;
constexpr auto observe_timeout = 10s;
// Images change by our own doing, which tells; this catches what others do.
constexpr auto images_age_max = 5min;
constexpr int patch_tries_max = 5;

api::Time now_of(rt::Runtime& runtime) { return apimachinery::to_api_time(runtime.clock().wall_now()); }

uint64_t revision(const Node& node) { return std::strtoull(node.metadata.resource_version.c_str(), nullptr, 10); }

rt::Duration or_default(api::Duration configured, rt::Duration otherwise) {
  return configured.nanos > 0 ? rt::Duration(configured.nanos) : otherwise;
}

}  // namespace

NodeTiming node_timing(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  NodeTiming out;
  out.status_update = or_default(config.node_status_update_frequency, out.status_update);
  out.status_report = or_default(config.node_status_report_frequency, out.status_report);
  if (config.node_lease_duration_seconds > 0) out.lease_seconds = config.node_lease_duration_seconds;
  return out;
}

api::core_v1::ObjectReference node_reference(const std::string& node_name) {
  api::core_v1::ObjectReference out;
  out.api_version = "v1";
  out.kind = "Node";
  out.name = node_name;
  out.uid = node_name;  // as upstream's
  return out;
}

client::InformerOptions own_node_options(const std::string& node_name) {
  client::InformerOptions options;
  options.field_selector = "metadata.name=" + node_name;
  return options;
}

struct NodeAgent::State {
  State(NodeAgentDeps s, NodeAgentOptions o)
      : deps(std::move(s)),
        options(std::move(o)),
        informer(deps.informers.of<Node>(own_node_informer, own_node_options(options.identity.name))),
        reference(node_reference(options.identity.name)) {}

  rt::Task<void> run(rt::Context ctx);
  rt::Task<bool> register_node(rt::Context ctx);
  rt::Task<Result<Unit>> try_register(rt::Context ctx);
  rt::Task<NodeObservation> observe(rt::Context ctx);
  rt::Task<void> look_at_images(rt::Context ctx);
  rt::Task<Result<Unit>> update(rt::Context ctx);
  void follow();
  void on_node(const Node& node);
  void tell(const std::vector<NodeEvent>& said);
  bool report_is_due() const;
  NodeObservation known() const;

  NodeAgentDeps deps;
  const NodeAgentOptions options;
  client::Informer<Node> informer;
  const api::core_v1::ObjectReference reference;
  rt::TaskGroup tasks;
  rt::Event poked;
  rt::Event became_ready;
  bool registered = false;
  bool ready = false;
  std::shared_ptr<const Node> latest;  // the newest of what was written and what was seen
  std::vector<std::string> pod_cidrs;
  std::optional<bool> unschedulable;
  std::optional<RuntimeObservation> runtime;
  rt::TimePoint runtime_heard{};
  std::vector<api::core_v1::ContainerImage> images;
  bool images_stale = true;
  rt::TimePoint images_seen{};
  std::optional<rt::TimePoint> reported;
  rt::Duration report_after{};
};

void NodeAgent::State::tell(const std::vector<NodeEvent>& said) {
  for (const NodeEvent& event : said) {
    if (event.warning) {
      deps.events.warning(reference, event.reason, event.message);
    } else {
      deps.events.normal(reference, event.reason, event.message);
    }
  }
}

void NodeAgent::State::on_node(const Node& node) {
  if (deps.on_node) deps.on_node();
  if (deps.on_pod_cidrs && !node.spec.pod_cidrs.empty() && node.spec.pod_cidrs != pod_cidrs) {
    pod_cidrs = node.spec.pod_cidrs;
    deps.on_pod_cidrs(pod_cidrs);
    poked.set();
  }
  const bool now_unschedulable = node.spec.unschedulable;
  if (unschedulable.value_or(false) != now_unschedulable) {
    const std::string what = now_unschedulable ? "NodeNotSchedulable" : "NodeSchedulable";
    deps.events.normal(reference, what, "Node " + options.identity.name + " status is now: " + what);
  }
  unschedulable = now_unschedulable;
}

void NodeAgent::State::follow() {
  client::Informer<Node>::Handler handler;
  const auto take = [this](const client::Informer<Node>::Ptr& node) {
    // The watch may bring what is older than our own last write.
    if (!latest || revision(*node) > revision(*latest)) latest = node;
    on_node(*node);
  };
  handler.on_add = [take](const auto& node, bool) { take(node); };
  handler.on_update = [take](const auto&, const auto& node) { take(node); };
  handler.on_delete = [this](const auto&) { log::warning("The node's object was deleted", {{"node", options.identity.name}}); };
  informer.add_handler(std::move(handler));
}

rt::Task<Result<Unit>> NodeAgent::State::try_register(rt::Context ctx) {
  Node wanted = initial_node(options.identity, options.machine);
  co_await look_at_images(ctx);
  const NodeObservation seen = co_await observe(ctx);
  std::vector<NodeEvent> said;
  wanted = update_node(wanted, options.identity, seen, now_of(deps.runtime), said);
  auto created = co_await deps.client.create<Node>(ctx, wanted);
  if (created) {
    tell(said);
    latest = std::make_shared<const Node>(std::move(*created));
    co_return Unit{};
  }
  if (created.error().reason != Reason::AlreadyExists && created.error().reason != Reason::Forbidden)
    co_return Unexpected(std::move(created).error());
  const Status refused = created.error();
  auto existing = co_await deps.client.get<Node>(ctx, std::string(), options.identity.name);
  if (!existing) co_return Unexpected(refused.reason == Reason::Forbidden ? refused : existing.error());
  Node reconciled = *existing;
  if (reconcile_node(reconciled, wanted)) {
    client::PatchOptions to_status;
    to_status.subresource = "status";
    std::string patch = node_patch(*existing, reconciled);
    auto patched =
        co_await deps.client.patch<Node>(ctx, std::string(), options.identity.name, client::PatchType::Strategic, std::move(patch), to_status);
    if (!patched) co_return Unexpected(std::move(patched).error());
    reconciled = std::move(*patched);
  }
  latest = std::make_shared<const Node>(std::move(reconciled));
  co_return Unit{};
}

rt::Task<bool> NodeAgent::State::register_node(rt::Context ctx) {
  rt::Duration backoff = register_backoff_first;
  while (!ctx.done()) {
    auto done = co_await try_register(ctx);
    if (done) {
      log::info(0, "Successfully registered node", {{"node", options.identity.name}});
      co_return true;
    }
    if (ctx.done()) break;
    log::error("The API server did not take this node", done.error(), {{"node", options.identity.name}});
    (void)co_await rt::sleep_for(ctx, backoff);
    backoff = std::min<rt::Duration>(backoff * 2, register_backoff_max);
  }
  co_return false;
}

rt::Task<void> NodeAgent::State::look_at_images(rt::Context ctx) {
  const rt::TimePoint now = deps.runtime.clock().now();
  if (!images_stale && now - images_seen < images_age_max) co_return;
  const rt::Context bounded = ctx.with_timeout(observe_timeout);
  images_stale = false;
  auto list = co_await deps.container_runtime.images(bounded);
  if (!list) {
    images_stale = true;
    co_return;
  }
  images = std::move(*list);
  images_seen = now;
}

NodeObservation NodeAgent::State::known() const {
  NodeObservation seen;
  seen.capacity = options.capacity;
  seen.allocatable = options.allocatable;
  if (deps.devices) {
    const devices::NodeDevices brought = deps.devices();
    for (const auto& [name, amount] : brought.capacity) seen.capacity[name] = amount;
    for (const auto& [name, amount] : brought.allocatable) seen.allocatable[name] = amount;
  }
  seen.machine = options.machine;
  seen.runtime = runtime;
  seen.runtime_silent = runtime_heard != rt::TimePoint{} && deps.runtime.clock().now() - runtime_heard >= runtime_silence_max;
  seen.images = images;
  if (deps.pressure) seen.pressure = deps.pressure();
  if (deps.volumes_in_use) seen.volumes_in_use = deps.volumes_in_use();
  if (deps.other_errors) seen.other_errors = deps.other_errors();
  return seen;
}

rt::Task<NodeObservation> NodeAgent::State::observe(rt::Context ctx) {
  const rt::Context bounded = ctx.with_timeout(observe_timeout);
  auto answer = co_await deps.container_runtime.observe(bounded);
  if (answer) {
    runtime = std::move(*answer);
    runtime_heard = deps.runtime.clock().now();
  } else if (!ctx.done()) {
    log::error("The container runtime does not tell its status", answer.error());
  }
  co_return known();
}

// Reports of many nodes come at different times; a change starts a new random interval, as upstream's.
bool NodeAgent::State::report_is_due() const { return !reported || deps.runtime.clock().now() - *reported >= report_after; }

rt::Task<Result<Unit>> NodeAgent::State::update(rt::Context ctx) {
  co_await look_at_images(ctx);
  const NodeObservation seen = co_await observe(ctx);
  Result<Unit> outcome = Unit{};
  for (int tried = 0; tried < patch_tries_max && !ctx.done(); ++tried) {
    if (tried > 0 || !latest) {
      auto read = co_await deps.client.get<Node>(ctx, std::string(), options.identity.name);
      if (!read) {
        outcome = Unexpected(std::move(read).error());
        continue;
      }
      latest = std::make_shared<const Node>(std::move(*read));
    }
    const std::shared_ptr<const Node> before = latest;
    std::vector<NodeEvent> said;
    const Node after = update_node(*before, options.identity, seen, now_of(deps.runtime), said);
    const bool changed = status_changed(before->status, after.status) || before->metadata.labels != after.metadata.labels;
    if (!changed && !report_is_due()) co_return Unit{};
    client::PatchOptions to_status;
    to_status.subresource = "status";
    std::string patch = node_patch(*before, after);
    auto patched =
        co_await deps.client.patch<Node>(ctx, std::string(), options.identity.name, client::PatchType::Strategic, std::move(patch), to_status);
    if (!patched) {
      outcome = Unexpected(std::move(patched).error());
      continue;
    }
    tell(said);
    // What was written may be newer than what the watch has brought.
    latest = std::make_shared<const Node>(std::move(*patched));
    const auto interval = options.timing.status_report;
    report_after = interval;
    if (changed || !reported)
      report_after += rt::Duration(static_cast<int64_t>(deps.runtime.random().below(static_cast<uint64_t>(interval.count())))) - interval / 2;
    reported = deps.runtime.clock().now();
    ready = is_ready(*latest);
    if (ready) became_ready.set();
    co_return Unit{};
  }
  co_return outcome;
}

rt::Task<void> NodeAgent::State::run(rt::Context ctx) {
  deps.events.normal(reference, "Starting", "Starting kubelet.");
  if (options.register_node) {
    const bool done = co_await register_node(ctx);
    if (!done) co_return;
    registered = true;
    on_node(*latest);
  }
  follow();
  deps.informers.start();
  NodeLeaseOptions lease{options.identity.name, latest ? latest->metadata.uid : std::string(), options.timing.lease_seconds};
  tasks.spawn(keep_node_lease(ctx, NodeLeaseDeps{deps.runtime, deps.client}, std::move(lease)));
  rt::Duration not_ready_wait = not_ready_first;
  while (!ctx.done()) {
    poked.reset();
    auto updated = co_await update(ctx);
    if (ctx.done()) break;
    if (!updated) log::error("The node's status was not written", updated.error());
    rt::Duration wait = options.timing.status_update;
    if (!became_ready.is_set()) {
      wait = std::min(wait, not_ready_wait);
      not_ready_wait = std::min<rt::Duration>(not_ready_wait * 2, not_ready_max);
    }
    (void)co_await poked.wait(ctx.with_timeout(wait));
  }
}

NodeAgent::NodeAgent(NodeAgentDeps deps, NodeAgentOptions options) : state_(std::make_unique<State>(std::move(deps), std::move(options))) {}
NodeAgent::~NodeAgent() = default;

void NodeAgent::start() { state_->tasks.spawn(state_->run(state_->tasks.context())); }
rt::Task<void> NodeAgent::stop() { co_await state_->tasks.close(); }
void NodeAgent::poke() { state_->poked.set(); }
void NodeAgent::images_changed() {
  state_->images_stale = true;
  state_->poked.set();
}
std::shared_ptr<const Node> NodeAgent::node() const { return state_->latest; }
bool NodeAgent::registered() const { return state_->registered; }
bool NodeAgent::ready() const { return state_->ready; }
rt::Task<Result<Unit>> NodeAgent::wait_ready(rt::Context ctx) { co_return co_await state_->became_ready.wait(ctx); }

}  // namespace pintle::kubelet::node

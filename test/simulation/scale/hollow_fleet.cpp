#include "hollow_fleet.h"

#include <charconv>
#include <chrono>

#include "api/gen/coordination_v1.h"
#include "rules/pod_state.h"

namespace pintle::testing {
namespace {

namespace core = api::core_v1;
namespace coordination = api::coordination_v1;

constexpr const char* lease_namespace = "kube-node-lease";
constexpr std::string_view prefix = "hollow-";
constexpr int64_t page = 500;
constexpr rt::Duration retry_wait = std::chrono::seconds(1);

std::string name_of(int node) { return std::string(prefix) + std::to_string(node); }

// -1: none of ours.
int number_of(std::string_view name) {
  if (!name.starts_with(prefix)) return -1;
  int number = -1;
  (void)std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return number;
}

std::string address_of(int node) {
  return std::to_string(11 + node / 62500) + "." + std::to_string(node / 250 % 250) + "." + std::to_string(node % 250) + ".1";
}

}  // namespace

HollowFleet::HollowFleet(rt::Runtime& runtime, client::Client& client, HollowFleetOptions options)
    : runtime_(runtime),
      client_(client),
      options_(options),
      alive_(static_cast<std::size_t>(options.zones), true),
      lease_versions_(static_cast<std::size_t>(options.nodes)) {}

std::string HollowFleet::now_text() const {
  const auto since = runtime_.clock().wall_now().time_since_epoch();
  return api::format_time(api::time_from_unix(std::chrono::duration_cast<std::chrono::seconds>(since).count(), 0));
}

rt::Task<Result<Unit>> HollowFleet::register_node(int number) {
  core::Node node;
  node.metadata.name = name_of(number);
  node.metadata.labels["kubernetes.io/hostname"] = node.metadata.name;
  node.metadata.labels["topology.kubernetes.io/zone"] = "zone-" + std::to_string(number % options_.zones);
  for (auto* amounts : {&node.status.capacity, &node.status.allocatable}) {
    (*amounts)["cpu"] = api::Quantity::from_int(32);
    (*amounts)["memory"] = *api::Quantity::parse("256Gi");
    (*amounts)["pods"] = api::Quantity::from_int(110);
  }
  core::NodeCondition ready;
  ready.type = "Ready";
  ready.status = "True";
  ready.reason = "KubeletReady";
  const auto since = runtime_.clock().wall_now().time_since_epoch();
  ready.last_heartbeat_time = ready.last_transition_time = api::time_from_unix(std::chrono::duration_cast<std::chrono::seconds>(since).count(), 0);
  node.status.conditions.push_back(ready);
  core::NodeAddress address;
  address.type = "InternalIP";
  address.address = address_of(number);
  node.status.addresses.push_back(address);
  auto created = co_await client_.create<core::Node>(rt::Context::background(), std::move(node));
  if (!created) co_return Unexpected(std::move(created).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> HollowFleet::register_all() {
  for (int i = 0; i < options_.nodes; ++i) CO_TRY(co_await register_node(i));
  co_return Unit{};
}

void HollowFleet::start() {
  tasks_.spawn(follow_pods(tasks_.context()));
  for (int hand = 0; hand < options_.hands; ++hand) {
    tasks_.spawn(keep_leases(tasks_.context(), hand));
    tasks_.spawn(work(tasks_.context()));
  }
}

rt::Task<void> HollowFleet::stop() { co_await tasks_.close(); }

// Each hand has every options_.hands-th node, and renews them evenly over the period.
rt::Task<void> HollowFleet::keep_leases(rt::Context ctx, int hand) {
  const int mine = (options_.nodes - hand + options_.hands - 1) / options_.hands;
  if (mine <= 0) co_return;
  const rt::Duration pause = options_.lease_period / mine;
  while (!ctx.done()) {
    for (int node = hand; node < options_.nodes && !ctx.done(); node += options_.hands) {
      (void)co_await rt::sleep_for(ctx, pause);
      if (!is_alive(node)) continue;
      coordination::Lease lease;
      lease.metadata.name = name_of(node);
      lease.metadata.namespace_ = lease_namespace;
      std::string& version = lease_versions_[static_cast<std::size_t>(node)];
      lease.metadata.resource_version = version;
      lease.spec.holder_identity = lease.metadata.name;
      lease.spec.lease_duration_seconds = 40;
      api::MicroTime renewed;
      const auto since = runtime_.clock().wall_now().time_since_epoch();
      static_cast<api::Time&>(renewed) = api::time_from_unix(std::chrono::duration_cast<std::chrono::seconds>(since).count(), 0);
      lease.spec.renew_time = renewed;
      if (version.empty()) {
        auto made = co_await client_.create<coordination::Lease>(ctx, std::move(lease));
        if (made) version = made->metadata.resource_version;
      } else {
        auto made = co_await client_.update<coordination::Lease>(ctx, std::move(lease));
        if (made) version = made->metadata.resource_version;
      }
    }
  }
}

rt::Task<Result<Unit>> HollowFleet::list_pods(rt::Context ctx, std::string field_selector, std::string& resource_version) {
  client::ListOptions options;
  options.field_selector = std::move(field_selector);
  options.limit = page;
  do {
    auto answer = co_await client_.list<core::Pod>(ctx, options);
    if (!answer) co_return Unexpected(std::move(answer).error());
    for (const core::Pod& pod : answer->items) saw(pod, false);
    resource_version = answer->resource_version;
    options.continue_token = answer->continue_token;
  } while (!options.continue_token.empty());
  co_return Unit{};
}

rt::Task<void> HollowFleet::follow_pods(rt::Context ctx) {
  std::string version;
  while (!ctx.done()) {
    if (version.empty()) {
      auto listed = co_await list_pods(ctx, std::string(), version);
      if (!listed) {
        version.clear();
        (void)co_await rt::sleep_for(ctx, retry_wait);
        continue;
      }
    }
    client::WatchOptions options;
    options.resource_version = version;
    auto watch = co_await client_.watch_objects(ctx, client::resource_of<core::Pod>(), api::type_of<core::Pod>(), std::move(options));
    if (!watch) {
      version.clear();
      (void)co_await rt::sleep_for(ctx, retry_wait);
      continue;
    }
    while (true) {
      auto event = co_await (*watch)->next(ctx);
      if (!event) {
        if (event.error().reason != Reason::ServiceUnavailable) version.clear();
        break;
      }
      version = event->resource_version;
      if (event->type != client::EventType::Bookmark) saw(event->object.as<core::Pod>(), event->type == client::EventType::Deleted);
    }
  }
}

void HollowFleet::saw(const core::Pod& pod, bool gone) {
  const std::string& uid = pod.metadata.uid;
  if (gone) {
    const auto it = states_.find(uid);
    if (it == states_.end()) return;
    bound_ -= it->second.bound;
    ready_ -= it->second.ready;
    states_.erase(it);
    return;
  }
  State& state = states_[uid];
  const bool bound = !pod.spec.node_name.empty(), ready = rules::is_ready(pod);
  bound_ += bound - state.bound;
  ready_ += ready - state.ready;
  state = {bound, ready};
  const int node = number_of(pod.spec.node_name);
  if (node < 0 || !is_alive(node)) return;
  const bool leaves = pod.metadata.deletion_timestamp.has_value();
  if (!leaves && pod.status.phase == "Running" && ready) return;
  if (!under_way_.insert(uid).second && !leaves) return;
  push({leaves ? Task::Remove : Task::Run, node, pod.metadata.namespace_, pod.metadata.name, uid});
}

void HollowFleet::push(Work work) {
  queue_.push_back(std::move(work));
  queued_.set();
}

void HollowFleet::bring_back(int zone) {
  alive_[static_cast<std::size_t>(zone)] = true;
  for (int node = zone; node < options_.nodes; node += options_.zones) push({Task::Return, node, {}, {}, {}});
}

rt::Task<void> HollowFleet::work(rt::Context ctx) {
  while (!ctx.done()) {
    if (queue_.empty()) {
      queued_.reset();
      auto waited = co_await queued_.wait(ctx);
      if (!waited) co_return;
      continue;
    }
    Work next = std::move(queue_.front());
    queue_.pop_front();
    Work again = next;
    auto done = co_await do_work(ctx, std::move(next));
    if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) {
      (void)co_await rt::sleep_for(ctx, retry_wait);
      push(std::move(again));
      continue;
    }
    under_way_.erase(again.uid);
  }
}

std::string HollowFleet::running_status(const Work& work) {
  const std::string now = now_text();
  const std::string ip = std::to_string(100 + addresses_ / 16'000'000) + "." + std::to_string(addresses_ / 62500 % 250) + "." +
                         std::to_string(addresses_ / 250 % 250) + "." + std::to_string(1 + addresses_ % 250);
  ++addresses_;
  std::string conditions;
  for (const char* type : {"Initialized", "Ready", "ContainersReady", "PodReadyToStartContainers"})
    conditions += std::string(conditions.empty() ? "" : ",") + R"({"type":")" + type + R"(","status":"True","lastTransitionTime":")" + now + R"("})";
  return R"({"metadata":{"uid":")" + work.uid + R"("},"status":{"phase":"Running","startTime":")" + now + R"(","hostIP":")" + address_of(work.node) +
         R"(","podIP":")" + ip + R"(","podIPs":[{"ip":")" + ip + R"("}],"conditions":[)" + conditions +
         R"(],"containerStatuses":[{"name":"main","image":"registry.example/web:1","imageID":"registry.example/web:1","ready":true,"started":true,)" +
         R"("restartCount":0,"state":{"running":{"startedAt":")" + now + R"("}}}]}})";
}

rt::Task<Result<Unit>> HollowFleet::do_work(rt::Context ctx, Work work) {
  if (work.task == Task::Return) co_return co_await come_back(ctx, work.node);
  if (!is_alive(work.node)) co_return Unit{};
  if (work.task == Task::Remove) {
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.precondition_uid = work.uid;
    co_return co_await client_.remove<core::Pod>(ctx, work.namespace_name, work.name, std::move(options));
  }
  client::PatchOptions options;
  options.subresource = "status";
  std::string body = running_status(work);
  auto patched =
      co_await client_.patch<core::Pod>(ctx, work.namespace_name, work.name, client::PatchType::Strategic, std::move(body), std::move(options));
  if (!patched) co_return Unexpected(std::move(patched).error());
  co_return Unit{};
}

// What a kubelet does that starts: says that its node is ready, and looks which pods are there.
rt::Task<Result<Unit>> HollowFleet::come_back(rt::Context ctx, int node) {
  client::PatchOptions options;
  options.subresource = "status";
  const std::string now = now_text();
  std::string body = R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","message":"","lastHeartbeatTime":")" + now +
                     R"(","lastTransitionTime":")" + now + R"("}]}})";
  auto patched =
      co_await client_.patch<core::Node>(ctx, std::string(), name_of(node), client::PatchType::Strategic, std::move(body), std::move(options));
  if (!patched) co_return Unexpected(std::move(patched).error());
  std::string version;
  co_return co_await list_pods(ctx, "spec.nodeName=" + name_of(node), version);
}

}  // namespace pintle::testing

#include "workloads.h"

#include <algorithm>

#include "api/gen/apps_v1.h"
#include "api/gen/batch_v1.h"
#include "api/gen/policy_v1.h"
#include "api/testing/from_yaml.h"
#include "client/informers.h"
#include "rules/conditions.h"
#include "rules/owner_references.h"
#include "rules/pod_state.h"

namespace pintle::testing {
namespace {

namespace core = api::core_v1;
namespace apps = api::apps_v1;
namespace batch = api::batch_v1;
namespace policy = api::policy_v1;
using api::testing::from_yaml;

const rt::Context background = rt::Context::background();
constexpr const char* ns = "mixed";
constexpr int32_t completions = 12, parallelism = 4, guarded = 6, guarded_min = 4;
constexpr const char* bounded_ns = "bounded";  // one Deployment, which wants more than its quota allows
constexpr std::size_t quota_pods = 10, owners = 5;
constexpr int doubled_max_s = 120;  // a look a second

std::string meta(const std::string& name, const std::string& in = ns) { return "metadata: {name: " + name + ", namespace: " + in + "}"; }
std::string pod_template(const std::string& app, const std::string& more = "") {
  return "template: {metadata: {labels: {app: " + app + "}}, spec: {" + more + "containers: [{name: c, image: 'image:1'}]}}";
}
std::string workload(const std::string& app, const std::string& spec, const std::string& more = "") {
  return "{" + meta(app) + ", spec: {" + spec + "selector: {matchLabels: {app: " + app + "}}, " + pod_template(app, more) + "}}";
}
std::string job(const std::string& app, const std::string& mode) {
  return "{" + meta(app) + ", spec: {completionMode: " + mode + ", completions: " + std::to_string(completions) +
         ", parallelism: " + std::to_string(parallelism) + ", " + pod_template(app, "restartPolicy: Never, ") + "}}";
}

// Until it is there: an answer that does not come says nothing.
template <class T>
rt::Task<void> make(client::Client& client, T object) {
  while (true) {
    auto made = co_await client.create<T>(background, object);
    if (made || made.error().reason == Reason::AlreadyExists) co_return;
    (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
  }
}

client::ListOptions in_namespace(const std::string& name = ns) {
  client::ListOptions options;
  options.namespace_name = name;
  return options;
}

std::string app_of(const core::Pod& pod) {
  const std::string* app = pod.metadata.labels.get("app");
  return app != nullptr ? *app : "";
}
bool is_live(const core::Pod& pod) { return !pod.metadata.deletion_timestamp && !rules::is_terminal(pod); }
std::size_t counted(const std::vector<core::Pod>& pods) {
  return static_cast<std::size_t>(std::ranges::count_if(pods, [](const core::Pod& pod) { return !rules::is_terminal(pod); }));
}
std::string owner_named(std::size_t i) { return "owner-" + std::to_string(i); }

}  // namespace

rt::Task<void> Workloads::make_owned(client::Client& client, std::string name, std::vector<std::string> of) {
  core::ConfigMap map = from_yaml<core::ConfigMap>("{" + meta(name) + "}");
  for (const std::string& owner : of) {
    while (true) {
      auto found = co_await client.get<core::ConfigMap>(background, ns, owner);
      if (found) {
        auto& ref = map.metadata.owner_references.emplace_back();
        ref.api_version = "v1";
        ref.kind = "ConfigMap";
        ref.name = owner;
        ref.uid = found->metadata.uid;
        break;
      }
      (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
    }
  }
  co_await make(client, std::move(map));
}

rt::Task<void> Workloads::create(client::Client& client) {
  for (const char* name : {ns, bounded_ns}) co_await make(client, from_yaml<core::Namespace>("{metadata: {name: " + std::string(name) + "}}"));
  co_await make(client,
                from_yaml<core::ResourceQuota>("{" + meta("quota", bounded_ns) + ", spec: {hard: {pods: '" + std::to_string(quota_pods) + "'}}}"));
  while (true) {  // it binds nobody before it was counted, as upstream's
    auto quota = co_await client.get<core::ResourceQuota>(background, bounded_ns, "quota");
    if (quota && quota->status.hard.contains("pods")) break;
    (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
  }
  auto greedy = from_yaml<apps::Deployment>(workload("greedy", "replicas: 20, "));
  greedy.metadata.namespace_ = bounded_ns;
  co_await make(client, std::move(greedy));
  co_await make(client, from_yaml<apps::StatefulSet>(workload("set", "serviceName: set, replicas: 3, ")));
  co_await make(client, from_yaml<apps::DaemonSet>(workload("daemon", "", "nodeSelector: {" + std::string(daemon_label) + ": 'yes'}, ")));
  co_await make(client, from_yaml<batch::Job>(job("work", "NonIndexed")));
  co_await make(client, from_yaml<batch::Job>(job("parts", "Indexed")));
  co_await make(client, from_yaml<apps::Deployment>(workload("guarded", "replicas: " + std::to_string(guarded) + ", ")));
  co_await make(client, from_yaml<policy::PodDisruptionBudget>("{" + meta("guarded") + ", spec: {minAvailable: " + std::to_string(guarded_min) +
                                                               ", selector: {matchLabels: {app: guarded}}}}"));
  for (std::size_t i = 0; i < owners; ++i) co_await make(client, from_yaml<core::ConfigMap>("{" + meta(owner_named(i)) + "}"));
  for (std::size_t i = 0; i < owners; ++i) {
    std::vector<std::string> alone{owner_named(i)}, shared{owner_named(i), owner_named((i + 1) % owners)};
    co_await make_owned(client, "owned-" + std::to_string(i), std::move(alone));
    co_await make_owned(client, "shared-" + std::to_string(i), std::move(shared));
  }
}

rt::Task<void> Workloads::change(client::Client& client) {
  switch (dice_(3)) {
    case 0: {
      auto set = co_await client.get<apps::StatefulSet>(background, ns, "set");
      if (!set) co_return;
      set->spec.replicas = replicas_ = static_cast<int32_t>(1 + dice_(6));
      if (dice_(2) == 0) set->spec.template_.spec.containers[0].image = "image:" + std::to_string(1 + dice_(5));
      while (true) {
        auto written = co_await client.update<apps::StatefulSet>(background, *set);
        if (written) co_return;
        (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
        auto again = co_await client.get<apps::StatefulSet>(background, ns, "set");
        if (!again) continue;
        again->spec.replicas = replicas_;
        set = std::move(again);
      }
    }
    case 1: {
      const std::string owner = owner_named(dice_(owners - 1));  // the last one stays
      ended_owners_.insert(owner);
      (void)co_await client.remove<core::ConfigMap>(background, ns, owner);
      co_return;
    }
    default: co_await evict_one(client, false);
  }
}

rt::Task<void> Workloads::evict_one(client::Client& client, bool calm) {
  auto pods = co_await client.list<core::Pod>(background, in_namespace());
  if (!pods) co_return;
  std::erase_if(pods->items, [](const core::Pod& pod) { return app_of(pod) != "guarded" || !is_live(pod); });
  if (pods->items.empty()) co_return;
  policy::Eviction eviction;
  const std::string name = pods->items[dice_(pods->items.size())].metadata.name;
  eviction.metadata.name = name;
  eviction.metadata.namespace_ = ns;
  auto done = co_await client.create_subresource<api::meta_v1::Status>(background, client::resource_of<core::Pod>(), ns, name, "eviction",
                                                                       std::move(eviction));
  if (!done && calm && done.error().reason != Reason::TooManyRequests && done.error().reason != Reason::NotFound)
    violation_("an eviction failed: " + done.error().message);
}

rt::Task<void> Workloads::audit(client::Client& client) {
  auto pods = co_await client.list<core::Pod>(background, in_namespace());
  if (pods) {
    std::map<std::string, int> daemons;
    for (const core::Pod& pod : pods->items)
      if (app_of(pod) == "daemon" && is_live(pod) && !pod.spec.node_name.empty()) ++daemons[pod.spec.node_name];
    // A create of an earlier manager, unanswered, may come after the next one has looked: the surplus goes.
    for (const auto& [node, count] : daemons)
      if (count > 1 && ++doubled_[node] > doubled_max_s) violation_("two daemons on " + node);
    std::erase_if(doubled_, [&](const auto& one) { return daemons[one.first] < 2; });
  }
  auto bounded = co_await client.list<core::Pod>(background, in_namespace(bounded_ns));
  if (bounded && counted(bounded->items) > quota_pods)
    violation_(std::to_string(counted(bounded->items)) + " pods where " + std::to_string(quota_pods) + " are allowed");
  auto maps = co_await client.list<core::ConfigMap>(background, in_namespace());
  if (!maps || maps->items.empty()) co_return;
  std::map<std::string, bool> there;
  for (const core::ConfigMap& map : maps->items) there[map.metadata.name] = true;
  if (!there.contains("shared-" + std::to_string(owners - 1))) co_return;  // they are being made: this is the last one
  for (std::size_t i = 0; i < owners; ++i) {
    const bool mine = !ended_owners_.contains(owner_named(i)), next = !ended_owners_.contains(owner_named((i + 1) % owners));
    if (mine && !there["owned-" + std::to_string(i)]) violation_("owned-" + std::to_string(i) + " is gone and its owner lives");
    if ((mine || next) && !there["shared-" + std::to_string(i)]) violation_("shared-" + std::to_string(i) + " is gone and one of its owners lives");
  }
}

rt::Task<std::string> Workloads::missing(client::Client& client, int daemons) {
  auto set = co_await client.get<apps::StatefulSet>(background, ns, "set");
  if (!set) co_return "the StatefulSet: " + set.error().message;
  if (set->status.ready_replicas != replicas_ || set->status.replicas != replicas_ || set->status.updated_replicas != replicas_)
    co_return "the StatefulSet has " + std::to_string(set->status.ready_replicas) + " ready and " + std::to_string(set->status.updated_replicas) +
        " new pods of " + std::to_string(replicas_);
  auto daemon = co_await client.get<apps::DaemonSet>(background, ns, "daemon");
  if (!daemon) co_return "the DaemonSet: " + daemon.error().message;
  if (daemon->status.number_ready != daemons || daemon->status.desired_number_scheduled != daemons)
    co_return "the DaemonSet has " + std::to_string(daemon->status.number_ready) + " of " + std::to_string(daemons);
  auto guard = co_await client.get<apps::Deployment>(background, ns, "guarded");
  if (!guard) co_return "the guarded: " + guard.error().message;
  if (guard->status.ready_replicas != guarded) co_return "the guarded have " + std::to_string(guard->status.ready_replicas) + " pods ready";
  auto pods = co_await client.list<core::Pod>(background, in_namespace());
  if (!pods) co_return "pods: " + pods.error().message;
  for (const char* name : {"work", "parts"}) {
    auto done = co_await client.get<batch::Job>(background, ns, name);
    if (!done) co_return std::string("the Job: ") + done.error().message;
    if (!rules::condition_is(done->status.conditions, "Complete", "True"))
      co_return std::string(name) + " has " + std::to_string(done->status.succeeded) + " ends and " + std::to_string(done->status.failed) +
          " failures";
    const auto succeeded = std::ranges::count_if(pods->items, [&](const core::Pod& pod) {
      return app_of(pod) == name && rules::controller_of(pod.metadata) && pod.status.phase == "Succeeded";
    });
    const int32_t said = done->status.succeeded;
    const bool parts = std::string_view(name) == "parts";
    // A pod that is counted may go with its node; one more than asked for may have been made, by a request that was not answered.
    const bool right =
        parts ? said == completions && done->status.completed_indexes == "0-11" : said >= completions && said <= completions + parallelism;
    if (!right || said < succeeded) {
      violation_(std::string(name) + " counts " + std::to_string(said) + " ends (" + done->status.completed_indexes + ") and " +
                 std::to_string(done->status.failed) + " failures; " + std::to_string(succeeded) + " pods have ended");
      co_return "";
    }
  }
  auto bounded = co_await client.list<core::Pod>(background, in_namespace(bounded_ns));
  if (!bounded) co_return "pods: " + bounded.error().message;
  if (const std::size_t have = counted(bounded->items); have != quota_pods)
    co_return std::to_string(have) + " pods of the " + std::to_string(quota_pods) + " that the quota allows";
  auto maps = co_await client.list<core::ConfigMap>(background, in_namespace());
  if (!maps) co_return "maps: " + maps.error().message;
  for (const core::ConfigMap& map : maps->items) {
    if (!ended_owners_.contains(map.metadata.name)) continue;
    (void)co_await client.remove<core::ConfigMap>(background, ns, map.metadata.name);  // it was not acknowledged
    co_return map.metadata.name + " is to go";
  }
  for (const core::ConfigMap& map : maps->items) {
    const auto& refs = map.metadata.owner_references;
    if (!refs.empty() && std::ranges::all_of(refs, [&](const auto& ref) { return ended_owners_.contains(ref.name); }))
      co_return map.metadata.name + " has no owner any more, and is there";
  }
  co_return "";
}

rt::Task<bool> Workloads::budget_holds(client::Client& client) {
  auto pods = co_await client.list<core::Pod>(background, in_namespace());
  if (!pods) co_return true;
  const auto healthy =
      std::ranges::count_if(pods->items, [](const core::Pod& pod) { return app_of(pod) == "guarded" && is_live(pod) && rules::is_ready(pod); });
  if (healthy < guarded_min) violation_("evictions have left " + std::to_string(healthy) + " of " + std::to_string(guarded_min) + " pods");
  co_return healthy >= guarded_min;
}

rt::Task<void> Workloads::drain(client::Client& client) {
  for (int i = 0; i < 60; ++i) {
    co_await evict_one(client, true);
    const bool holds = co_await budget_holds(client);
    if (!holds) co_return;
    (void)co_await rt::sleep_for(background, std::chrono::milliseconds(dice_(400)));
  }
}

void Workloads::runs(const std::string& node, const core::Pod& pod) {
  const auto* owner = rules::controller_of(pod.metadata);
  if (owner == nullptr || owner->kind != "StatefulSet") return;
  const std::string key = client::object_key(pod.metadata.namespace_, pod.metadata.name);
  auto& nodes = identities_[key];
  nodes[node] = pod.metadata.uid;
  if (nodes.size() > 1) violation_(key + " runs on " + nodes.begin()->first + " and on " + std::next(nodes.begin())->first + " at once");
}

void Workloads::stopped(const std::string& node, const std::string& key) {
  if (const auto it = identities_.find(key); it != identities_.end()) it->second.erase(node);
}

void Workloads::node_died(const std::string& node) {
  for (auto& [key, nodes] : identities_) nodes.erase(node);
}

}  // namespace pintle::testing

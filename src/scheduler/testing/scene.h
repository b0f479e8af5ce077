// Scene: a cluster in text, and what one plugin says of a pod in it: which nodes it refuses and why, how it scores them, which events it
// wants to hear of. Each question makes the plugin anew, in simulated time. What cannot be read fails the test that says it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/testing/from_yaml.h"
#include "base/split.h"
#include "client/testing.h"
#include "rt/testing.h"
#include "scheduler/algorithm/filter_runner.h"
#include "scheduler/cache/cache.h"
#include "scheduler/devices/ledger.h"
#include "scheduler/framework/metrics.h"
#include "scheduler/framework/profile.h"

namespace pintle::scheduler::testing {

using api::testing::from_yaml;

// "n1 zone=a cpu=4 memory=8Gi pods=10 taint=KEY=VALUE:EFFECT unschedulable feature=NAME image=NAME=BYTES": other words are labels. A resource of
// another name is "resource=NAME=AMOUNT".
inline Node node_of(const std::string& text) {
  const auto parts = split_words(text, ' ');
  const std::vector<std::string> words(parts.begin(), parts.end());
  Node node;
  node.metadata.name = node.metadata.uid = words.empty() ? "" : words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string key = words[i].substr(0, words[i].find('='));
    const std::string value = key.size() < words[i].size() ? words[i].substr(key.size() + 1) : "";
    const std::size_t equals = value.rfind('=');
    if (key == "cpu" || key == "memory" || key == "pods") {
      node.status.allocatable[key] = *api::Quantity::parse(value);
    } else if (key == "resource") {
      node.status.allocatable[value.substr(0, equals)] = *api::Quantity::parse(value.substr(equals + 1));
    } else if (key == "taint") {
      auto& taint = node.spec.taints.emplace_back();
      const std::string pair = value.substr(0, value.rfind(':'));
      taint.key = pair.substr(0, pair.find('='));
      if (taint.key.size() < pair.size()) taint.value = pair.substr(taint.key.size() + 1);
      taint.effect = value.substr(value.rfind(':') + 1);
    } else if (key == "unschedulable") {
      node.spec.unschedulable = true;
    } else if (key == "feature") {
      node.status.declared_features.push_back(value);
    } else if (key == "image") {
      auto& image = node.status.images.emplace_back();
      image.names = {value.substr(0, equals)};
      image.size_bytes = std::stoll(value.substr(equals + 1));
    } else {
      node.metadata.labels[key] = value;
    }
  }
  return node;
}

// "p @n1 ns=other app=web cpu=500m memory=1Gi port=80 going": on node n1 ("": none), in namespace default unless said; "port" is a
// host port, "going" has a deletion timestamp, other words are labels. `spec` is YAML of what else it asks for.
inline Pod pod_of(const std::string& text, std::string_view spec = "") {
  const auto parts = split_words(text, ' ');
  const std::vector<std::string> words(parts.begin(), parts.end());
  Pod pod;
  pod.spec = from_yaml<api::core_v1::PodSpec>(spec);
  pod.metadata.name = pod.metadata.uid = words.empty() ? "" : words[0];
  pod.metadata.namespace_ = "default";
  if (pod.spec.containers.empty()) pod.spec.containers.emplace_back().name = "c";
  auto& container = pod.spec.containers[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string key = words[i].substr(0, words[i].find('='));
    const std::string value = key.size() < words[i].size() ? words[i].substr(key.size() + 1) : "";
    if (key.starts_with('@')) {
      pod.spec.node_name = key.substr(1);
    } else if (key == "ns") {
      pod.metadata.namespace_ = value;
    } else if (key == "cpu" || key == "memory") {
      container.resources.requests[key] = *api::Quantity::parse(value);
    } else if (key == "port") {
      container.ports.emplace_back().host_port = std::stoi(value);
    } else if (key == "going") {
      pod.metadata.deletion_timestamp = api::time_from_unix(1, 0);
    } else {
      pod.metadata.labels[key] = value;
    }
  }
  return pod;
}

class Scene {
 public:
  Scene& node(const std::string& text) {
    nodes_.push_back(std::make_shared<const Node>(node_of(text)));
    return *this;
  }
  Scene& pod(const std::string& text, std::string_view spec = "") {
    pods_.push_back(std::make_shared<const Pod>(pod_of(text, spec)));
    return *this;
  }
  // Another object of the API server.
  template <class T>
  Scene& object(std::string_view yaml) {
    objects_.push_back([object = from_yaml<T>(yaml)](client::testing::FakeServer& server) { server.put(object); });
    return *this;
  }
  Scene& gate(const std::string& name, bool on = true) {
    gates_[name] = on;
    return *this;
  }

  struct World {
    client::testing::FakeServer server;
    std::unique_ptr<client::Client> client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers{*client};
    client::SeriesRecorder events{*client, {}};
    component::metrics::Registry registry;
    SchedulerMetrics metrics{registry};
    component::FeatureGates gates;
    cache::Cache cache;
    devices::DeviceLedger devices;
    queue::Nominator nominator;
    algorithm::FilterRunner filters{nominator};
    rt::TaskGroup tasks;
    std::vector<std::string> tried_again;
    std::unique_ptr<Plugin> plugin;

    PluginDeps deps() {
      return {rt::Executor::current().runtime(),
              *client,
              informers,
              events,
              gates,
              cache,
              devices,
              nominator,
              filters,
              tasks,
              metrics,
              [this](const std::string& uid) { tried_again.push_back(uid); },
              [](const PlacedPod&) { return nullptr; }};
    }
  };
  // Runs `steps` with the plugin in the cluster; `after` is called when what it began in the background had a second for it. `args`: JSON.
  // Fails the test where it cannot be made.
  void run(std::string_view plugin, const std::string& args, std::function<void(World&)> steps, std::function<void(World&)> after = nullptr) const {
    rt::testing::run_sim([&]() -> rt::Task<void> {
      World world;
      set_up(world, plugin, args);
      world.informers.start();
      auto synced = co_await world.informers.wait_synced(rt::Context::background());
      EXPECT_TRUE(synced);
      if (world.plugin) steps(world);
      (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
      if (after) after(world);
      co_await world.tasks.close();
      world.plugin.reset();
      co_await world.informers.stop();
      co_await world.events.stop();
      co_await world.client->close();
    });
  }
  // The message with which the plugin refuses its arguments; "": it takes them.
  std::string refusal(std::string_view plugin, const std::string& args) const {
    std::string out;
    rt::testing::run_sim([&]() -> rt::Task<void> {
      World world;
      const auto made = make(world, plugin, args);
      if (!made) out = made.error().message;
      world.informers.start();
      auto synced = co_await world.informers.wait_synced(rt::Context::background());
      EXPECT_TRUE(synced);
      co_await world.informers.stop();
      co_await world.events.stop();
      co_await world.client->close();
    });
    return out;
  }

  // "n1; n2: reason, reason": the nodes in their order with what the plugin has against them, "!" before what preemption cannot mend.
  // "skip": it has nothing to say. "only n1: ...": it narrows the nodes down. A pod refused as such: "pod: reason".
  std::string filter(std::string_view plugin, const Pod& pod, const std::string& args = "") const {
    std::string out;
    run(plugin, args, [&](World& world) { out = filter_text(world, make_pod_info(std::make_shared<const Pod>(pod))); });
    return out;
  }
  // "n1=100 n2=0"; "skip".
  std::string score(std::string_view plugin, const Pod& pod, const std::string& args = "") const {
    std::string out;
    run(plugin, args, [&](World& world) { out = score_text(world, make_pod_info(std::make_shared<const Pod>(pod))); });
    return out;
  }
  // Whether the plugin wants a pod that it rejected to be tried again after the event; `before` or `after` may be nullptr.
  template <class T>
  bool queues(std::string_view plugin, const Pod& pod, EventResource resource, Actions actions, std::shared_ptr<const T> before,
              std::shared_ptr<const T> after) const {
    bool out = false;
    run(plugin, "", [&](World& world) {
      const PodInfoPtr info = make_pod_info(std::make_shared<const Pod>(pod));
      const EventInstance event{{resource, actions, "Test"}, before, after};
      for (const EventInterest& interest : world.plugin->interests())
        if (interest.resource == resource && (interest.actions & actions) != 0)
          out |= !interest.hint || interest.hint(*info, event) == QueueingHint::Queue;
    });
    return out;
  }

 private:
  Result<std::unique_ptr<Plugin>> make(World& world, std::string_view plugin, const std::string& args) const {
    const int index = plugin_index(plugin);
    CHECK(index >= 0, "a plugin of the table");
    auto gates = component::FeatureGates::parse(gates_);
    CHECK(gates.has_value(), "gates that there are");
    world.gates = *gates;
    auto made = plugins::plugin_table()[static_cast<std::size_t>(index)].make(world.deps(), args);
    if (made) {
      (*made)->name = plugins::plugin_table()[static_cast<std::size_t>(index)].name;
      (*made)->index = index;
    }
    return made;
  }
  void set_up(World& world, std::string_view plugin, const std::string& args) const {
    for (const auto& put : objects_) put(world.server);
    for (const auto& node : nodes_) world.cache.add_node(node);
    for (const auto& pod : pods_) world.cache.add_pod(*pod);
    auto made = make(world, plugin, args);
    EXPECT_TRUE(made) << plugin << " " << args << ": " << (made ? "" : made.error().message);
    if (made) world.plugin = std::move(*made);
  }
  std::string filter_text(World& world, const PodInfoPtr& pod) const {
    CycleState state;
    std::string out;
    if (auto* before = dynamic_cast<PreFilterPlugin*>(world.plugin.get())) {
      NodeNames names;
      const PluginStatus status = before->pre_filter(state, *pod, names);
      if (status.code == Code::Skip) return "skip";
      if (!status.ok()) return (status.code == Code::Error ? "error: " : "pod: ") + status.message();
      if (names) {
        out = "only";
        for (const std::string& name : *names) out += " " + name;
        out += ": ";
      }
    }
    const auto* filter = dynamic_cast<FilterPlugin*>(world.plugin.get());
    CHECK(filter != nullptr, "a plugin that filters");
    bool first = true;
    for (const NodePtr& node : nodes_) {
      Reasons reasons;
      const Code code = filter->filter(state, *pod, *world.cache.find(node->metadata.name), reasons);
      out += (std::exchange(first, false) ? "" : "; ") + node->metadata.name;
      std::string why;
      for (const std::string_view reason : reasons) why += (why.empty() ? "" : ", ") + std::string(reason);
      EXPECT_EQ(code == Code::Success, why.empty()) << why;
      if (!why.empty()) out += std::string(": ") + (code == Code::UnschedulableAndUnresolvable ? "!" : "") + why;
    }
    return out;
  }
  std::string score_text(World& world, const PodInfoPtr& pod) const {
    CycleState state;
    NodeList nodes;
    for (const NodePtr& node : nodes_) nodes.push_back(world.cache.find(node->metadata.name));
    if (auto* before = dynamic_cast<PreScorePlugin*>(world.plugin.get())) {
      const PluginStatus status = before->pre_score(state, *pod, nodes);
      if (status.code == Code::Skip) return "skip";
      if (!status.ok()) return "error: " + status.message();
    }
    const auto* scorer = dynamic_cast<ScorePlugin*>(world.plugin.get());
    CHECK(scorer != nullptr, "a plugin that scores");
    std::vector<int64_t> scores(nodes.size());
    const PluginStatus status = scorer->score(state, *pod, nodes, scores);
    if (!status.ok()) return "error: " + status.message();
    std::string out;
    for (std::size_t i = 0; i < nodes.size(); ++i) out += (i == 0 ? "" : " ") + nodes_[i]->metadata.name + "=" + std::to_string(scores[i]);
    return out;
  }

  std::vector<NodePtr> nodes_;
  std::vector<PodPtr> pods_;
  std::vector<std::function<void(client::testing::FakeServer&)>> objects_;
  std::map<std::string, bool> gates_;
};

inline NodePtr shared_node(const std::string& text) { return std::make_shared<const Node>(node_of(text)); }
inline PodPtr shared_pod(const std::string& text, std::string_view spec = "") { return std::make_shared<const Pod>(pod_of(text, spec)); }

}  // namespace pintle::scheduler::testing

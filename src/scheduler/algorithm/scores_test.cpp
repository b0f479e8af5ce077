// Scores by columns and increments against the rules in their plainest form: names looked up, all pods walked over, on random clusters.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "scheduler/plugins/inter_pod_affinity/inter_pod_affinity.h"
#include "scheduler/plugins/pod_topology_spread/pod_topology_spread.h"
#include "scheduler/testing/random_cluster.h"

namespace pintle::scheduler::algorithm {
namespace {

using namespace testing;

constexpr std::string_view host = "kubernetes.io/hostname";

// A constraint as the test knows it: its pods are those of an app.
struct Wanted {
  std::string key, app;
  int64_t skew;
};

int64_t pods_of(const NodeInfo& node, const std::string& app) {
  int64_t out = 0;
  for (const PlacedPodPtr& pod : node.pods) {
    const std::string* label = pod->labels().get("app");
    if (!pod->going && label != nullptr && *label == app) ++out;
  }
  return out;
}
std::string label_of(const NodeInfo& node, const std::string& key) {
  const std::string* value = node.node->metadata.labels.get(key);
  return value == nullptr ? std::string() : *value;
}

// `all`: nodes without one of the keys score 0 and do not count.
std::vector<int64_t> spread_scores(const cache::Cache& cache, const std::vector<const NodeInfo*>& nodes, const std::vector<Wanted>& wanted,
                                   bool all) {
  const auto counts = [&](const NodeInfo& node) {
    return !all || std::ranges::all_of(wanted, [&](const Wanted& one) { return node.node->metadata.labels.contains(one.key); });
  };
  std::vector<double> sums(nodes.size(), 0);
  for (const Wanted& one : wanted) {
    std::set<std::string> domains;
    int64_t hosts = 0;
    for (const NodeInfo* node : nodes)
      if (counts(*node)) domains.insert(label_of(*node, one.key)), ++hosts;
    std::map<std::string, int64_t> pods;
    for (const NodeInfo* node : cache.nodes())
      if (counts(*node)) pods[label_of(*node, one.key)] += pods_of(*node, one.app);
    const double weight = std::log(static_cast<double>((one.key == host ? hosts : static_cast<int64_t>(domains.size())) + 2));
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i]->node->metadata.labels.contains(one.key))
        sums[i] += static_cast<double>(one.key == host ? pods_of(*nodes[i], one.app) : pods[label_of(*nodes[i], one.key)]) * weight +
                   static_cast<double>(one.skew - 1);
  }
  int64_t least = INT64_MAX, most = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (counts(*nodes[i])) least = std::min<int64_t>(least, std::llround(sums[i])), most = std::max<int64_t>(most, std::llround(sums[i]));
  std::vector<int64_t> out;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    out.push_back(!counts(*nodes[i]) ? 0 : most == 0 ? 100 : 100 * (most + least - std::llround(sums[i])) / most);
  return out;
}

// Nodes where a pod wants to be, by its own terms and by those of the pods there; each by the number of pods.
std::vector<int64_t> affinity_scores(const cache::Cache& cache, const std::vector<const NodeInfo*>& nodes, const PodInfo& pod) {
  const cache::AffinityCounts& rules = cache.affinity();
  std::vector<int64_t> sums(nodes.size(), 0);
  const auto add = [&](const AffinityTerm& term, const NodeInfo& where, int64_t weight) {
    if (!where.node->metadata.labels.contains(term.topology_key)) return;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i]->node->metadata.labels.contains(term.topology_key) && label_of(*nodes[i], term.topology_key) == label_of(where, term.topology_key))
        sums[i] += weight;
  };
  for (const NodeInfo* node : cache.nodes())
    for (const PlacedPodPtr& other : node->pods) {
      for (const AffinityTerm& term : pod.demands->preferred_affinity)
        if (rules.matches(term, *other)) add(term, *node, term.weight);
      for (const AffinityTerm& term : pod.demands->preferred_anti_affinity)
        if (rules.matches(term, *other)) add(term, *node, -term.weight);
      for (const AffinityTerm& term : other->demands->required_affinity)
        if (rules.matches(term, pod)) add(term, *node, 1);
      for (const AffinityTerm& term : other->demands->preferred_affinity)
        if (rules.matches(term, pod)) add(term, *node, term.weight);
      for (const AffinityTerm& term : other->demands->preferred_anti_affinity)
        if (rules.matches(term, pod)) add(term, *node, -term.weight);
    }
  const auto [least, most] = std::ranges::minmax(sums);
  std::vector<int64_t> out;
  for (const int64_t sum : sums)
    out.push_back(least == most ? 0 : static_cast<int64_t>(100.0 * (static_cast<double>(sum - least) / static_cast<double>(most - least))));
  return out;
}

// What the plugin says of the nodes; nothing: it skips.
std::vector<int64_t> told(const Profile& profile, std::string_view name, const PodInfo& pod, const NodeList& nodes) {
  CycleState state;
  for (const auto& placed : profile.pre_score)
    if (placed.name == name && placed.plugin->pre_score(state, pod, nodes).code == Code::Skip) return {};
  std::vector<int64_t> out(nodes.size());
  for (const auto& placed : profile.score) {
    if (placed.name != name) continue;
    EXPECT_TRUE(placed.plugin->score(state, pod, nodes, out).ok());
  }
  return out;
}

void check_scores(uint64_t seed, int nodes, int steps) {
  int spread = 0, affinity = 0;
  const auto prepare = [](client::testing::FakeServer& server) {
    server.put(api::testing::from_yaml<api::core_v1::Service>("{metadata: {name: web, namespace: default}, spec: {selector: {app: web}}}"));
    server.put(api::testing::from_yaml<api::core_v1::Service>("{metadata: {name: db, namespace: default}, spec: {selector: {app: db}}}"));
  };
  const auto run = [&](Scene::World& world, const Profile& profile) {
    RandomCluster cluster(world, seed, nodes);
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      for (int changes = 1 + cluster.below(6); changes > 0; --changes) cluster.step();
      const PodInfoPtr pod = cluster.want();
      NodeList asked;
      for (const NodeInfo* node : world.cache.nodes())
        if (!cluster.one_in(4)) asked.push_back(node);
      if (asked.empty()) continue;
      const std::string app = *pod->labels().get("app");
      std::vector<Wanted> wanted;
      bool all = true;
      for (const auto& one : pod->pod->spec.topology_spread_constraints)
        if (one.when_unsatisfiable == "ScheduleAnyway") wanted.push_back({one.topology_key, app, one.max_skew});
      if (pod->pod->spec.topology_spread_constraints.empty() && (app == "web" || app == "db")) {
        wanted = {{std::string(host), app, 3}, {"topology.kubernetes.io/zone", app, 5}};
        all = false;
      }
      const auto spread_told = told(profile, "PodTopologySpread", *pod, asked);
      ASSERT_EQ(spread_told.empty(), wanted.empty()) << app;
      if (!wanted.empty()) {
        ASSERT_EQ(spread_told, spread_scores(world.cache, asked.infos(), wanted, all)) << app << " in step " << step << " of seed " << seed;
        ++spread;
      }
      const auto affinity_told = told(profile, "InterPodAffinity", *pod, asked);
      const auto affinity_wanted = affinity_scores(world.cache, asked.infos(), *pod);
      if (affinity_told.empty()) {
        ASSERT_EQ(affinity_wanted, std::vector<int64_t>(asked.size(), 0)) << app;
      } else {
        ASSERT_EQ(affinity_told, affinity_wanted) << app << " in step " << step << " of seed " << seed;
        ++affinity;
      }
      if (!cluster.one_in(4)) cluster.place(pod, cluster.some_node());
    }
  };
  with_default_profile(run, prepare);
  EXPECT_GT(spread, steps / 10);
  EXPECT_GT(affinity, steps / 10);
}

TEST(Scores, AreThoseOfTheRules) {
  const int steps = random_steps(1000);
  check_scores(1, 5, steps);
  check_scores(2, 40, steps);
}

}  // namespace
}  // namespace pintle::scheduler::algorithm

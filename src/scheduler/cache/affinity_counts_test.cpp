// What increments keep against what a walk over all pods finds, over random histories.
#include "scheduler/cache/affinity_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "scheduler/cache/cache.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::cache {
namespace {

using testing::pod_of;
using testing::shared_node;

PodInfoPtr affinity_info(const std::string& text, const std::string& spec) { return make_pod_info(std::make_shared<const Pod>(pod_of(text, spec))); }

using Tallies = std::map<std::string, int64_t>;  // by "key=value"
std::string told(const Tallies& tallies) {
  std::string out;
  for (const auto& [domain, pods] : tallies)
    if (pods != 0) out += domain + ":" + std::to_string(pods) + " ";
  return out;
}

constexpr const char* keys[] = {"zone", "host"};
constexpr const char* values[] = {"a", "b", "c", "n0", "n1", "n2", "n3", "n4", "n5"};

void tally(Tallies& out, const Cache& cache, AffinityGroup& pods, const std::string& prefix) {
  for (const char* key : keys) {
    const auto domains = pods.domains(cache.domain_column(key));
    int64_t total = 0;
    for (const char* value : values) {
      out[prefix + key + "=" + value] += domains->of(value);
      total += domains->of(value);
    }
    EXPECT_EQ(total, domains->total());
  }
}
void tally(Tallies& out, const NodeInfo& node, const std::string& prefix, int64_t pods) {
  for (const char* key : keys)
    if (const std::string* value = node.node->metadata.labels.get(key)) out[prefix + key + "=" + *value] += pods;
}

// Everything that may be asked about `asker`: by increments, and by looking at each pod.
std::string counted(const Cache& cache, const PodInfo& asker) {
  Tallies out;
  tally(out, cache, cache.matching(asker.demands->required_affinity), "all ");
  for (const AffinityTerm& term : asker.demands->required_affinity) tally(out, cache, cache.matching(std::span(&term, 1)), "one ");
  cache.affinity().each_having(TermKind::RequiredAnti, asker, [&](const AffinityTerm&, AffinityGroup& pods) { tally(out, cache, pods, "anti "); });
  cache.affinity().each_having(TermKind::PreferredAffinity, asker, [&](const AffinityTerm& term, AffinityGroup& pods) {
    Tallies mine;
    tally(mine, cache, pods, "wish ");
    for (const auto& [domain, pods_there] : mine) out[domain] += term.weight * pods_there;
  });
  return told(out);
}
std::string walked(const Cache& cache, const PodInfo& asker) {
  Tallies out;
  const AffinityCounts& rules = cache.affinity();
  for (const NodeInfo* node : cache.nodes())
    for (const PlacedPodPtr& pod : node->pods) {
      if (rules.matches_all(asker.demands->required_affinity, *pod)) tally(out, *node, "all ", 1);
      for (const AffinityTerm& term : asker.demands->required_affinity)
        if (rules.matches(term, *pod)) tally(out, *node, "one ", 1);
      for (const AffinityTerm& term : pod->demands->required_anti_affinity)
        if (rules.matches(term, asker)) tally(out, *node, "anti ", 1);
      for (const AffinityTerm& term : pod->demands->preferred_affinity)
        if (rules.matches(term, asker)) tally(out, *node, "wish ", term.weight);
    }
  return told(out);
}

std::string term(const std::string& selector, const std::string& key, const std::string& more = "") {
  return "{topologyKey: " + key + ", labelSelector: " + selector + more + "}";
}
const std::string by_app = "{matchLabels: {app: x}}", by_set = "{matchExpressions: [{key: app, operator: In, values: [x, z]}]}", by_all = "{}",
                  by_absence = "{matchExpressions: [{key: tier, operator: DoesNotExist}]}";
std::string required(const std::string& kind, const std::string& terms) {
  return kind + ": {requiredDuringSchedulingIgnoredDuringExecution: [" + terms + "]}";
}
const std::string wish =
    "podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, podAffinityTerm: " + term(by_app, "zone") + "}]}";
const std::string specs[] = {
    "",
    "{affinity: {" + required("podAffinity", term(by_app, "zone") + ", " + term(by_absence, "host")) + "}}",
    "{affinity: {" + required("podAntiAffinity", term(by_set, "host")) + "}}",
    "{affinity: {" + required("podAntiAffinity", term(by_all, "zone", ", namespaceSelector: {matchLabels: {team: a}}")) + "}}",
    "{affinity: {" + wish + "}}",
    "{affinity: {" + required("podAffinity", term(by_set, "zone", ", namespaceSelector: {matchLabels: {team: a}}")) + "}}",
};

TEST(AffinityCounts, AgreeWithAWalkWhateverHappens) {
  std::mt19937 random(11);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const auto some_pod = [&](const std::string& name) {
    std::string text = name;
    for (const char* part : {" app=x", " app=z", " tier=back"})
      if (below(2) == 0) text += part;
    if (below(3) == 0) text += " ns=other";
    return text;
  };
  for (int history = 0; history < 60; ++history) {
    Cache cache;
    std::map<std::string, FlatMap<std::string>> teams;
    cache.affinity().set_namespaces([&teams](const std::string& name) {
      const auto at = teams.find(name);
      return at == teams.end() ? nullptr : &at->second;
    });
    for (int step = 0; step < 200; ++step) {
      const std::string node = "n" + std::to_string(below(6)), name = "p" + std::to_string(below(40));
      switch (below(7)) {
        case 0: {
          const std::string zone = below(4) == 0 ? "" : std::string(" zone=") + static_cast<char>('a' + below(3));
          cache.add_node(shared_node(node + zone + " host=" + node));
          break;
        }
        case 1: cache.remove_node(node); break;
        case 2: cache.remove_pod(name); break;
        case 3: {
          teams[below(2) == 0 ? "default" : "other"]["team"] = below(2) == 0 ? "a" : "b";
          cache.affinity().forget_namespaces();
          break;
        }
        default: {
          cache.add_pod(pod_of(some_pod(name) + " @" + node, specs[below(6)]));
        }
      }
      if (below(3) != 0) continue;
      const PodInfoPtr asker = affinity_info(some_pod("asker"), specs[below(2) == 0 ? 1 : 5]);
      ASSERT_EQ(counted(cache, *asker), walked(cache, *asker)) << "history " << history << " step " << step;
    }
  }
}

TEST(AffinityCounts, NothingStaysOfPodsThatAreGone) {
  Cache cache;
  cache.add_node(shared_node("n0 zone=a host=n0"));
  for (int i = 0; i < 20; ++i) cache.add_pod(pod_of("p" + std::to_string(i) + " app=x @n0", specs[2]));
  EXPECT_EQ(cache.affinity().size(), 1u) << "equal terms are one";
  for (int i = 0; i < 20; ++i) cache.remove_pod("p" + std::to_string(i));
  EXPECT_EQ(cache.affinity().size(), 0u);
}

TEST(AffinityCounts, KeysThatAreNamedOnceAreForgotten) {
  AffinityGroup group;
  const auto column = [](const std::string& key) { return std::make_shared<const DomainColumn>(key); };
  const auto column0 = column("key0");
  const auto first = group.domains(column0);
  for (std::size_t i = 1; i < AffinityGroup::domains_max; ++i) (void)group.domains(column("key" + std::to_string(i)));
  EXPECT_EQ(group.domains(column0), first);
  (void)group.domains(column("another"));
  EXPECT_EQ(first.use_count(), 1) << "the group holds it no longer";
}

TEST(AffinityCounts, QuestionsAreBounded) {
  Cache cache;
  cache.add_node(shared_node("n0 zone=a host=n0"));
  for (std::size_t i = 0; i < AffinityCounts::groups_max + 100; ++i) {
    const PodInfoPtr asker =
        affinity_info("asker", "{affinity: {" + required("podAffinity", term("{matchLabels: {app: x" + std::to_string(i) + "}}", "zone")) + "}}");
    (void)cache.matching(asker->demands->required_affinity);
  }
  EXPECT_EQ(cache.affinity().size(), AffinityCounts::groups_max);
}

}  // namespace
}  // namespace pintle::scheduler::cache

// What increments keep against what a walk over all pods finds, over random histories.
#include "scheduler/cache/pod_counts.h"

#include <gtest/gtest.h>

#include <random>

#include "scheduler/cache/cache.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::cache {
namespace {

using apimachinery::LabelSelector;
using testing::pod_of;
using testing::shared_node;

std::string counted(const Cache& cache, const LabelSelector& selector, const std::string& key, const std::vector<std::string>& wanted) {
  PodGroup& group = cache.group("default", selector);
  const auto domains = cache.domains(group, key, wanted);
  std::string out = "least=" + std::to_string(domains->least()) + " of " + std::to_string(domains->size()) + ":";
  for (const char* domain : {"a", "b", "c"})
    if (domains->contains(domain)) out += std::string(" ") + domain + "=" + std::to_string(domains->of(domain));
  for (const NodeInfo* node : cache.nodes()) out += " " + node->name() + "=" + std::to_string(group.on(*node));
  return out;
}

std::string walked(const Cache& cache, const LabelSelector& selector, const std::string& key, const std::vector<std::string>& wanted) {
  std::map<std::string, int64_t> domains;
  std::string nodes;
  for (const NodeInfo* node : cache.nodes()) {
    int64_t pods = 0;
    for (const auto& pod : node->pods) pods += !pod->going && pod->namespace_name() == "default" && selector.matches(pod->labels());
    nodes += " " + node->name() + "=" + std::to_string(pods);
    const auto& labels = node->node->metadata.labels;
    if (std::ranges::all_of(wanted, [&](const std::string& label) { return labels.contains(label); })) domains[*labels.get(key)] += pods;
  }
  int64_t least = INT64_MAX;
  std::string out;
  for (const auto& [domain, pods] : domains) {
    least = std::min(least, pods);
    out += " " + domain + "=" + std::to_string(pods);
  }
  return "least=" + std::to_string(least) + " of " + std::to_string(domains.size()) + ":" + out + nodes;
}

TEST(PodCounts, AgreeWithAWalkWhateverHappens) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::vector<LabelSelector> selectors = {*LabelSelector::parse("app=x"), *LabelSelector::parse("app in (x,y)"),
                                                *LabelSelector::parse("app=x,tier!=back"), *LabelSelector::parse("tier")};
  for (int history = 0; history < 50; ++history) {
    Cache cache;
    for (int step = 0; step < 200; ++step) {
      const std::string node = "n" + std::to_string(below(6)), name = "p" + std::to_string(below(40));
      switch (below(6)) {
        case 0:
          cache.add_node(shared_node(node + (below(3) != 0 ? " zone=" + std::string(1, static_cast<char>('a' + below(3))) : "") +
                                     (below(2) != 0 ? " rack=1" : "")));
          break;
        case 1: cache.remove_node(node); break;
        case 2: cache.remove_pod(name); break;
        default:
          cache.add_pod(pod_of(name + " @" + node + (below(4) == 0 ? " ns=other" : "") + " app=" + (below(2) != 0 ? "x" : "y") +
                               (below(3) == 0 ? " tier=back" : "") + (below(6) == 0 ? " going" : "")));
      }
      if (below(4) != 0) continue;
      const LabelSelector& selector = selectors[static_cast<std::size_t>(below(4))];
      for (const std::vector<std::string>& wanted : {std::vector<std::string>{"zone"}, {"rack", "zone"}})
        ASSERT_EQ(counted(cache, selector, "zone", wanted), walked(cache, selector, "zone", wanted)) << selector.to_string() << " step " << step;
    }
  }
}

TEST(PodCounts, KeysThatAreNamedOnceAreForgotten) {
  PodCounts counts;
  PodGroup& group = counts.make("default", *LabelSelector::parse("app=x"), PodsByLabel());
  const auto asked = [&](std::size_t i) {
    const std::string key = "key" + std::to_string(i);
    return counts.domains(group, key, {key}, {});
  };
  const auto first = asked(0);
  for (std::size_t i = 1; i < PodCounts::domains_max; ++i) (void)asked(i);
  EXPECT_EQ(asked(0), first);
  (void)asked(PodCounts::domains_max);
  EXPECT_EQ(first.use_count(), 1) << "the group holds it no longer";
  EXPECT_NE(asked(0), first);
}

TEST(PodCounts, ForgetsWhatIsNotAskedFor) {
  PodCounts counts;
  for (std::size_t i = 0; i < PodCounts::groups_max + 10; ++i) {
    const auto selector = *LabelSelector::parse("app=x" + std::to_string(i));
    EXPECT_EQ(counts.find("default", selector), nullptr);
    counts.make("default", selector, PodsByLabel());
    EXPECT_NE(counts.find("default", *LabelSelector::parse("app=x0")), nullptr) << "it is asked for again and again";
  }
  EXPECT_EQ(counts.size(), PodCounts::groups_max);
  EXPECT_EQ(counts.find("default", *LabelSelector::parse("app=x1")), nullptr);
}

}  // namespace
}  // namespace pintle::scheduler::cache

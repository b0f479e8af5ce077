// What is found through labels against what a walk over all pods finds, over random histories.
#include "scheduler/cache/pods_by_label.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "scheduler/cache/cache.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::cache {
namespace {

using apimachinery::LabelSelector;
using testing::pod_of;
using testing::shared_node;

using ByNode = std::map<const NodeInfo*, std::pair<int32_t, int32_t>>;

ByNode found(const Cache& cache, const std::string& namespace_name, const LabelSelector& selector) {
  ByNode out;
  cache.pods_by_label().each_matching(namespace_name, selector, [&](const PodsByLabel::Alike& alike) {
    for (const auto& [node, count] : alike.on_node) {
      out[node].first += count.all;
      out[node].second += count.going;
    }
  });
  return out;
}
ByNode walked(const Cache& cache, const std::string& namespace_name, const LabelSelector& selector) {
  ByNode out;
  for (const NodeInfo* node : cache.nodes())
    for (const PlacedPodPtr& pod : node->pods) {
      if (pod->namespace_name() != namespace_name || !selector.matches(pod->labels())) continue;
      ++out[node].first;
      out[node].second += pod->going;
    }
  return out;
}

TEST(PodsByLabel, AgreeWithAWalkWhateverHappens) {
  std::mt19937 random(5);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const LabelSelector selectors[] = {*LabelSelector::parse("app=x"),
                                     *LabelSelector::parse("app in (x,y),tier=back"),
                                     *LabelSelector::parse("tier=back,app=y"),
                                     *LabelSelector::parse("!tier"),
                                     LabelSelector(),
                                     LabelSelector::nothing()};
  for (int history = 0; history < 50; ++history) {
    Cache cache;
    for (int i = 0; i < 6; ++i) cache.add_node(shared_node("n" + std::to_string(i)));
    for (int step = 0; step < 200; ++step) {
      const std::string node = "n" + std::to_string(below(6)), name = "p" + std::to_string(below(40));
      if (below(3) == 0)
        cache.remove_pod(name);
      else
        cache.add_pod(pod_of(name + " @" + node + (below(4) == 0 ? " ns=other" : "") + " app=" + (below(2) != 0 ? "x" : "y") +
                             (below(3) == 0 ? " tier=back" : "") + (below(6) == 0 ? " going" : "") + (below(5) == 0 ? " own=" + name : "")));
      for (const LabelSelector& selector : selectors)
        for (const char* in : {"default", "other"})
          ASSERT_EQ(found(cache, in, selector), walked(cache, in, selector)) << in << " " << selector.to_string() << " step " << step;
    }
    for (int i = 0; i < 40; ++i) cache.remove_pod("p" + std::to_string(i));
    EXPECT_EQ(cache.pods_by_label().size(), 0u);
    cache.pods_by_label().each_namespace([](const std::string& name) { ADD_FAILURE() << name << " has no pods"; });
  }
}

// Each set of labels is looked at once, and only those with the rarest of the labels that are demanded.
TEST(PodsByLabel, CostsWhatIsFound) {
  Cache cache;
  cache.add_node(shared_node("n"));
  for (int i = 0; i < 100; ++i) cache.add_pod(pod_of("p" + std::to_string(i) + " @n tier=back app=a" + std::to_string(i / 10)));
  int looked_at = 0;
  const auto selector = *LabelSelector::parse("tier=back,app=a3");
  cache.pods_by_label().each_matching("default", selector, [&](const PodsByLabel::Alike& alike) {
    ++looked_at;
    EXPECT_EQ(alike.on_node.begin()->second.all, 10);
  });
  EXPECT_EQ(looked_at, 1);
  EXPECT_EQ(cache.pods_by_label().size(), 10u);
}

}  // namespace
}  // namespace pintle::scheduler::cache

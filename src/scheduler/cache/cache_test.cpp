#include "scheduler/cache/cache.h"

#include <gtest/gtest.h>

#include "scheduler/framework/metrics.h"

namespace pintle::scheduler::cache {
namespace {

NodePtr node(const std::string& name, const std::string& zone = "", const std::string& image = "") {
  auto out = std::make_shared<Node>();
  out->metadata.name = name;
  if (!zone.empty()) out->metadata.labels["topology.kubernetes.io/zone"] = zone;
  if (!image.empty()) {
    auto& held = out->status.images.emplace_back();
    held.names = {image};
    held.size_bytes = 100;
  }
  return out;
}
Pod pod(const std::string& name, const std::string& on = "", int64_t milli_cpu = 100) {
  Pod out;
  out.metadata.name = out.metadata.uid = name;
  out.spec.node_name = on;
  out.spec.containers.emplace_back().resources.requests["cpu"] = api::Quantity::from_milli(milli_cpu);
  return out;
}
void assume(Cache& cache, const std::string& name, const std::string& node) {
  cache.assume(make_pod_info(std::make_shared<const Pod>(pod(name)), cache.table()), node);
}
std::vector<std::string> names(const Cache& cache) {
  std::vector<std::string> out;
  for (const NodeInfo* info : cache.nodes()) out.push_back(info->name());
  return out;
}

TEST(Cache, AlternatesOverZones) {
  Cache cache;
  for (const auto& [name, zone] : {std::pair{"a1", "a"}, std::pair{"a2", "a"}, std::pair{"b1", "b"}, std::pair{"a3", "a"}, std::pair{"b2", "b"}})
    cache.add_node(node(name, zone));
  EXPECT_EQ(names(cache), (std::vector<std::string>{"a1", "b1", "a2", "b2", "a3"}));
  cache.remove_node("a1");
  EXPECT_EQ(names(cache), (std::vector<std::string>{"a2", "b1", "a3", "b2"}));
  EXPECT_EQ(cache.find("a1"), nullptr);
}

TEST(Cache, AssumedPodsCountAndMayBeForgotten) {
  Cache cache;
  cache.add_node(node("n"));
  assume(cache, "p", "n");
  EXPECT_TRUE(cache.is_assumed("p"));
  EXPECT_EQ(cache.find("n")->requested.milli_cpu, 100);
  cache.forget("p");
  EXPECT_EQ(cache.find("n")->requested.milli_cpu, 0);
  assume(cache, "p", "n");
  cache.add_pod(pod("p", "n"));
  EXPECT_FALSE(cache.is_assumed("p"));
  cache.forget("p");  // confirmed: it stays
  EXPECT_EQ(cache.find("n")->pods.size(), 1u);
  EXPECT_EQ(cache.assumed_count(), 0u);
}

// Bound elsewhere than assumed, resized, gone: the sums follow.
TEST(Cache, FollowsTheTruth) {
  Cache cache;
  cache.add_node(node("n"));
  cache.add_node(node("m"));
  assume(cache, "p", "n");
  cache.add_pod(pod("p", "m"));
  EXPECT_TRUE(cache.find("n")->pods.empty());
  cache.add_pod(pod("p", "m", 300));
  EXPECT_EQ(cache.find("m")->requested.milli_cpu, 300);
  cache.remove_pod("p");
  cache.remove_pod("p");
  EXPECT_EQ(cache.find("m")->requested.milli_cpu, 0);
}

// What kubelets tell of a pod leaves what it shares with others; its labels and its requests may change.
TEST(Cache, SharedPartsOutliveWhatDoesNotChangeThem) {
  Cache cache;
  cache.add_node(node("n"));
  Pod web = pod("p", "n");
  web.metadata.labels["app"] = "web";
  const PlacedPodPtr first = cache.add_pod(web);
  web.status.phase = "Running";
  const PlacedPodPtr running = cache.add_pod(web);
  EXPECT_EQ(running->identity, first->identity);
  EXPECT_EQ(running->demands, first->demands);
  web.metadata.labels["app"] = "other";
  const PlacedPodPtr renamed = cache.add_pod(web);
  EXPECT_EQ(renamed->labels(), web.metadata.labels);
  EXPECT_EQ(renamed->demands, first->demands);
  web.spec.containers[0].resources.requests = pod("p", "n", 300).spec.containers[0].resources.requests;
  EXPECT_EQ(cache.add_pod(web)->requests().milli_cpu, 300);
}

// A bound pod is kept without its object, and its confirmation and what kubelets say of it are no changes of the node.
TEST(Cache, WhatSchedulingCannotTellApartIsNoChange) {
  Cache cache;
  cache.add_node(node("n"));
  auto wanting = std::make_shared<const Pod>(pod("p"));
  const std::weak_ptr<const Pod> whole = wanting;
  cache.assume(make_pod_info(std::move(wanting), cache.table()), "n");
  EXPECT_FALSE(whole.expired());
  uint64_t generation = cache.generation();
  Pod bound = pod("p", "n");
  const auto check_put = [&](bool changes) {
    cache.add_pod(bound);
    EXPECT_EQ(cache.generation() != generation, changes);
    generation = cache.generation();
    EXPECT_EQ(cache.find("n")->pods, std::vector<PlacedPodPtr>{cache.find_pod("p")});
  };
  check_put(false);
  EXPECT_TRUE(whole.expired());
  EXPECT_EQ(cache.assumed_count(), 0u);
  bound.status.phase = "Running";
  bound.status.conditions.emplace_back().type = "Ready";
  check_put(false);
  bound.status.start_time = api::time_from_unix(100, 0);  // preemption asks who runs longest
  check_put(true);
  EXPECT_EQ(cache.find_pod("p")->start_seconds, 100);
  bound.metadata.labels["app"] = "x";
  check_put(true);
  EXPECT_EQ(cache.find_pod("p")->labels(), bound.metadata.labels);
  bound.spec.containers[0].resources.requests["cpu"] = api::Quantity::from_milli(300);
  check_put(true);
  EXPECT_EQ(cache.find("n")->requested.milli_cpu, 300);
  bound.metadata.deletion_timestamp = api::time_from_unix(200, 0);
  auto& why = bound.status.conditions.emplace_back();
  why.type = "DisruptionTarget";
  why.status = "True";
  why.reason = "PreemptionByScheduler";
  check_put(true);
  EXPECT_TRUE(cache.find_pod("p")->going && cache.find_pod("p")->preempted);
}

TEST(Cache, PodsOfOneTemplateShareWhatTheyHaveInCommon) {
  Cache cache;
  cache.add_node(node("n"));
  for (int i = 0; i < 10; ++i) cache.add_pod(pod("p" + std::to_string(i), "n"));
  EXPECT_EQ(cache.table().size(), 2u);
  EXPECT_EQ(cache.find_pod("p1")->demands, cache.find_pod("p2")->demands);
  cache.add_pod(pod("large", "n", 500));
  EXPECT_EQ(cache.table().size(), 3u);
  for (int i = 0; i < 10; ++i) cache.remove_pod("p" + std::to_string(i));
  cache.remove_pod("large");
  EXPECT_EQ(cache.table().size(), 0u);
  EXPECT_EQ(cache.pods_by_label().size(), 0u);
}

TEST(Cache, PodsMayComeBeforeTheirNodeAndStayAfterIt) {
  Cache cache;
  cache.add_pod(pod("p", "n"));
  EXPECT_EQ(cache.find("n"), nullptr);
  EXPECT_TRUE(cache.nodes().empty());
  cache.add_node(node("n"));
  EXPECT_EQ(cache.find("n")->requested.milli_cpu, 100);
  cache.remove_node("n");
  cache.remove_pod("p");
  cache.add_node(node("n"));
  EXPECT_TRUE(cache.find("n")->pods.empty());
}

// scheduler_cache_size.
TEST(Cache, TellsItsSizes) {
  component::metrics::Registry registry;
  SchedulerMetrics metrics(registry);
  Cache cache(&metrics);
  const auto check_sizes = [&](int nodes, int pods, int assumed) {
    EXPECT_EQ(metrics.cache_size.with({"nodes"}).value(), nodes);
    EXPECT_EQ(metrics.cache_size.with({"pods"}).value(), pods);
    EXPECT_EQ(metrics.cache_size.with({"assumed_pods"}).value(), assumed);
  };
  cache.add_node(node("n"));
  cache.add_node(node("m"));
  assume(cache, "p", "n");
  assume(cache, "q", "m");
  EXPECT_EQ(cache.node_of("q"), "m");
  check_sizes(2, 2, 2);
  cache.add_pod(pod("p", "n"));
  check_sizes(2, 2, 1);
  cache.forget("q");
  EXPECT_EQ(cache.node_of("q"), "");
  check_sizes(2, 1, 0);
  cache.remove_node("n");  // its pod is still there
  cache.remove_node("m");
  check_sizes(1, 1, 0);
  cache.remove_pod("p");
  check_sizes(0, 0, 0);
}

TEST(Cache, CountsImages) {
  Cache cache;
  cache.add_node(node("n", "", "app:1"));
  cache.add_node(node("m", "", "app:1"));
  ASSERT_NE(cache.image("app:1"), nullptr);
  EXPECT_EQ(cache.image("app:1")->node_count, 2);
  EXPECT_TRUE(cache.find("n")->has_image(cache.image("app:1")));
  cache.add_node(node("n"));
  EXPECT_EQ(cache.image("app:1")->node_count, 1);
  cache.remove_node("m");
  EXPECT_EQ(cache.image("app:1"), nullptr);
}

}  // namespace
}  // namespace pintle::scheduler::cache

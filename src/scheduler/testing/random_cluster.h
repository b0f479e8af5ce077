// RandomCluster: a cluster that changes at random, with pods of a few shapes: what is kept between cycles is compared in it with what is found anew.
// The number of steps of such tests: the environment's RANDOM_CLUSTER_STEPS, or what the test says.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "scheduler/config/config.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::testing {

inline int random_steps(int usual) {
  const char* more = std::getenv("RANDOM_CLUSTER_STEPS");
  return more == nullptr ? usual : std::atoi(more);
}

// The same numbers for the same seed.
class SeededRandom final : public rt::Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) byte = static_cast<std::byte>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

class RandomCluster {
 public:
  RandomCluster(Scene::World& world, uint64_t seed, int nodes) : world_(world), engine_(seed) {
    world_.nominator.on_change([this](const std::string& node) { world_.cache.touch(node); });
    shapes_ = {
        pod_of("p app=web cpu=1 memory=1Gi"),
        pod_of("p app=web cpu=1 memory=1Gi", "{priority: 5}"),
        pod_of("p app=db cpu=3 memory=1Gi", "{priority: 10}"),
        pod_of("p app=db cpu=4 memory=5Gi", "{priority: 20, tolerations: [{operator: Exists}]}"),
        pod_of("p app=edge cpu=100m port=80", "{priority: 7, nodeSelector: {zone: a}}"),
        pod_of("p app=none"),
        pod_of("p app=big cpu=9", "{priority: 10}"),
        pod_of("p app=card", "{priority: 10, containers: [{name: c, resources: {requests: {example.com/card: 1}}}]}"),
        pod_of("p app=spread cpu=500m",
               "{priority: 5, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: "
               "{matchLabels: {app: spread}}}]}"),
        pod_of("p app=alone cpu=500m",
               "{priority: 10, affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, "
               "labelSelector: {matchLabels: {app: alone}}}]}}}"),
        pod_of("p app=web tier=front cpu=500m",
               "{affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 20, podAffinityTerm: {topologyKey: zone, "
               "labelSelector: {matchLabels: {app: db}}}}]}, podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 50, "
               "podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}}]}}}"),
        pod_of("p app=any cpu=200m",
               "{topologySpreadConstraints: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: "
               "any}}},"
               " {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: any}}}]}"),
        pod_of("p app=beside cpu=200m",
               "{affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchExpressions: "
               "[{key: app, operator: In, values: [beside, db]}]}}]}}}"),
        pod_of("p app=other cpu=1 memory=1Gi"),
    };
    for (int i = 0; i < nodes; ++i) put_node();
  }
  int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(engine_); }
  bool one_in(int n) { return below(n) == 0; }

  // A pod that wants a node.
  PodInfoPtr want() {
    auto pod = std::make_shared<Pod>(shapes_[static_cast<std::size_t>(below(static_cast<int>(shapes_.size())))]);
    pod->metadata.name = pod->metadata.uid = "pod-" + std::to_string(next_pod_++);
    if (one_in(4)) pod->status.start_time = api::time_from_unix(1000 + below(5), 0);
    return make_pod_info(std::move(pod));
  }
  void place(const PodInfoPtr& pod, const std::string& node) {
    world_.nominator.remove(pod->uid());
    auto placed = std::make_shared<Pod>(*pod->pod);
    placed->spec.node_name = node;
    world_.cache.add_pod(*placed);
    placed_.push_back(placed);
  }
  void nominate(const PodInfoPtr& pod, const std::string& node) {
    world_.nominator.add(pod, node);
    hopeful_.push_back(pod);
  }
  // One of those that hope for a node, or nullptr.
  PodInfoPtr hopeful() { return hopeful_.empty() ? nullptr : hopeful_[static_cast<std::size_t>(below(static_cast<int>(hopeful_.size())))]; }
  std::string some_node() { return names_[static_cast<std::size_t>(below(static_cast<int>(names_.size())))]; }

  // Something happens.
  void step() {
    switch (below(12)) {
      case 0: return put_node();
      case 1:
        if (names_.size() < 5) return put_node();
        {
          const auto at = static_cast<std::size_t>(below(static_cast<int>(names_.size())));
          world_.cache.remove_node(names_[at]);
          names_.erase(names_.begin() + static_cast<std::ptrdiff_t>(at));
        }
        return;
      case 2: return world_.cache.add_node(std::make_shared<const Node>(random_node(some_node())));
      case 3: return nominate(want(), some_node());
      case 4:
        if (hopeful_.empty()) return;
        world_.nominator.remove(hopeful_.back()->uid());
        hopeful_.pop_back();
        return;
      case 5: return place(want(), some_node());  // by another scheduler: more than fits
      default:
        if (placed_.empty() || one_in(3)) return;
        {
          const auto at = static_cast<std::size_t>(below(static_cast<int>(placed_.size())));
          world_.cache.remove_pod(placed_[at]->metadata.uid);
          placed_.erase(placed_.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
  }

 private:
  void put_node() {
    names_.push_back("node-" + std::to_string(next_node_++));
    world_.cache.add_node(std::make_shared<const Node>(random_node(names_.back())));
  }
  Node random_node(const std::string& name) {
    const char* sizes[] = {"cpu=4 memory=8Gi pods=5", "cpu=2 memory=4Gi pods=10", "cpu=8 memory=8Gi pods=4"};
    std::string text = name + " " + sizes[below(3)] + " kubernetes.io/hostname=" + name;
    if (!one_in(8)) {
      const std::string zone = one_in(2) ? "a" : one_in(8) ? "" : "b";
      text += " zone=" + zone + " topology.kubernetes.io/zone=z" + zone;
    }
    if (one_in(8)) text += " taint=only=db:NoSchedule";
    if (one_in(8)) text += " taint=rather=not:PreferNoSchedule";
    if (one_in(10)) text += " unschedulable";
    if (one_in(3)) text += " resource=example.com/card=1";
    return node_of(text);
  }

  Scene::World& world_;
  std::mt19937_64 engine_;
  std::vector<Pod> shapes_;
  std::vector<std::string> names_;
  std::vector<PodPtr> placed_;
  std::vector<PodInfoPtr> hopeful_;
  int next_node_ = 0;
  int next_pod_ = 0;
};

// Runs `steps` with the default profile in a world; `prepare` fills its API server.
inline void with_default_profile(std::function<void(Scene::World&, const Profile&)> steps,
                                 std::function<void(client::testing::FakeServer&)> prepare = nullptr) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    Scene::World world;
    if (prepare) prepare(world.server);
    auto profile = make_profile(config::default_config().profiles[0], world.deps());
    EXPECT_TRUE(profile);
    world.filters.set_profile(**profile);
    world.informers.start();
    auto synced = co_await world.informers.wait_synced(rt::Context::background());
    EXPECT_TRUE(synced);
    steps(world, **profile);
    *profile = nullptr;
    co_await world.tasks.close();
    co_await world.informers.stop();
    co_await world.events.stop();
    co_await world.client->close();
  });
}

}  // namespace pintle::scheduler::testing

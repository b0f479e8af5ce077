// scheduler_cycle [NODES [PODS]]: what the scheduler takes to choose a node for each of PODS pods of Deployments of 15 with a Service each, on NODES
// nodes in three zones that hold nothing at first: the algorithm and the cache alone, without queue, binding and API server.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "scheduler/algorithm/algorithm.h"
#include "scheduler/testing/random_cluster.h"

namespace pintle::scheduler {
namespace {

constexpr int replicas = 15;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void measure(int nodes, int pods) {
  const auto prepare = [&](client::testing::FakeServer& server) {
    for (int i = 0; i < pods / replicas + 1; ++i)
      server.put(api::testing::from_yaml<api::core_v1::Service>("{metadata: {name: d-" + std::to_string(i) +
                                                                ", namespace: default}, spec: {selector: "
                                                                "{app: d-" +
                                                                std::to_string(i) + "}}}"));
  };
  testing::with_default_profile(
      [&](testing::Scene::World& world, const Profile&) {
        for (int i = 0; i < nodes; ++i) {
          const std::string name = "node-" + std::to_string(i);
          world.cache.add_node(testing::shared_node(name + " cpu=32 memory=256Gi pods=110 kubernetes.io/hostname=" + name +
                                                    " topology.kubernetes.io/zone=zone-" + std::to_string(i % 3)));
        }
        testing::SeededRandom random(1);
        algorithm::Algorithm algorithm(world.cache, rt::Executor::current().runtime().clock(), random, world.metrics);
        std::vector<PodPtr> wanted;
        for (int i = 0; i < pods; ++i)
          wanted.push_back(
              testing::shared_pod("p-" + std::to_string(i) + " app=d-" + std::to_string(i / replicas) + " tier=load cpu=100m memory=64Mi"));
        double began = now_s(), all = began;
        for (int i = 0; i < pods; ++i) {
          const PodInfoPtr pod = make_pod_info(wanted[static_cast<std::size_t>(i)], world.cache.table());
          CycleState state;
          const algorithm::Placement placement = algorithm.schedule(world.filters, state, *pod, 0);
          if (placement.node == nullptr) {
            std::printf("pod %d fits nowhere\n", i);
            return;
          }
          world.cache.assume(pod, placement.node->name());
          if ((i + 1) % (pods / 10) == 0) {
            std::printf("%d pods: the last %d took %.1f us each\n", i + 1, pods / 10, (now_s() - began) * 1e6 / (pods / 10));
            began = now_s();
          }
        }
        std::printf("%d nodes, %d pods: %.1f us each\n", nodes, pods, (now_s() - all) * 1e6 / pods);
      },
      prepare);
}

}  // namespace
}  // namespace pintle::scheduler

int main(int argc, char** argv) {
  const int nodes = argc > 1 ? std::atoi(argv[1]) : 5000, pods = argc > 2 ? std::atoi(argv[2]) : 10000;
  if (nodes <= 0 || pods < 10) {
    std::fprintf(stderr, "usage: scheduler_cycle [NODES [PODS]]\n");
    return 2;
  }
  pintle::scheduler::measure(nodes, pods);
}

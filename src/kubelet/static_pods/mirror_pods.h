// Mirror pods: the API's objects that show static pods. Made when a static pod has none, deleted when it differs or when
// its static pod is gone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "kubelet/sources/pod_config.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::static_pods {

struct MirrorPlan {
  std::vector<PodPtr> create;  // static pods
  std::vector<PodPtr> remove;  // mirrors
  bool empty() const { return create.empty() && remove.empty(); }
};
// Pure. `mirrors` are those of this node.
MirrorPlan plan_mirrors(const std::vector<PodPtr>& static_pods, const std::vector<PodPtr>& mirrors);
// The object that is created. Pure.
api::core_v1::Pod mirror_of_static_pod(const api::core_v1::Pod& pod, const std::string& node_name, const std::string& node_uid);

struct MirrorPodsDeps {
  rt::Runtime& runtime;
  client::Client& client;
  const sources::PodConfig& pods;
  std::string node_name;
  // The UID of the Node, which owns its mirrors; "" while it is not registered.
  std::function<std::string()> node_uid;
};

// Keeps the mirrors as they should be. Belongs to the kubelet's executor.
class MirrorPods {
 public:
  explicit MirrorPods(MirrorPodsDeps deps) : deps_(std::move(deps)) {}
  void start() { tasks_.spawn(run(tasks_.context())); }
  // Pods or mirrors have changed, or the node has been registered.
  void poke() { poked_.set(); }
  rt::Task<void> stop() { co_await tasks_.close(); }

 private:
  rt::Task<void> run(rt::Context ctx);
  // False: something did not work.
  rt::Task<bool> apply(rt::Context ctx, MirrorPlan plan);

  MirrorPodsDeps deps_;
  rt::Event poked_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::static_pods

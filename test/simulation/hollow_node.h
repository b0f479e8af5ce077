// HollowNode: a node that runs nothing: it registers itself, renews its Lease, says that its pods run, and lets deleted
// ones go after their time. What a kubelet is to the control plane.
#pragma once

#include <memory>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "client/informers.h"
#include "client/work_queue.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::testing {

struct HollowNodeOptions {
  std::string name;
  std::string address;
  std::string zone;  // "": none
  int cpus = 8;
  std::string memory = "16Gi";
  int pods_max = 110;
  rt::Duration lease_period = std::chrono::seconds(10);
  rt::Duration pod_start_time = std::chrono::milliseconds(500);
};

class HollowNode {
 public:
  HollowNode(rt::Runtime& runtime, client::Client& client, HollowNodeOptions options);
  // Runs until `ctx` is done.
  rt::Task<void> run(rt::Context ctx);

 private:
  rt::Task<Result<Unit>> register_node(rt::Context ctx);
  rt::Task<void> keep_lease(rt::Context ctx);
  rt::Task<Result<Unit>> renew_lease(rt::Context ctx);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync_pod(rt::Context ctx, std::string key);
  // Says that it is ready, where the control plane has lost sight of it and says otherwise.
  rt::Task<Result<Unit>> sync_node(rt::Context ctx);
  api::core_v1::Pod running(api::core_v1::Pod pod);
  api::Time now() const;

  rt::Runtime& runtime_;
  client::Client& client_;
  const HollowNodeOptions options_;
  client::Informers informers_;
  client::Informer<api::core_v1::Pod> pods_;
  client::Informer<api::core_v1::Node> node_;
  client::ControlLoop loop_;
  int addresses_ = 0;
};

}  // namespace pintle::testing

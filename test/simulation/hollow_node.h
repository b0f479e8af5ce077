// HollowNode: a node that runs nothing: it registers itself, renews its Lease, says that its pods run, that those which are not to be started again
// have done their work after a while, and lets deleted ones go after their time. What a kubelet is to the control plane.
#pragma once

#include <functional>
#include <map>
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
  rt::Duration pod_run_time = std::chrono::seconds(2);  // of pods that are not to be started again
  std::map<std::string, std::string> labels;
  // A pod begins to run here, or has ended (by key); none: nobody wants to know.
  std::function<void(const api::core_v1::Pod&)> on_start;
  std::function<void(const std::string& key)> on_end;
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
  rt::Task<Result<Unit>> end_pod(rt::Context ctx, std::shared_ptr<const api::core_v1::Pod> pod);
  api::core_v1::Pod running(api::core_v1::Pod pod);
  void ended(const std::string& key) const {
    if (options_.on_end) options_.on_end(key);
  }
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

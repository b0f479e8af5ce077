// HollowFleet: as many nodes as a simulation wants, in one object. To the control plane each is what HollowNode is: it registers, renews its Lease,
// says by a patch of the status that a pod runs, lets a deleted pod go, and, when it comes back, lists its pods. Shared, so that 100,000 nodes
// fit into a machine: one client, and one watch of all pods in place of one a node.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::testing {

struct HollowFleetOptions {
  int nodes = 1000;
  int zones = 3;
  rt::Duration lease_period = std::chrono::seconds(10);
  int hands = 64;  // requests at a time
};

class HollowFleet {
 public:
  HollowFleet(rt::Runtime& runtime, client::Client& client, HollowFleetOptions options);

  // Until every node is there.
  rt::Task<Result<Unit>> register_all();
  void start();
  rt::Task<void> stop();
  // The zone's nodes lose their power, or start again.
  void lose_zone(int zone) { alive_[static_cast<std::size_t>(zone)] = false; }
  void bring_back(int zone);

  int64_t seen() const { return static_cast<int64_t>(states_.size()); }
  int64_t bound() const { return bound_; }
  int64_t ready() const { return ready_; }

 private:
  struct State {
    bool bound = false;
    bool ready = false;
  };
  enum class Task : uint8_t { Run, Remove, Return };  // Return: the node itself is back
  struct Work {
    Task task;
    int node;
    std::string namespace_name, name, uid;
  };

  rt::Task<Result<Unit>> register_node(int node);
  rt::Task<void> keep_leases(rt::Context ctx, int hand);
  rt::Task<void> follow_pods(rt::Context ctx);
  rt::Task<Result<Unit>> list_pods(rt::Context ctx, std::string field_selector, std::string& resource_version);
  rt::Task<void> work(rt::Context ctx);
  rt::Task<Result<Unit>> do_work(rt::Context ctx, Work work);
  rt::Task<Result<Unit>> come_back(rt::Context ctx, int node);
  void saw(const api::core_v1::Pod& pod, bool gone);
  void push(Work work);
  bool is_alive(int node) const { return alive_[static_cast<std::size_t>(node % options_.zones)]; }
  std::string running_status(const Work& work);
  std::string now_text() const;

  rt::Runtime& runtime_;
  client::Client& client_;
  const HollowFleetOptions options_;
  std::vector<bool> alive_;                        // by zone
  std::vector<std::string> lease_versions_;        // by node
  std::unordered_map<std::string, State> states_;  // by uid
  std::unordered_set<std::string> under_way_;      // uids whose pods are being started or removed
  std::deque<Work> queue_;
  rt::Event queued_;
  rt::TaskGroup tasks_;
  int64_t bound_ = 0;
  int64_t ready_ = 0;
  int64_t addresses_ = 0;
};

}  // namespace pintle::testing

// NodeRoutes: the ways from this node to the pods of all others, from the cluster's Node objects, for as long as it runs.
// Event driven: changes of nodes, and the kernel's notices of routes and links that somebody removed, which come back at once. In mode Vxlan it makes
// the device pintle.1 and publishes its hardware address on the own Node.
//
//   cni::routes::NodeRoutesSetup setup{.runtime = runtime, .client = client, .node_name = name, .mode = mode, .cluster_cidrs = cidrs};
//   cni::routes::NodeRoutes routes(std::move(setup));
//   co_await routes.start();   ...   co_await routes.stop();
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/informers.h"
#include "cni/routes/plan.h"
#include "rt/runtime.h"

namespace pintle::cni::routes {

struct NodeRoutesSetup {
  rt::Runtime& runtime;
  client::Client& client;
  std::string node_name;
  Mode mode = Mode::Vxlan;
  std::vector<std::string> cluster_cidrs;  // of all pods; packets to elsewhere get the node's address ({}: none do)
  uint32_t vni = 1;
  uint16_t port = 8472;
  // Informers of the whole process, as in proxy/proxy.h; nullptr: its own.
  client::Informers* informers = nullptr;
};

class NodeRoutes {
 public:
  explicit NodeRoutes(NodeRoutesSetup setup);
  ~NodeRoutes();
  NodeRoutes(const NodeRoutes&) = delete;
  NodeRoutes& operator=(const NodeRoutes&) = delete;

  // BadRequest for a cluster CIDR that is none. Returns at once; failures of the kernel or the API are logged and tried again.
  rt::Task<Result<Unit>> start();
  // Until the routes stand for the first time, this node's pod range included.
  rt::Task<Result<Unit>> wait_synced(rt::Context ctx);
  // The routes stay: pods go on while the node's agent is restarted.
  rt::Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The MTU that this node's pods may use: of the link that has `node_ip`, less the encapsulation. Blocks.
Result<uint32_t> find_pod_mtu(Mode mode, const std::string& node_ip);

// Removes routes, device and table. Blocks.
Result<Unit> clean_up();

}  // namespace pintle::cni::routes

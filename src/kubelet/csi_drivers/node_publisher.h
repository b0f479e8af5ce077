// NodePublisher: keeps this node's CSINode, and what of drivers stands in its Node, as registered drivers say. One change at a time.
// Belongs to one executor.
#pragma once

#include <map>
#include <set>
#include <string>

#include "client/client.h"
#include "kubelet/csi_drivers/node_info.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::csi_drivers {

struct NodePublisherDeps {
  rt::Runtime& runtime;
  client::Client& client;
  std::string node_name;
};

class NodePublisher {
 public:
  explicit NodePublisher(NodePublisherDeps deps) : deps_(std::move(deps)) {}

  void start() { tasks_.spawn(run(tasks_.context())); }
  rt::Task<void> stop() { co_await tasks_.close(); }

  // The Node is known by this uid: the CSINode is made, and if it is another Node than before, all that is published is so again.
  void node_known(const std::string& uid);
  // Waits for the Node, then writes; the error of the last of a few tries, and then what was published of it before, or nothing, is wanted.
  rt::Task<Result<Unit>> publish(rt::Context ctx, DriverOnNode driver);
  // In the background, until it is done or the driver is published again.
  void withdraw(std::string name);

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Task<Result<Unit>> catch_up(rt::Context ctx);
  // These hold `writing_`.
  rt::Task<Result<Unit>> write(rt::Context ctx, DriverOnNode driver);
  rt::Task<Result<Unit>> write_once(rt::Context ctx, DriverOnNode driver);
  rt::Task<Result<Unit>> write_absence(rt::Context ctx, std::string name);
  rt::Task<Result<Unit>> patch_node(rt::Context ctx, std::string patch);
  // The CSINode of this Node, made if it is not there, or is of an earlier Node of its name.
  rt::Task<Result<api::storage_v1::CSINode>> own_csi_node(rt::Context ctx, std::string uid);
  rt::Task<Result<Unit>> ensure_csi_node(rt::Context ctx);

  NodePublisherDeps deps_;
  std::string uid_;                             // of the Node
  std::string done_uid_;                        // of the Node whose CSINode is there with all of `wanted_`
  std::map<std::string, DriverOnNode> wanted_;  // by name: what was published
  std::set<std::string> withdrawn_;             // is to be taken out
  rt::Event known_;
  rt::Event poked_;
  rt::AsyncMutex writing_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::csi_drivers

// Provisioner: makes, grows and deletes the volumes of a CSI driver for the cluster's claims, on every node that has the driver.
// Belongs to one executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/client.h"
#include "csi_provisioner/cluster_state.h"
#include "csi_provisioner/node_provisioner.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::csi_provisioner {

struct ProvisionerDeps {
  rt::Runtime& runtime;
  client::Client& client;
  // How the node's driver is called.
  std::function<std::shared_ptr<csi::Controller>(const std::string& node)> driver_of;
};

class Provisioner {
 public:
  // The value of `topology_key` of a node is its name.
  Provisioner(ProvisionerDeps deps, std::string driver, std::string topology_key);
  void start();
  rt::Task<void> stop();

 private:
  using CsiNode = ClusterState::CsiNode;

  void follow_claims();
  void follow_volumes();
  void follow_classes();
  void follow_nodes();
  void look_at(const std::string& node);
  rt::Task<Result<Unit>> choose_node(rt::Context ctx, std::string key);
  std::vector<Room> rooms_for(const ClusterState::Claim& claim, const ClusterState::Class& by) const;
  void forget_capacity(const std::string& node);
  NodeProvisioner* at(const std::string& node);
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> end(std::shared_ptr<NodeProvisioner> gone);
  rt::Task<void> remove_capacity(rt::Context ctx, std::string node, std::string name_space, std::string name);

  ProvisionerDeps deps_;
  ClusterState cluster_;
  bool running_ = false;
  std::map<std::string, std::shared_ptr<NodeProvisioner>, std::less<>> nodes_;
  client::EventRecorder events_;
  client::ControlLoop choice_loop_;  // claims of classes that bind at once
  rt::TaskGroup tasks_;
};

}  // namespace pintle::csi_provisioner

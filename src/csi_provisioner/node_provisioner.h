// NodeProvisioner: makes, grows and deletes the volumes of a CSI driver on one node. What it waits for it waits for alone: a node that is away or
// does not answer holds up no other. Belongs to one executor.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/work_queue.h"
#include "csi/controller.h"
#include "csi_provisioner/cluster_state.h"
#include "csi_provisioner/provision_plan.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::csi_provisioner {

// How often the room that is left is asked for, besides after each volume that was made, grown or deleted.
constexpr rt::Duration capacity_asked_every = std::chrono::minutes(1);

struct NodeProvisionerDeps {
  rt::Runtime& runtime;
  client::Client& client;
  const ClusterState& cluster;  // synced
  // The driver of the node. While its capacity() answers Unimplemented, the node's volumes are another's to make.
  std::shared_ptr<csi::Controller> driver;
};

class NodeProvisioner {
 public:
  NodeProvisioner(NodeProvisionerDeps deps, Place place);
  // Looks at all that the node has, once its driver answers.
  void start();
  rt::Task<void> stop();

  // What may concern the node has changed; by their keys.
  void claim_changed(std::string key) {
    if (served_) claim_loop_.queue().add(std::move(key));
  }
  void volume_changed(std::string name) {
    if (served_) volume_loop_.queue().add(std::move(name));
  }
  void class_changed(std::string name) {
    if (served_) class_loop_.queue().add(std::move(name));
  }

 private:
  using Claim = ClusterState::Claim;
  using Volume = ClusterState::Volume;
  using Class = ClusterState::Class;
  using Capacity = ClusterState::Capacity;

  rt::Task<Result<Unit>> sync_claim(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> provision(rt::Context ctx, std::shared_ptr<const Claim> claim);
  rt::Task<Result<Unit>> fail(rt::Context ctx, std::shared_ptr<const Claim> claim, Status why);
  rt::Task<Result<Unit>> grow(rt::Context ctx, std::shared_ptr<const Claim> claim, std::shared_ptr<const Volume> volume, api::Quantity size);
  rt::Task<Result<Unit>> say_grown(rt::Context ctx, std::shared_ptr<const Claim> claim, std::shared_ptr<const Volume> volume, api::Quantity size,
                                   api::csi_v1::ControllerExpandVolumeResponse grown);
  rt::Task<Result<Unit>> sync_volume(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync_class(rt::Context ctx, std::string key);
  Result<std::string> source_of(const Claim& claim) const;
  void ask_capacity();
  void look_at_all();
  rt::Task<bool> wait_for_driver(rt::Context ctx);
  rt::Task<void> run(rt::Context ctx);
  std::string now() const;

  NodeProvisionerDeps deps_;
  const Place place_;
  client::EventRecorder events_;
  client::ControlLoop claim_loop_;
  client::ControlLoop volume_loop_;
  client::ControlLoop class_loop_;
  bool served_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::csi_provisioner

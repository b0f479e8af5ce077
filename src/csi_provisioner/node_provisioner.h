// Provisioner: makes, grows and deletes the volumes of a CSI driver on one node for the cluster's claims. Belongs to one executor.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "client/work_queue.h"
#include "csi/driver.h"
#include "csi_provisioner/provision_plan.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::csi_provisioner {

// How often the room that is left is asked for, besides after each volume that was made, grown or deleted.
constexpr rt::Duration capacity_asked_every = std::chrono::minutes(1);

struct ProvisionerDeps {
  rt::Runtime& runtime;
  client::Client& client;
  std::shared_ptr<csi::Driver> driver;
};

class Provisioner {
 public:
  Provisioner(ProvisionerDeps deps, Place place);
  void start();
  rt::Task<void> stop();

 private:
  using Claim = api::core_v1::PersistentVolumeClaim;
  using Volume = api::core_v1::PersistentVolume;
  using Class = api::storage_v1::StorageClass;
  using Capacity = api::storage_v1::CSIStorageCapacity;

  void follow_claims();
  void follow_volumes();
  void follow_classes();
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
  rt::Task<void> keep_asking(rt::Context ctx);
  std::string now() const;

  ProvisionerDeps deps_;
  const Place place_;
  client::EventRecorder events_;
  client::Informers informers_;
  client::Informer<Claim> claims_;
  client::Informer<Volume> volumes_;
  client::Informer<Class> classes_;
  client::Informer<Capacity> capacities_;
  client::ControlLoop claim_loop_;
  client::ControlLoop volume_loop_;
  client::ControlLoop class_loop_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::csi_provisioner

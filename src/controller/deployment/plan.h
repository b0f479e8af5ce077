// What a Deployment needs next: a new ReplicaSet, other sizes of its sets, old ones deleted, its status. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/deployment/replica_sets.h"
#include "controller/deployment/status.h"
#include "rt/clock.h"

namespace pintle::controller::deployment {

struct Observed {
  const Deployment& deployment;
  const Sets& sets;  // those it owns
  // Whether pods of sets other than the new one still run: Recreate waits for them.
  bool old_pods_running = false;
  rt::WallTime now;
};

struct SetUpdate {
  ReplicaSet set;
  std::string event;  // of reason ScalingReplicaSet; "": none
};

struct Plan {
  std::optional<ReplicaSet> create;
  std::vector<SetUpdate> update;
  std::vector<SetPtr> remove;
  // The Deployment with the status (and revision) to write; nothing: both stand.
  std::optional<Deployment> status;
  std::optional<rt::Duration> look_again;
};

Plan plan_deployment(const Observed& observed);

// The status after the new set could not be made.
Deployment after_failed_create(const Deployment& deployment, const std::string& set_name, const Status& failure, rt::WallTime now);
// The status after its name was found taken by another: the next name differs.
Deployment after_collision(const Deployment& deployment);

}  // namespace pintle::controller::deployment

// Leader election by a coordination.k8s.io/v1 Lease, with client-go's times and record, so that ours and upstream's
// candidates respect one another.
#pragma once

#include <functional>
#include <string>

#include "client/client.h"
#include "client/event_recorder.h"

namespace pintle::client {

struct LeaderElectionOptions {
  std::string namespace_name = "kube-system";
  std::string name;      // of the Lease: "kube-scheduler"
  std::string identity;  // hostname_uuid
  rt::Duration lease_duration = std::chrono::seconds(15);
  rt::Duration renew_deadline = std::chrono::seconds(10);
  rt::Duration retry_period = std::chrono::seconds(2);
  bool release_on_stop = true;
};

// Waits to become the leader, runs `lead` with a context that is done when the lease is lost (or `ctx` is done), and
// returns when `lead` has returned: Gone if the lease was lost (the process should end, as upstream's do).
rt::Task<Result<Unit>> run_as_leader(Client& client, rt::Context ctx, LeaderElectionOptions options, EventRecorder* events,
                                     std::function<rt::Task<void>(rt::Context)> lead);

}  // namespace pintle::client

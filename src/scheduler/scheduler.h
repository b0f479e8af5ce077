// The scheduler: gives every pod without a node the best one. Used by `pintle kube-scheduler`, by `pintle server`, and by
// tests. Everything happens on the executor of start().
#pragma once

#include <memory>
#include <optional>

#include "client/client.h"
#include "client/leader_election.h"
#include "component/feature_gates.h"
#include "component/metrics.h"
#include "scheduler/config/config.h"

namespace pintle::scheduler {

struct SchedulerSetup {
  rt::Runtime& runtime;
  client::Client& client;                 // system:kube-scheduler
  component::metrics::Registry& metrics;  // of the process
  config::SchedulerConfig config = config::default_config();
  component::FeatureGates gates;
  std::optional<client::LeaderElectionOptions> leader_election;  // none: leads at once
  std::string hostname;                                          // tells the instance that reports events
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Checks the configuration (BadRequest names what is wrong) and begins; does not wait for leadership or for the API server.
  virtual Result<Unit> start() = 0;
  // Ends the cycles under way and gives the lease back.
  virtual rt::Task<void> stop() = 0;
  // Whether it schedules: it leads, and has seen all pods and nodes.
  virtual bool running() const = 0;
  // Returns when leadership was lost: the process is to end.
  virtual rt::Task<Result<Unit>> wait_lost(rt::Context ctx) = 0;
};

std::unique_ptr<Scheduler> make_scheduler(SchedulerSetup setup);

}  // namespace pintle::scheduler

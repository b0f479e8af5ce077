// The controller manager: every controller of the table that is switched on, run while this process leads. Used by
// `pintle kube-controller-manager`, by `pintle server`, and by tests. Everything happens on the executor of start().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/leader_election.h"
#include "component/metrics.h"
#include "controller/framework/controller.h"
#include "rt/growing_wait.h"

namespace pintle::controller {

// One row of the table of controllers.
struct ControllerRow {
  std::string_view name;             // as in --controllers
  std::string_view alias;            // its older name there
  std::string_view service_account;  // in kube-system: its identity; "": the manager's
  std::string_view event_source;
  std::unique_ptr<Controller> (*make)(ControllerDeps);
  bool default_on = true;
};
std::span<const ControllerRow> controller_table();

// The rows that --controllers=LIST switches on: "*" all that are on by default, "name", "-name". BadRequest for a name
// that no controller of Kubernetes has.
Result<std::vector<const ControllerRow*>> select_controllers(const std::vector<std::string>& list,
                                                             std::span<const ControllerRow> table = controller_table());

// Controllers of Kubernetes that the list switches on and that are not here, and what the log says of each.
struct AbsentController {
  std::string_view name;
  std::string_view why;
  std::string gates;  // those that it needs, by commas, where one of them is off
};
std::vector<AbsentController> absent_controllers(const std::vector<std::string>& list, const component::FeatureGates& gates);

// A controller with a contained failure (framework/containment.h) is made anew after this, which doubles while it goes on failing.
inline constexpr rt::GrowingWaitOptions restart_wait{std::chrono::seconds(1), std::chrono::minutes(5)};

struct ManagerSetup {
  rt::Runtime& runtime;
  client::Client& client;  // system:kube-controller-manager: lists, watches, the lease
  // A client with the identity of that service account of kube-system; none: every controller uses `client`.
  std::function<rt::Task<Result<std::unique_ptr<client::Client>>>(rt::Context ctx, std::string service_account)> client_for;
  ControllerOptions options;
  std::vector<std::string> controllers = {"*"};
  std::optional<client::LeaderElectionOptions> leader_election;  // none: leads at once
  component::metrics::Registry* metrics = nullptr;               // outlives the manager; nullptr: nothing is counted
  client::ClientMetrics* client_metrics = nullptr;               // the same, of work queues
  HostDirectories* host_directories = nullptr;                   // outlives the manager; see ControllerDeps
  std::span<const ControllerRow> table = controller_table();     // tests have others
};

class ControllerManager {
 public:
  virtual ~ControllerManager() = default;
  // Checks the setup and begins; does not wait for leadership or for the API server.
  virtual Result<Unit> start() = 0;
  // Stops every controller and gives the lease back.
  virtual rt::Task<void> stop() = 0;
  // Whether all controllers are at work.
  virtual bool running() const = 0;
  // Set when leadership was lost: the process is to end.
  virtual rt::Task<Result<Unit>> wait_lost(rt::Context ctx) = 0;
};

std::unique_ptr<ControllerManager> make_controller_manager(ManagerSetup setup);

}  // namespace pintle::controller

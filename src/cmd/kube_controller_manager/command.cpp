#include "cmd/kube_controller_manager/command.h"

#include <cstdio>

#include "client/access_reviews.h"
#include "client/kubeconfig.h"
#include "client/metrics.h"
#include "cmd/kube_controller_manager/flags.h"
#include "cmd/kube_controller_manager/service_account_clients.h"
#include "component/command.h"
#include "component/feature_metrics.h"
#include "component/log.h"
#include "component/log_flags.h"
#include "component/serving/secure_port.h"
#include "component/until_signal.h"
#include "component/version.h"
#include "controller/framework/host_directories.h"
#include "controller/manager.h"
#include "os/machine.h"
#include "rt/combine.h"

namespace pintle::cmd {

namespace {

namespace log = component::log;
namespace metrics = component::metrics;

struct Options {
  controller::ControllerOptions controllers;
  std::vector<std::string> selected;
  client::ConnectionConfig connection;
  std::optional<client::LeaderElectionOptions> leader_election;
  bool own_accounts = false;  // --use-service-account-credentials
  component::SecurePortOptions port;
  component::FlagValues flags;
  std::string configuration;  // of /configz
};

int fail(const Status& status) { return component::fail("kube-controller-manager", status); }

std::string identity_of(rt::Runtime& runtime) {
  std::string text;
  for (int i = 0; i < 2; ++i) {
    char part[17];
    std::snprintf(part, sizeof part, "%016lx", static_cast<unsigned long>(runtime.random().next_u64()));
    text += part;
  }
  for (const std::size_t at : {20u, 16u, 12u, 8u}) text.insert(at, "-");
  return os::host_name() + "_" + text;
}

Result<client::ConnectionConfig> connection_of(rt::Disk& disk, const component::FlagSet& flags) {
  client::ConnectionConfig out;
  const std::string file = flags.get_string("kubeconfig"), master = flags.get_string("master");
  if (!file.empty()) {
    TRY_ASSIGN(out, client::load_kubeconfig(disk, file));
  } else if (master.empty()) {
    TRY_ASSIGN(out, client::in_cluster_config(disk));
  }
  if (!master.empty()) out.client.server = master;
  out.client.user_agent = std::string("kube-controller-manager/") + component::kubernetes_version + " (pintle)";
  if (flags.is_set("kube-api-qps")) out.client.qps = flags.get_float("kube-api-qps");
  if (flags.is_set("kube-api-burst")) out.client.burst = static_cast<double>(flags.get_int("kube-api-burst"));
  return out;
}

Result<Options> options_of(rt::Runtime& runtime, const component::FlagSet& flags) {
  Options out;
  TRY_ASSIGN(out.controllers, controller_options(runtime.disk(), flags));
  TRY(component::read_secure_port(flags, out.port));
  out.flags = flags.values();
  out.configuration = controller_manager_configuration(flags);
  TRY_ASSIGN(out.connection, connection_of(runtime.disk(), flags));
  // Without --root-ca-file, pods trust whom this manager trusts.
  if (out.controllers.root_ca_pem.empty()) {
    TRY_ASSIGN(out.controllers.root_ca_pem, trusted_authority(runtime.disk(), out.connection.tls));
  }
  out.selected = selected_controllers(flags);
  TRY(controller::select_controllers(out.selected));
  out.own_accounts = flags.get_bool("use-service-account-credentials");
  if (flags.get_bool("leader-elect")) {
    if (flags.get_string("leader-elect-resource-lock") != "leases") return bad_request("--leader-elect-resource-lock must be leases");
    client::LeaderElectionOptions election;
    election.namespace_name = flags.get_string("leader-elect-resource-namespace");
    election.name = flags.get_string("leader-elect-resource-name");
    election.identity = identity_of(runtime);
    election.lease_duration = flags.get_duration("leader-elect-lease-duration");
    election.renew_deadline = flags.get_duration("leader-elect-renew-deadline");
    election.retry_period = flags.get_duration("leader-elect-retry-period");
    out.leader_election = std::move(election);
  }
  return out;
}

rt::Task<Result<int>> until_told(rt::Context ctx) {
  CO_TRY(co_await component::until_signal(std::move(ctx)));
  co_return 0;
}

rt::Task<Result<int>> until_lost(rt::Context ctx, controller::ControllerManager* manager) {
  CO_TRY(co_await manager->wait_lost(std::move(ctx)));
  co_return 1;
}

// The exit status: 0 after a signal, 1 when the lease is lost, so that whoever supervises the process starts it again.
rt::Task<int> wait_end(controller::ControllerManager& manager) {
  std::vector<std::function<rt::Task<Result<int>>(rt::Context)>> ends;
  ends.push_back([](rt::Context ctx) { return until_told(std::move(ctx)); });
  ends.push_back([&manager](rt::Context ctx) { return until_lost(std::move(ctx), &manager); });
  const auto ended = co_await rt::when_any<int>(rt::Context::background(), std::move(ends));
  co_return ended.value_or(1);
}

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  metrics::Registry registry;
  client::ClientMetrics client_metrics(runtime, registry);
  options.connection.client.metrics = &client_metrics;
  auto client = client::connect(runtime, options.connection);
  if (!client) co_return fail(client.error());
  ServiceAccountClients accounts(**client, options.connection);
  const component::FeatureGates gates = options.controllers.feature_gates;
  controller::ManagerSetup setup{
      runtime, **client, nullptr, std::move(options.controllers), std::move(options.selected), std::move(options.leader_election)};
  if (options.own_accounts)
    setup.client_for = [&accounts](rt::Context ctx, std::string account) { return accounts.client_for(std::move(ctx), std::move(account)); };
  setup.metrics = &registry;
  setup.client_metrics = &client_metrics;
  setup.host_directories = &controller::machine_directories();
  auto manager = controller::make_controller_manager(std::move(setup));
  registry.add_callback([&manager, gates](std::string& out) {
    metrics::write_process_metrics(out);
    component::write_feature_metrics(out, gates);
    metrics::write_head(out, "pintle_controllers_running", "Whether the controllers are at work in this process.", "gauge");
    metrics::write_sample(out, "pintle_controllers_running", {}, {}, manager->running() ? 1 : 0);
  });
  client::AccessReviews reviewer(**client);
  component::SecurePortSetup wanted{.runtime = runtime,
                                    .metrics = registry,
                                    .reviewer = &reviewer,
                                    .name = "kube-controller-manager",
                                    .options = options.port,
                                    .config = {{"kubecontrollermanager.config.k8s.io", options.configuration}},
                                    .flags = options.flags};
  component::SecurePort port(std::move(wanted));
  int status = 0;
  Result<Unit> started = Unit{};
  if (options.port.port != 0) started = co_await port.start();
  if (started) started = manager->start();
  if (!started) {
    status = fail(started.error());
  } else {
    status = co_await wait_end(*manager);
    log::info(0, "Shutting down");
  }
  co_await manager->stop();
  co_await port.stop();
  co_await (*client)->close();
  co_return status;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, options_of(runtime, flags));
  TRY_ASSIGN(auto logging, component::log_options(flags));
  return component::CommandWork{std::move(logging), {}, [&runtime, options] { return serve(runtime, options); }};
}

}  // namespace

int run_kube_controller_manager(std::span<const char* const> args) {
  return component::run_command({.name = "kube-controller-manager", .flags = kube_controller_manager_flags(), .prepare = prepare}, args);
}

}  // namespace pintle::cmd

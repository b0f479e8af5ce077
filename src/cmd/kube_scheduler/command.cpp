#include "cmd/kube_scheduler/command.h"

#include <cstdio>

#include "client/access_reviews.h"
#include "client/kubeconfig.h"
#include "client/metrics.h"
#include "cmd/kube_scheduler/flags.h"
#include "component/bound_flags.h"
#include "component/command.h"
#include "component/log.h"
#include "component/log_flags.h"
#include "component/serving/secure_port.h"
#include "component/until_signal.h"
#include "component/version.h"
#include "os/machine.h"
#include "rt/combine.h"
#include "rt/runtime.h"
#include "scheduler/scheduler.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;

struct Options {
  scheduler::config::SchedulerConfig config;
  component::FeatureGates gates;
  std::string master;
  std::string reviews_kubeconfig;  // of --authentication-kubeconfig or --authorization-kubeconfig
  component::SecurePortOptions port;
  component::FlagValues flags;
};

using component::into;
using component::into_if_set;
using Config = scheduler::config::SchedulerConfig;

Result<Unit> take_burst(const component::FlagSet& flags, std::string_view flag, Config& config) {
  config.client_burst = static_cast<double>(flags.get_int(flag));
  return Unit{};
}

constexpr component::BoundFlag<Config> without_file[] = {
    {"kubeconfig", into<&Config::kubeconfig>},
    {"kube-api-qps", into<&Config::client_qps>},
    {"kube-api-burst", take_burst},
};
constexpr component::BoundFlag<Config> beside_file[] = {
    {"pod-max-in-unschedulable-pods-duration", into<&Config::pod_max_in_unschedulable>},
    {"leader-elect", into_if_set<&Config::leader_elect>},
    {"leader-elect-lease-duration", into_if_set<&Config::lease_duration>},
    {"leader-elect-renew-deadline", into_if_set<&Config::renew_deadline>},
    {"leader-elect-retry-period", into_if_set<&Config::retry_period>},
    {"leader-elect-resource-name", into_if_set<&Config::lease_name>},
    {"leader-elect-resource-namespace", into_if_set<&Config::lease_namespace>},
};

Result<Options> options_of(rt::Disk& disk, const component::FlagSet& flags) {
  Options out;
  TRY_ASSIGN(out.config, scheduler_configuration(disk, flags));
  TRY_ASSIGN(out.gates, component::FeatureGates::parse(flags.get_map("feature-gates")));
  out.master = flags.get_string("master");
  out.reviews_kubeconfig = flags.get_string("authorization-kubeconfig").empty() ? flags.get_string("authentication-kubeconfig")
                                                                                : flags.get_string("authorization-kubeconfig");
  TRY(component::read_secure_port(flags, out.port));
  out.flags = flags.values();
  return out;
}

Result<client::ConnectionConfig> connection_of(rt::Disk& disk, const Options& options) {
  client::ConnectionConfig out;
  if (!options.config.kubeconfig.empty()) {
    TRY_ASSIGN(out, client::load_kubeconfig(disk, options.config.kubeconfig));
  } else if (options.master.empty()) {
    TRY_ASSIGN(out, client::in_cluster_config(disk));
  }
  if (!options.master.empty()) out.client.server = options.master;
  out.client.user_agent = std::string("kube-scheduler/") + component::kubernetes_version + " (pintle)";
  out.client.qps = options.config.client_qps;
  out.client.burst = options.config.client_burst;
  return out;
}

std::string identity_of(rt::Runtime& runtime) {
  char unique[40] = {};
  std::snprintf(unique, sizeof unique, "%016llx%016llx", static_cast<unsigned long long>(runtime.random().next_u64()),
                static_cast<unsigned long long>(runtime.random().next_u64()));
  return os::host_name() + "_" + unique;
}

int fail(const Status& status) { return component::fail("kube-scheduler", status); }

rt::Task<Result<int>> until_told(rt::Context ctx) {
  CO_TRY_ASSIGN(const int signal, co_await component::until_signal(std::move(ctx)));
  log::info(0, "Shutting down", {{"signal", std::to_string(signal)}});
  co_return 0;
}
rt::Task<Result<int>> until_lost(rt::Context ctx, scheduler::Scheduler* scheduler) {
  auto lost = co_await scheduler->wait_lost(std::move(ctx));
  if (!lost) co_return Unexpected(lost.error());
  co_return 1;
}

client::LeaderElectionOptions election_of(const scheduler::config::SchedulerConfig& config, rt::Runtime& runtime) {
  client::LeaderElectionOptions out;
  out.namespace_name = config.lease_namespace;
  out.name = config.lease_name;
  out.identity = identity_of(runtime);
  out.lease_duration = config.lease_duration;
  out.renew_deadline = config.renew_deadline;
  out.retry_period = config.retry_period;
  return out;
}

Result<std::unique_ptr<client::Client>> client_for_reviews(rt::Runtime& runtime, const Options& options) {
  if (options.reviews_kubeconfig.empty()) return nullptr;
  TRY_ASSIGN(auto connection, client::load_kubeconfig(runtime.disk(), options.reviews_kubeconfig));
  return client::connect(runtime, std::move(connection));
}

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  auto connection = connection_of(runtime.disk(), options);
  if (!connection) co_return fail(connection.error());
  component::metrics::Registry metrics;
  metrics.add_callback(component::metrics::write_process_metrics);
  client::ClientMetrics client_metrics(runtime, metrics);
  connection->client.metrics = &client_metrics;
  auto client = client::connect(runtime, std::move(*connection));
  if (!client) co_return fail(client.error());
  auto reviews = client_for_reviews(runtime, options);
  if (!reviews) co_return fail(reviews.error());
  scheduler::SchedulerSetup setup{runtime, **client, metrics, options.config, options.gates, std::nullopt, os::host_name()};
  if (options.config.leader_elect) setup.leader_election = election_of(options.config, runtime);
  auto scheduler = scheduler::make_scheduler(std::move(setup));
  std::optional<client::AccessReviews> reviewer;
  if (*reviews) reviewer.emplace(**reviews);
  component::SecurePortSetup wanted{
      .runtime = runtime, .metrics = metrics, .name = "kube-scheduler", .options = options.port, .flags = options.flags};
  wanted.config["kubescheduler.config.k8s.io"] = options.config.effective_json;
  wanted.reviewer = reviewer ? &*reviewer : nullptr;
  const bool elected = options.config.leader_elect;
  wanted.ready = [&scheduler, elected] { return elected || scheduler->running(); };  // those that do not lead are ready to
  component::SecurePort port(std::move(wanted));
  int status = 0;
  Result<Unit> started = Unit{};
  if (options.port.port != 0) started = co_await port.start();
  if (started) started = scheduler->start();
  if (started) {
    std::vector<std::function<rt::Task<Result<int>>(rt::Context)>> ends{[](rt::Context ctx) { return until_told(std::move(ctx)); },
                                                                        [&](rt::Context ctx) { return until_lost(std::move(ctx), scheduler.get()); }};
    auto ended = co_await rt::when_any<int>(rt::Context::background(), std::move(ends));
    status = ended.value_or(1);
  } else {
    status = fail(started.error());
  }
  co_await scheduler->stop();
  co_await port.stop();
  co_await (*client)->close();
  if (*reviews) co_await (*reviews)->close();
  co_return status;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, options_of(runtime.disk(), flags));
  TRY_ASSIGN(auto logging, component::log_options(flags));
  return component::CommandWork{std::move(logging), options.config.without_effect, [&runtime, options] { return serve(runtime, options); }};
}

}  // namespace

Result<scheduler::config::SchedulerConfig> scheduler_configuration(rt::Disk& disk, const component::FlagSet& flags) {
  scheduler::config::SchedulerConfig out = scheduler::config::default_config();
  const std::string path = flags.get_string("config");
  if (!path.empty()) {
    TRY_ASSIGN(const std::string text, disk.read(path));
    auto parsed = scheduler::config::parse_config(text);
    if (!parsed) return bad_request(path + ": " + parsed.error().message);
    out = std::move(*parsed);
  } else {
    TRY(component::take_flags<scheduler::config::SchedulerConfig>(flags, without_file, out));
  }
  TRY(component::take_flags<scheduler::config::SchedulerConfig>(flags, beside_file, out));
  if (flags.get_string("leader-elect-resource-lock") != "leases") return bad_request("--leader-elect-resource-lock must be \"leases\"");
  if (out.lease_duration <= out.renew_deadline) return bad_request("leaseDuration must be greater than renewDeadline");
  return out;
}

int run_kube_scheduler(std::span<const char* const> args) {
  return component::run_command({.name = "kube-scheduler", .flags = kube_scheduler_flags(), .prepare = prepare}, args);
}

}  // namespace pintle::cmd

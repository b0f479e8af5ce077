#include "cmd/kube_scheduler/command.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "apiserver/endpoints/version.h"
#include "client/kubeconfig.h"
#include "cmd/component_server/component_server.h"
#include "cmd/kube_scheduler/flags.h"
#include "component/log_flags.h"
#include "rt/combine.h"
#include "rt/runtime.h"
#include "scheduler/scheduler.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;

struct Options {
  scheduler::SchedulerConfig config;
  component::FeatureGates gates;
  std::string master;
  std::string reviews_kubeconfig;  // of --authentication-kubeconfig or --authorization-kubeconfig
  std::string bind_address;
  int64_t port = 0;
  std::string cert_file, key_file, cert_dir, client_ca_file;
  std::vector<std::string> cipher_suites, always_allow_paths;
  int tls_min_version = 12;
};

// --config holds everything that the deprecated flags say; the election flags outweigh it.
Result<scheduler::SchedulerConfig> config_of(rt::Disk& disk, const component::FlagSet& flags) {
  scheduler::SchedulerConfig out = scheduler::default_config();
  const std::string path = flags.get_string("config");
  if (!path.empty()) {
    TRY_ASSIGN(const std::string text, disk.read(path));
    auto parsed = scheduler::parse_config(text);
    if (!parsed) return bad_request(path + ": " + parsed.error().message);
    out = std::move(*parsed);
  } else {
    out.kubeconfig = flags.get_string("kubeconfig");
    out.client_qps = flags.get_float("kube-api-qps");
    out.client_burst = static_cast<double>(flags.get_int("kube-api-burst"));
  }
  out.pod_max_in_unschedulable = flags.get_duration("pod-max-in-unschedulable-pods-duration");
  if (flags.is_set("leader-elect")) out.leader_elect = flags.get_bool("leader-elect");
  if (flags.is_set("leader-elect-lease-duration")) out.lease_duration = flags.get_duration("leader-elect-lease-duration");
  if (flags.is_set("leader-elect-renew-deadline")) out.renew_deadline = flags.get_duration("leader-elect-renew-deadline");
  if (flags.is_set("leader-elect-retry-period")) out.retry_period = flags.get_duration("leader-elect-retry-period");
  if (flags.is_set("leader-elect-resource-name")) out.lease_name = flags.get_string("leader-elect-resource-name");
  if (flags.is_set("leader-elect-resource-namespace")) out.lease_namespace = flags.get_string("leader-elect-resource-namespace");
  if (flags.get_string("leader-elect-resource-lock") != "leases") return bad_request("--leader-elect-resource-lock must be \"leases\"");
  if (out.lease_duration <= out.renew_deadline) return bad_request("leaseDuration must be greater than renewDeadline");
  return out;
}

Result<Options> options_of(rt::Disk& disk, const component::FlagSet& flags) {
  Options out;
  TRY_ASSIGN(out.config, config_of(disk, flags));
  TRY_ASSIGN(out.gates, component::FeatureGates::parse(flags.get_map("feature-gates")));
  out.master = flags.get_string("master");
  out.reviews_kubeconfig = flags.get_string("authorization-kubeconfig").empty() ? flags.get_string("authentication-kubeconfig")
                                                                                : flags.get_string("authorization-kubeconfig");
  out.bind_address = flags.get_string("bind-address");
  out.port = flags.get_int("secure-port");
  if (out.port < 0 || out.port > 65535) return bad_request("--secure-port must be between 0 and 65535");
  out.cert_file = flags.get_string("tls-cert-file");
  out.key_file = flags.get_string("tls-private-key-file");
  if (out.cert_file.empty() != out.key_file.empty()) return bad_request("--tls-cert-file and --tls-private-key-file go together");
  out.cert_dir = flags.get_string("cert-dir");
  out.client_ca_file = flags.get_string("client-ca-file");
  out.cipher_suites = flags.get_list("tls-cipher-suites");
  out.always_allow_paths = flags.get_list("authorization-always-allow-paths");
  out.tls_min_version = flags.get_string("tls-min-version") == "VersionTLS13" ? 13 : 12;
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
  out.client.user_agent = std::string("kube-scheduler/") + apiserver::git_version + " (pintle)";
  out.client.qps = options.config.client_qps;
  out.client.burst = options.config.client_burst;
  return out;
}

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

std::string identity_of(rt::Runtime& runtime) {
  char unique[40] = {};
  std::snprintf(unique, sizeof unique, "%016llx%016llx", static_cast<unsigned long long>(runtime.random().next_u64()),
                static_cast<unsigned long long>(runtime.random().next_u64()));
  return host_name() + "_" + unique;
}

int fail(const Status& status) {
  std::fprintf(stderr, "kube-scheduler: %s\n", status.message.c_str());
  return 1;
}

rt::Task<Result<int>> until_signal(rt::Context ctx) {
  std::vector<int> signals{SIGINT, SIGTERM};
  auto signal = co_await rt::wait_signal(std::move(ctx), std::move(signals));
  if (!signal) co_return Unexpected(signal.error());
  log::info(0, "Shutting down", {{"signal", std::to_string(*signal)}});
  co_return 0;
}
rt::Task<Result<int>> until_lost(rt::Context ctx, scheduler::Scheduler* scheduler) {
  auto lost = co_await scheduler->wait_lost(std::move(ctx));
  if (!lost) co_return Unexpected(lost.error());
  co_return 1;
}

client::LeaderElectionOptions election_of(const scheduler::SchedulerConfig& config, rt::Runtime& runtime) {
  client::LeaderElectionOptions out;
  out.namespace_name = config.lease_namespace;
  out.name = config.lease_name;
  out.identity = identity_of(runtime);
  out.lease_duration = config.lease_duration;
  out.renew_deadline = config.renew_deadline;
  out.retry_period = config.retry_period;
  return out;
}

ComponentServerSetup server_setup(rt::Runtime& runtime, component::metrics::Registry& metrics, const Options& options) {
  ComponentServerSetup out{.runtime = runtime, .metrics = metrics};
  out.name = "kube-scheduler";
  out.bind_address = options.bind_address;
  out.port = static_cast<uint16_t>(options.port);
  out.cert_file = options.cert_file;
  out.key_file = options.key_file;
  out.cert_dir = options.cert_dir;
  out.client_ca_file = options.client_ca_file;
  out.cipher_suites = options.cipher_suites;
  out.tls_min_version = options.tls_min_version;
  out.always_allow_paths = options.always_allow_paths;
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
  auto client = client::connect(runtime, std::move(*connection));
  if (!client) co_return fail(client.error());
  auto reviews = client_for_reviews(runtime, options);
  if (!reviews) co_return fail(reviews.error());
  component::metrics::Registry metrics;
  metrics.add_callback(component::metrics::write_process_metrics);
  scheduler::SchedulerSetup setup{runtime, **client, metrics, options.config, options.gates, std::nullopt, host_name()};
  if (options.config.leader_elect) setup.leader_election = election_of(options.config, runtime);
  auto scheduler = scheduler::make_scheduler(std::move(setup));
  ComponentServerSetup of_server = server_setup(runtime, metrics, options);
  of_server.client = reviews->get();
  const bool elected = options.config.leader_elect;
  of_server.ready = [&scheduler, elected] { return elected || scheduler->running(); };  // those that do not lead are ready to
  auto server = make_component_server(std::move(of_server));
  int status = 0;
  Result<Unit> started = Unit{};
  if (options.port != 0) started = co_await server->start();
  if (started) started = scheduler->start();
  if (started) {
    std::vector<std::function<rt::Task<Result<int>>(rt::Context)>> ends{[](rt::Context ctx) { return until_signal(std::move(ctx)); },
                                                                        [&](rt::Context ctx) { return until_lost(std::move(ctx), scheduler.get()); }};
    auto ended = co_await rt::when_any<int>(rt::Context::background(), std::move(ends));
    status = ended.value_or(1);
  } else {
    status = fail(started.error());
  }
  co_await scheduler->stop();
  co_await server->stop();
  co_await (*client)->close();
  if (*reviews) co_await (*reviews)->close();
  co_return status;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

int run_kube_scheduler(std::span<const char* const> args) {
  component::FlagSet flags("kube-scheduler", kube_scheduler_flags());
  if (auto parsed = flags.parse(args); !parsed) {
    std::fprintf(stderr, "Error: %s\n", parsed.error().message.c_str());
    return 1;
  }
  if (flags.help_requested()) {
    print(flags.help());
    return 0;
  }
  if (!flags.version_requested().empty()) {
    print(std::string("Kubernetes ") + apiserver::git_version + "\n");
    return 0;
  }
  // One executor is enough.
  rt::RealRuntimeOptions machine_options;
  machine_options.threads = 1;
  auto runtime = rt::make_real_runtime(machine_options);
  auto logging = component::log_options(flags);
  if (!logging) return fail(logging.error());
  log::init(runtime->clock(), std::move(*logging));
  auto options = options_of(runtime->disk(), flags);
  if (!options) return fail(options.error());
  std::string names;
  for (const std::string& name : flags.without_effect()) names += (names.empty() ? "--" : ", --") + name;
  for (const std::string& field : options->config.without_effect) names += (names.empty() ? "" : ", ") + field;
  if (!names.empty()) log::warning("These settings have no effect in this release", {{"settings", names}});
  rt::Runtime& machine = *runtime;
  return runtime->run([&machine, wanted = std::move(*options)] { return serve(machine, wanted); });
}

}  // namespace pintle::cmd

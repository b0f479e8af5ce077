#include "cmd/kube_controller_manager/command.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "client/kubeconfig.h"
#include "cmd/kube_controller_manager/flags.h"
#include "cmd/kube_controller_manager/service_account_clients.h"
#include "cmd/secure_serving/secure_serving.h"
#include "component/log_flags.h"
#include "component/version.h"
#include "controller/manager.h"
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
  std::string bind_address;
  uint16_t port = 0;
  net::ServerTls tls;
  std::string cert_dir;
  std::vector<std::string> always_allow_paths;
};

int fail(const Status& status) {
  std::fprintf(stderr, "kube-controller-manager: %s\n", status.message.c_str());
  return 1;
}

std::string identity_of(rt::Runtime& runtime) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  std::string text;
  for (int i = 0; i < 2; ++i) {
    char part[17];
    std::snprintf(part, sizeof part, "%016lx", static_cast<unsigned long>(runtime.random().next_u64()));
    text += part;
  }
  for (const std::size_t at : {20u, 16u, 12u, 8u}) text.insert(at, "-");
  return std::string(host) + "_" + text;
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
  TRY_ASSIGN(out.connection, connection_of(runtime.disk(), flags));
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
  const int64_t port = flags.get_int("secure-port");
  if (port < 0 || port > 65535) return bad_request("--secure-port must be 0-65535");
  out.port = static_cast<uint16_t>(port);
  out.bind_address = flags.get_string("bind-address");
  out.cert_dir = flags.get_string("cert-dir");
  out.tls.cert_file = flags.get_string("tls-cert-file");
  out.tls.key_file = flags.get_string("tls-private-key-file");
  if (out.tls.cert_file.empty() != out.tls.key_file.empty()) return bad_request("--tls-cert-file and --tls-private-key-file go together");
  out.tls.client_ca_file = flags.get_string("client-ca-file");
  out.tls.cipher_suites = flags.get_list("tls-cipher-suites");
  if (flags.get_string("tls-min-version") == "VersionTLS13") out.tls.min_version = 13;
  out.always_allow_paths = flags.get_list("authorization-always-allow-paths");
  return out;
}

// Ends by a signal, or when the lease is lost.
rt::Task<Result<Unit>> wait_end(controller::ControllerManager& manager) {
  const rt::Context ctx = rt::Context::background();
  std::vector<std::function<rt::Task<Result<Unit>>(rt::Context)>> ends;
  ends.push_back([](rt::Context c) -> rt::Task<Result<Unit>> {
    std::vector<int> signals{SIGINT, SIGTERM};
    auto got = co_await rt::wait_signal(std::move(c), std::move(signals));
    if (!got) co_return Unexpected(std::move(got).error());
    co_return Unit{};
  });
  ends.push_back([&manager](rt::Context c) { return manager.wait_lost(std::move(c)); });
  co_return co_await rt::when_any<Unit>(ctx, std::move(ends));
}

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  auto client = client::connect(runtime, options.connection);
  if (!client) co_return fail(client.error());
  ServiceAccountClients accounts(**client, options.connection);
  controller::ManagerSetup setup{
      runtime, **client, nullptr, std::move(options.controllers), std::move(options.selected), std::move(options.leader_election)};
  if (options.own_accounts)
    setup.client_for = [&accounts](rt::Context ctx, std::string account) { return accounts.client_for(std::move(ctx), std::move(account)); };
  auto manager = controller::make_controller_manager(std::move(setup));
  metrics::Registry registry;
  registry.add_callback([&manager](std::string& out) {
    metrics::write_process_metrics(out);
    metrics::write_head(out, "pintle_controllers_running", "Whether the controllers are at work in this process.", "gauge");
    metrics::write_sample(out, "pintle_controllers_running", {}, {}, manager->running() ? 1 : 0);
  });
  SecureServingSetup serving_setup{.runtime = runtime, .component = "kube-controller-manager"};
  serving_setup.bind_address = options.bind_address;
  serving_setup.port = options.port;
  serving_setup.tls = std::move(options.tls);
  serving_setup.cert_dir = std::move(options.cert_dir);
  serving_setup.always_allow_paths = std::move(options.always_allow_paths);
  serving_setup.reviewer = client->get();
  serving_setup.metrics = &registry;
  auto serving = make_secure_serving(std::move(serving_setup));
  int status = 0;
  Result<Unit> started = Unit{};
  if (options.port != 0) started = co_await serving->start();
  if (started) started = manager->start();
  if (!started) {
    status = fail(started.error());
  } else {
    auto ended = co_await wait_end(*manager);
    (void)ended;
    log::info(0, "Shutting down");
  }
  co_await manager->stop();
  co_await serving->stop();
  co_await (*client)->close();
  co_return status;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

int run_kube_controller_manager(std::span<const char* const> args) {
  component::FlagSet flags("kube-controller-manager", kube_controller_manager_flags());
  if (auto parsed = flags.parse(args); !parsed) {
    std::fprintf(stderr, "Error: %s\n", parsed.error().message.c_str());
    return 1;
  }
  if (flags.help_requested()) {
    print(flags.help());
    return 0;
  }
  if (!flags.version_requested().empty()) {
    print(std::string("Kubernetes ") + component::kubernetes_version + "\n");
    return 0;
  }
  // One executor: controllers wait more than they work.
  rt::RealRuntimeOptions machine_options;
  machine_options.threads = 1;
  auto runtime = rt::make_real_runtime(machine_options);
  auto options = options_of(*runtime, flags);
  if (!options) return fail(options.error());
  auto logging = component::log_options(flags);
  if (!logging) return fail(logging.error());
  log::init(runtime->clock(), std::move(*logging));
  if (!flags.without_effect().empty()) {
    std::string names;
    for (const std::string& name : flags.without_effect()) names += (names.empty() ? "--" : ", --") + name;
    log::warning("These flags have no effect in this release", {{"flags", names}});
  }
  rt::Runtime& machine = *runtime;
  return runtime->run([&machine, wanted = std::move(*options)] { return serve(machine, wanted); });
}

}  // namespace pintle::cmd

#include "cmd/kubelet/command.h"

#include <algorithm>
#include <csignal>

#include "base/split.h"
#include "base/strings.h"
#include "client/kubeconfig.h"
#include "cmd/kubelet/bootstrap.h"
#include "cmd/kubelet/flags.h"
#include "cmd/logging_options.h"
#include "cmd/oom_score.h"
#include "component/command.h"
#include "component/log.h"
#include "component/until_signal.h"
#include "component/version.h"
#include "kubelet/configuration/effects.h"
#include "kubelet/kubelet.h"
#include "os/machine.h"
#include "os/service_manager.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;

struct Options {
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  std::string kubeconfig;
  std::string bootstrap_kubeconfig;
  std::string hostname;
  std::string node_ip;
  std::string root_dir;
  std::string cert_dir;
  std::string provider_id;
  std::string cloud_provider;
  std::map<std::string, std::string> node_labels;
  std::string credential_provider_config;
  std::string credential_provider_bin_dir;
};

int fail(const Status& status) { return component::fail("kubelet", status); }

// The address that this machine is reached at: the one its name stands for, else the loopback's.
rt::Task<std::vector<std::string>> node_ips(rt::Runtime& runtime, std::string said, std::string name) {
  const auto given = split_words(said, ',');
  if (!given.empty()) co_return std::vector<std::string>(given.begin(), given.end());
  const auto found = co_await runtime.network().resolve(rt::Context::background(), name);
  if (found) {
    for (const auto& address : *found) {
      if (!address.starts_with("127.") && address != "::1") co_return std::vector<std::string>{address};
    }
  }
  co_return std::vector<std::string>{"127.0.0.1"};
}

kubelet::KubeletOptions kubelet_options(const Options& options, std::vector<std::string> ips) {
  kubelet::KubeletOptions out;
  out.configuration = options.config;
  out.node_name = options.hostname;
  out.hostname = options.hostname;
  out.node_ips = std::move(ips);
  for (const auto& [name, value] : options.node_labels) out.node_labels[name] = value;
  out.root_dir = options.root_dir;
  out.cert_dir = options.cert_dir;
  out.provider_id = options.provider_id;
  out.external_cloud_provider = options.cloud_provider == "external";
  out.credential_provider_config = options.credential_provider_config;
  out.credential_provider_bin_dir = options.credential_provider_bin_dir;
  return out;
}

// The signal that ends the kubelet: one that comes during the start, too, lets it give back what it has made.
struct Ending {
  std::optional<int> signal;
  rt::Event came;
};
rt::Task<void> await_ending(rt::Context ctx, Ending* ending) {
  const auto signal = co_await component::until_signal(ctx, component::Whether::Starting);
  if (signal) ending->signal = *signal;
  ending->came.set();
}

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  set_oom_score(options.config.oom_score_adj.value_or(0));
  std::unique_ptr<client::Client> client;
  if (!options.kubeconfig.empty() && !options.bootstrap_kubeconfig.empty()) {
    BootstrapRequest request{options.bootstrap_kubeconfig, options.kubeconfig, options.cert_dir, options.hostname};
    if (request.cert_dir.empty()) request.cert_dir = options.root_dir + "/pki";
    const auto done = co_await ensure_kubeconfig(rt::Context::background(), &runtime, std::move(request));
    if (!done) co_return fail(done.error());
  }
  if (!options.kubeconfig.empty()) {
    auto connection = client::load_kubeconfig(runtime.disk(), options.kubeconfig);
    if (!connection) co_return fail(connection.error());
    connection->client.user_agent = std::string("kubelet/") + component::kubernetes_version + " (pintle)";
    connection->client.qps = options.config.kube_apiqps.value_or(50);
    connection->client.burst = options.config.kube_api_burst;
    auto made = client::connect(runtime, std::move(*connection));
    if (!made) co_return fail(made.error());
    client = std::move(*made);
  }
  auto ips = co_await node_ips(runtime, options.node_ip, options.hostname);
  int status = 0;
  {
    Ending ending;
    rt::TaskGroup listening;
    listening.spawn(await_ending(listening.context(), &ending));
    co_await rt::yield();  // it listens before anything is made
    kubelet::Kubelet kubelet(kubelet::KubeletDeps{runtime, client.get()}, kubelet_options(options, std::move(ips)));
    const auto started = co_await kubelet.start();
    if (!started) {
      status = fail(started.error());
    } else {
      log::info(0, "Started kubelet");
      component::tell_started();
      (void)co_await ending.came.wait(rt::Context::background());
      log::info(0, "Shutting down", {{"signal", ending.signal ? std::to_string(*ending.signal) : "none"}});
      // Where nothing else tells of the machine's shutdown, a SIGTERM is it.
      if (ending.signal == SIGTERM && kubelet.has_shutdown() && !os::has_service_manager())
        co_await kubelet.shut_down_pods(rt::Context::background());
    }
    co_await kubelet.stop();
    co_await listening.close();
  }
  if (client) co_await client->close();
  co_return status;
}

// Fields that no flag of the command line has set: those are named as flags.
std::vector<std::string> idle_fields(const component::FlagSet& flags, const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  std::vector<std::string> out = kubelet::configuration::settings_without_effect(config);
  std::erase_if(out, [&flags](const std::string& field) {
    const auto said = std::ranges::find(kubelet_fields(), field, &FieldOfFlag::field);
    return said != kubelet_fields().end() && flags.is_set(said->flag);
  });
  return out;
}

Result<Options> options_of(rt::Disk& disk, const component::FlagSet& flags) {
  Options options;
  TRY_ASSIGN(options.config, kubelet_configuration(disk, flags));
  options.kubeconfig = flags.get_string("kubeconfig");
  options.bootstrap_kubeconfig = flags.get_string("bootstrap-kubeconfig");
  options.hostname = flags.get_string("hostname-override");
  if (options.hostname.empty()) {
    TRY_ASSIGN(const auto machine, os::machine_facts());
    options.hostname = machine.hostname;
  }
  options.hostname = to_lower(options.hostname);
  options.node_ip = flags.get_string("node-ip");
  options.root_dir = flags.get_string("root-dir");
  options.cert_dir = flags.get_string("cert-dir");
  options.provider_id = flags.get_string("provider-id");
  options.cloud_provider = flags.get_string("cloud-provider");
  options.node_labels = flags.get_map("node-labels");
  options.credential_provider_config = flags.get_string("image-credential-provider-config");
  options.credential_provider_bin_dir = flags.get_string("image-credential-provider-bin-dir");
  return options;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, options_of(runtime.disk(), flags));
  return component::CommandWork{log_options(options.config.logging), idle_fields(flags, options.config),
                                [&runtime, options] { return serve(runtime, options); }};
}

}  // namespace

int run_kubelet(std::span<const char* const> args) {
  return component::run_command({.name = "kubelet", .flags = kubelet_flags(), .prepare = prepare}, args);
}

}  // namespace pintle::cmd

#include "cmd/kube_proxy/command.h"

#include "api/codec.h"
#include "base/strings.h"
#include "client/kubeconfig.h"
#include "cmd/kube_proxy/flags.h"
#include "cmd/logging_options.h"
#include "cmd/oom_score.h"
#include "codec/yaml.h"
#include "component/command.h"
#include "component/log.h"
#include "component/until_signal.h"
#include "component/version.h"
#include "os/machine.h"
#include "os/read_file.h"
#include "proxy/conntrack_settings.h"
#include "proxy/effects.h"
#include "proxy/proxy.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;
using Configuration = api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration;

struct Options {
  Configuration config;
  std::string master;
  std::string write_config_to;
  bool cleanup = false;
  bool init_only = false;
};

std::string node_name_of(const Configuration& config) {
  if (!config.hostname_override.empty()) return to_lower(config.hostname_override);
  return to_lower(os::host_name());
}

Result<client::ConnectionConfig> connection_of(rt::Disk& disk, const Options& options) {
  const auto& wanted = options.config.client_connection;
  client::ConnectionConfig out;
  if (!wanted.kubeconfig.empty()) {
    TRY_ASSIGN(out, client::load_kubeconfig(disk, wanted.kubeconfig));
  } else if (options.master.empty()) {
    TRY_ASSIGN(out, client::in_cluster_config(disk));
  }
  if (!options.master.empty()) out.client.server = options.master;
  out.client.user_agent = std::string("kube-proxy/") + component::kubernetes_version + " (pintle)";
  out.client.qps = wanted.qps;
  out.client.burst = wanted.burst;
  return out;
}

int fail(const Status& status) { return component::fail("kube-proxy", status); }

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  auto connection = connection_of(runtime.disk(), options);
  if (!connection) co_return fail(connection.error());
  auto client = client::connect(runtime, std::move(*connection));
  if (!client) co_return fail(client.error());
  set_oom_score(options.config.oom_score_adj.value_or(0));
  proxy::ProxySetup setup{.runtime = runtime, .client = **client};
  setup.node_name = node_name_of(options.config);
  setup.config = std::move(options.config);
  int status = 0;
  {
    proxy::Proxy proxy(std::move(setup));
    auto started = co_await proxy.start();
    if (!started) {
      status = fail(started.error());
    } else {
      const auto signal = co_await component::until_signal(rt::Context::background());
      log::info(0, "Shutting down", {{"signal", signal ? std::to_string(*signal) : "none"}});
    }
    co_await proxy.stop();
  }
  co_await (*client)->close();
  co_return status;
}

rt::Task<int> run_once(rt::Runtime& runtime, Options options) {
  if (options.cleanup) {
    auto cleaned = co_await proxy::clean_up(runtime);
    co_return cleaned ? 0 : fail(cleaned.error());
  }
  auto valid = proxy::nftables::validate(options.config);
  if (!valid) co_return fail(valid.error());
  if (!options.write_config_to.empty()) {
    const api::GroupVersionKind kind{"kubeproxy.config.k8s.io", "v1alpha1", "KubeProxyConfiguration"};
    const std::string text = codec::to_yaml(api::to_value(api::type_of<Configuration>(), &options.config, &kind));
    auto written = runtime.disk().write(options.write_config_to, text);
    co_return written ? 0 : fail(written.error());
  }
  if (options.init_only) {
    proxy::apply_conntrack(options.config.conntrack);
    log::info(0, "The node is set up; --init-only asks for no more");
    co_return 0;
  }
  co_return co_await serve(runtime, std::move(options));
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  Options options;
  TRY_ASSIGN(options.config, kube_proxy_configuration(runtime.disk(), flags));
  options.master = flags.get_string("master");
  options.write_config_to = flags.get_string("write-config-to");
  options.cleanup = flags.get_bool("cleanup");
  options.init_only = flags.get_bool("init-only");
  return component::CommandWork{log_options(options.config.logging), proxy::settings_without_effect(options.config),
                                [&runtime, options] { return run_once(runtime, options); }};
}

}  // namespace

int run_kube_proxy(std::span<const char* const> args) {
  return component::run_command({.name = "kube-proxy", .flags = kube_proxy_flags(), .prepare = prepare}, args);
}

}  // namespace pintle::cmd

#include "cmd/server/command.h"

#include <csignal>
#include <cstdio>

#include "cli/cluster_config.h"
#include "cli/installation.h"
#include "cli/layout.h"
#include "cmd/server/component_arguments.h"
#include "cmd/server/control_plane.h"
#include "cmd/server/node.h"
#include "component/log.h"
#include "component/until_signal.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "os/process_lock.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;

struct Machine {
  std::string node_name;
  std::string node_ip;
};

// What uninstall and status read; written before anything is made.
Result<Unit> write_record(rt::Runtime& runtime, const cli::ClusterConfig& config, const Machine& machine) {
  cli::Installation record;
  record.server = config.server;
  record.node = config.node.enabled;
  record.proxy = config.node.enabled && !config.disabled("proxy");
  record.node_name = machine.node_name;
  record.node_ip = machine.node_ip;
  record.https_port = config.https_listen_port;
  record.kubeconfig = config.write_kubeconfig;
  record.runtime_endpoint = config.node.runtime_endpoint;
  record.cgroup_root = config.node.cgroup_root;
  TRY_ASSIGN(const KubeletSettings kubelet, kubelet_settings(config, runtime.disk()));
  if (kubelet.config.cgroup_driver == "systemd") record.pods_slice = kubelet::cgroups::pods_cgroup(config.node.cgroup_root, true);
  record.pod_logs_dir = config.node.pod_logs_dir;
  record.pause_image = config.node.pause_image;
  record.kubelet_root_dir = config.node.kubelet_root_dir;
  return cli::write_installation(runtime.disk(), cli::Layout{config.data_dir}, record);
}

// Everything that one process runs, stopped in the opposite order: the node before what it talks to.
rt::Task<Result<Unit>> run_until_signal(rt::Runtime& runtime, const cli::ClusterConfig& config, Machine machine,
                                        std::unique_ptr<ControlPlane>& control_plane, std::unique_ptr<Node>& node) {
  const cli::Layout layout{config.data_dir};
  CO_TRY(write_record(runtime, config, machine));
  if (config.node.enabled) {
    node = std::make_unique<Node>(runtime, config, layout, machine.node_name, machine.node_ip);
    node->start_runtime();
  }
  if (config.server) {
    control_plane = std::make_unique<ControlPlane>(runtime, config, layout, machine.node_name, machine.node_ip);
    CO_TRY(co_await control_plane->start_api_server());
    log::info(0, "The API server serves", {{"kubeconfig", config.write_kubeconfig}});
    CO_TRY(co_await control_plane->start_components());
  }
  if (node) {
    if (control_plane) {
      CO_TRY(co_await node->start(*control_plane));
    } else {
      CO_TRY(co_await node->join());
    }
    log::info(0, "The node runs", {{"node", machine.node_name}});
  }
  CO_TRY_ASSIGN(const int signal, co_await component::until_signal(rt::Context::background()));
  log::info(0, "Shutting down", {{"signal", std::to_string(signal)}});
  co_return Unit{};
}

rt::Task<int> run(rt::Runtime& runtime, const cli::ClusterConfig& config, Machine machine) {
  std::unique_ptr<ControlPlane> control_plane;
  std::unique_ptr<Node> node;
  auto result = co_await run_until_signal(runtime, config, std::move(machine), control_plane, node);
  if (!result) std::fprintf(stderr, "pintle %s: %s\n", config.server ? "server" : "agent", result.error().message.c_str());
  if (node) co_await node->stop();
  if (control_plane) co_await control_plane->stop();
  co_return result ? 0 : 1;
}

int refuse(bool server, const Status& status) {
  std::fprintf(stderr, "pintle %s: %s\n", server ? "server" : "agent", status.message.c_str());
  return 1;
}

int run_command(bool server, std::span<const char* const> args) {
  auto runtime = rt::make_real_runtime();
  component::FlagSet flags(server ? "pintle server" : "pintle agent", server ? cli::server_flags() : cli::agent_flags());
  auto config = cli::parse_cluster_config(flags, server, args, runtime->disk());
  if (!config) return refuse(server, config.error());
  if (flags.help_requested()) {
    const std::string help = flags.help();
    std::fwrite(help.data(), 1, help.size(), stdout);
    return 0;
  }
  auto checked = check_component_arguments(*config, runtime->disk());
  if (!checked) return refuse(server, checked.error());
  log::Options logging;
  logging.verbosity = config->verbosity;
  logging.vmodule = config->vmodule;
  logging.format = config->json_logs ? log::Format::Json : log::Format::Text;
  log::init(runtime->clock(), logging);

  const cli::Layout layout{config->data_dir};
  auto made = runtime->disk().make_directories(config->data_dir, 0711);
  if (!made) return refuse(server, made.error());
  auto lock = os::ProcessLock::take(layout.lock());
  if (!lock) return refuse(server, lock.error());
  auto name = cli::node_name(*config);
  if (!name) return refuse(server, name.error());
  auto ip = cli::node_ip(*config);
  if (!ip) return refuse(server, ip.error());
  Machine machine{*name, *ip};
  rt::Runtime& borrowed = *runtime;
  return runtime->run([&borrowed, &config, machine] { return run(borrowed, *config, machine); });
}

}  // namespace

int run_server(std::span<const char* const> args) { return run_command(true, args); }
int run_agent(std::span<const char* const> args) { return run_command(false, args); }

}  // namespace pintle::cmd

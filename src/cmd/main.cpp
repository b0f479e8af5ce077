// pintle: one binary for every component, chosen by the first argument or by the name it is called by.
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "cmd/cluster_dns/command.h"
#include "cmd/csi_local/command.h"
#include "cmd/install/command.h"
#include "cmd/kube_apiserver/command.h"
#include "cmd/kube_controller_manager/command.h"
#include "cmd/kube_proxy/command.h"
#include "cmd/kube_scheduler/command.h"
#include "cmd/kubelet/command.h"
#include "cmd/node_routes/command.h"
#include "cmd/operator_commands.h"
#include "cmd/server/command.h"
#include "cmd/token/command.h"
#include "component/crash_report.h"
#include "component/held_report.h"
#include "component/version.h"

namespace {

using Args = std::span<const char* const>;

struct Command {
  std::string_view name;
  int (*run)(Args);
  const char* what;
};
constexpr Command commands[] = {
    {"server", pintle::cmd::run_server, "a whole cluster in one process, this machine its first node"},
    {"agent", pintle::cmd::run_agent, "a further node of a cluster"},
    {"token", pintle::cmd::run_token, "bootstrap tokens, with which nodes join: create, list, delete"},
    {"check", pintle::cmd::run_check, "what this machine lacks for a cluster, and how to get it"},
    {"status", pintle::cmd::run_status, "the health of what runs here"},
    {"install", pintle::cmd::run_install, "a server or agent that systemd starts with the machine"},
    {"uninstall", pintle::cmd::run_uninstall, "removes a cluster from this machine: pods, network, files, and what install made"},
    {"kube-apiserver", pintle::cmd::run_kube_apiserver, "the API server, with upstream's flags"},
    {"kube-controller-manager", pintle::cmd::run_kube_controller_manager, "the controllers, with upstream's flags"},
    {"kubelet", pintle::cmd::run_kubelet, "the node agent, with upstream's flags"},
    {"kube-proxy", pintle::cmd::run_kube_proxy, "the service proxy of a node, with upstream's flags"},
    {"kube-scheduler", pintle::cmd::run_kube_scheduler, "the scheduler, with upstream's flags"},
    {"cluster-dns", pintle::cmd::run_cluster_dns, "the DNS server of a cluster"},
    {"csi-local", pintle::cmd::run_csi_local, "a CSI driver: volumes of a fixed size on a node's own disks"},
    {"node-routes", pintle::cmd::run_node_routes, "the ways from this node to the pods of the others"},
};

const Command* find_command(std::string_view name) {
  for (const Command& command : commands)
    if (command.name == name) return &command;
  return nullptr;
}

int usage(std::FILE* out) {
  std::fputs("Usage: pintle COMMAND [flags]\n\nCommands:\n", out);
  for (const Command& command : commands) std::fprintf(out, "  %-16s %s\n", std::string(command.name).c_str(), command.what);
  std::fputs("  version          what this binary is\n", out);
  return out == stdout ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Args args(argv, static_cast<std::size_t>(argc));
  if (args.empty()) return 1;
  pintle::component::report_crashes();
  pintle::component::report_held_executors();
  const char* slash = std::strrchr(args[0], '/');
  if (const Command* command = find_command(slash ? slash + 1 : args[0])) return command->run(args.subspan(1));
  if (args.size() < 2) return usage(stderr);
  const std::string_view first = args[1];
  if (first == "version" || first == "--version") {
    std::printf("Pintle, compatible with Kubernetes %s\n", pintle::component::kubernetes_version);
    return 0;
  }
  if (first == "help" || first == "--help" || first == "-h") return usage(stdout);
  if (const Command* command = find_command(first)) return command->run(args.subspan(2));
  std::fprintf(stderr, "pintle: unknown command \"%s\"; see pintle --help\n", args[1]);
  return 1;
}

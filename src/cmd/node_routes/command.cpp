#include "cmd/node_routes/command.h"

#include "base/strings.h"
#include "client/kubeconfig.h"
#include "cni/routes/node_routes.h"
#include "component/command.h"
#include "component/flags.h"
#include "component/log.h"
#include "component/log_flags.h"
#include "component/until_signal.h"
#include "os/machine.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;
namespace routes = cni::routes;
using component::FlagSpec;
using enum component::FlagType;

// name, type, default, description, short name, deprecated, effective
constexpr FlagSpec specs[] = {
    {"cleanup", Bool, "", "Remove routes, device and rules, and end", 0, false, true},
    {"cluster-cidr", Strings, "", "CIDRs of all pods: packets of pods to elsewhere get the node's address", 0, false, true},
    {"hostname-override", String, "", "Name of this node, instead of the host's", 0, false, true},
    {"kubeconfig", String, "", "Which API server, and as whom; none: the pod's service account", 0, false, true},
    {"logging-format", String, "text", "Form of log lines: text or json", 0, false, true},
    {"mode", String, "vxlan", "How packets go from node to node: vxlan, host-gw or none", 0, false, true},
    {"v", Int, "", "Verbosity of the log, 0 to 10", 'v', false, true},
    {"vmodule", FileLevels, "", "Verbosity of the log by source file: name=N, with * and ? in names", 0, false, true},
    {"vxlan-port", Int, "8472", "UDP port of VXLAN", 0, false, true},
    {"vxlan-vni", Int, "1", "VXLAN network identifier", 0, false, true},
};

struct Options {
  std::string kubeconfig;
  std::string node_name;
  routes::Mode mode = routes::Mode::Vxlan;
  std::vector<std::string> cluster_cidrs;
  uint32_t vni = 1;
  uint16_t port = 8472;
  bool cleanup = false;
};

Result<Options> read_options(const component::FlagSet& flags) {
  Options out;
  out.kubeconfig = flags.get_string("kubeconfig");
  out.node_name = to_lower(flags.get_string("hostname-override"));
  if (out.node_name.empty()) {
    out.node_name = to_lower(os::host_name());
  }
  TRY_ASSIGN(out.mode, routes::parse_mode(flags.get_string("mode")));
  out.cluster_cidrs = flags.get_list("cluster-cidr");
  const int64_t vni = flags.get_int("vxlan-vni"), port = flags.get_int("vxlan-port");
  if (vni < 1 || vni >= 1 << 24) return bad_request("--vxlan-vni must be 1-16777215");
  if (port < 1 || port > 65535) return bad_request("--vxlan-port must be 1-65535");
  out.vni = static_cast<uint32_t>(vni);
  out.port = static_cast<uint16_t>(port);
  out.cleanup = flags.get_bool("cleanup");
  return out;
}

int fail(const Status& status) { return component::fail("node-routes", status); }

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  if (options.cleanup) {
    Result<Unit> cleaned;
    co_await runtime.run_blocking([&] { cleaned = routes::clean_up(); });
    co_return cleaned ? 0 : fail(cleaned.error());
  }
  auto connection =
      options.kubeconfig.empty() ? client::in_cluster_config(runtime.disk()) : client::load_kubeconfig(runtime.disk(), options.kubeconfig);
  if (!connection) co_return fail(connection.error());
  connection->client.user_agent = "pintle node-routes";
  auto client = client::connect(runtime, std::move(*connection));
  if (!client) co_return fail(client.error());
  routes::NodeRoutesSetup setup{.runtime = runtime, .client = **client};
  setup.node_name = options.node_name;
  setup.mode = options.mode;
  setup.cluster_cidrs = options.cluster_cidrs;
  setup.vni = options.vni;
  setup.port = options.port;
  int status = 0;
  {
    routes::NodeRoutes node_routes(std::move(setup));
    auto started = co_await node_routes.start();
    if (!started) {
      status = fail(started.error());
    } else {
      (void)co_await component::until_signal(rt::Context::background());
    }
    co_await node_routes.stop();
  }
  co_await (*client)->close();
  co_return status;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, read_options(flags));
  TRY_ASSIGN(auto logging, component::log_options(flags));
  return component::CommandWork{logging, {}, [&runtime, options] { return serve(runtime, options); }};
}

}  // namespace

int run_node_routes(std::span<const char* const> args) {
  return component::run_command({.name = "node-routes", .flags = specs, .prepare = prepare}, args);
}

}  // namespace pintle::cmd

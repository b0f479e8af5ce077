#include "cmd/csi_local/command.h"

#include "base/strings.h"
#include "component/command.h"
#include "component/flags.h"
#include "component/log_flags.h"
#include "component/until_signal.h"
#include "csi_local/driver.h"
#include "os/machine.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

using component::FlagSpec;
using enum component::FlagType;

// name, type, default, description, short name, deprecated, effective
constexpr FlagSpec csi_local_flags[] = {
    {"capacity", StringArray, "", "NAME=SIZE: what the volumes and snapshots of a --path may have together (100Gi); none: what its file system has",
     0, false, true},
    {"endpoint", String, "", "The path of the unix socket that CSI is served on", 0, false, true},
    {"logging-format", String, "text", "Form of log lines: text or json", 0, false, true},
    {"node-name", String, "", "Name of this node, instead of the host's", 0, false, true},
    {"path", StringArray, "", "NAME=DIR: a folder that volumes lie in. A StorageClass chooses by its parameter \"path\"; the first is its default", 0,
     false, true},
    {"registration-socket", String, "", "The path of a socket in the kubelet's plugins_registry; none: somebody else registers the driver", 0, false,
     true},
    {"v", Int, "", "Verbosity of the log, 0 to 10", 'v', false, true},
    {"vmodule", FileLevels, "", "Verbosity of the log by source file: name=N, with * and ? in names", 0, false, true},
};

Result<csi_local::LocalDriverOptions> read_csi_local_options(const component::FlagSet& flags) {
  csi_local::LocalDriverOptions out;
  out.endpoint = flags.get_string("endpoint");
  if (out.endpoint.starts_with("unix://")) out.endpoint.erase(0, 7);
  if (!csi_local::check_path("endpoint", out.endpoint)) return bad_request("--endpoint is required: the absolute path of a unix socket");
  out.registration = flags.get_string("registration-socket");
  if (!out.registration.empty() && !csi_local::check_path("socket", out.registration))
    return bad_request("--registration-socket is no absolute path");
  out.node_name = to_lower(flags.get_string("node-name"));
  if (out.node_name.empty()) out.node_name = to_lower(os::host_name());
  TRY_ASSIGN(out.pools, csi_local::parse_pools("", flags.get_list("path"), flags.get_list("capacity")));
  return out;
}

rt::Task<int> serve_csi_local(rt::Runtime& runtime, csi_local::LocalDriverOptions options) {
  csi_local::LocalDriver driver(runtime, std::move(options));
  const Result<Unit> started = co_await driver.start();
  const int status = started ? 0 : component::fail("csi-local", started.error());
  if (started) (void)co_await component::until_signal(rt::Context::background());
  co_await driver.stop();
  co_return status;
}

Result<component::CommandWork> prepare_csi_local(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, read_csi_local_options(flags));
  TRY_ASSIGN(auto logging, component::log_options(flags));
  return component::CommandWork{logging, {}, [&runtime, options] { return serve_csi_local(runtime, options); }};
}

}  // namespace

int run_csi_local(std::span<const char* const> args) {
  return component::run_command({.name = "csi-local", .flags = csi_local_flags, .prepare = prepare_csi_local}, args);
}

}  // namespace pintle::cmd

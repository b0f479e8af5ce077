#include "cmd/operator_commands.h"

#include <cstdio>
#include <optional>
#include <string>

#include "cli/check.h"
#include "cli/cluster_config.h"
#include "cli/installation.h"
#include "cli/removal.h"
#include "cli/service_unit.h"
#include "cli/status.h"
#include "cni/routes/node_routes.h"
#include "component/log.h"
#include "os/network_namespace.h"
#include "os/path.h"
#include "proxy/proxy.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

using component::FlagSpec;
using enum component::FlagType;

constexpr FlagSpec data_dir_specs[] = {
    {"data-dir", String, "/var/lib/pintle", "Folder of the installation", 'd', false, true},
};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int refuse(const char* command, const Status& status) {
  std::fprintf(stderr, "pintle %s: %s\n", command, status.message.c_str());
  return 1;
}

std::unique_ptr<rt::RealRuntime> make_runtime() {
  rt::RealRuntimeOptions options;
  options.threads = 1;
  auto runtime = rt::make_real_runtime(options);
  component::log::init(runtime->clock(), {});
  return runtime;
}

// The data folder that --data-dir names; nullopt: `status` is the exit status.
std::optional<cli::Layout> parse_layout(const char* command, std::span<const char* const> args, int& status) {
  component::FlagSet flags(std::string("pintle ") + command, data_dir_specs);
  auto parsed = flags.parse(args);
  if (!parsed) {
    status = refuse(command, parsed.error());
    return std::nullopt;
  }
  if (flags.help_requested()) {
    print(flags.help());
    status = 0;
    return std::nullopt;
  }
  return cli::Layout{flags.get_string("data-dir")};
}

// What listens on loopback, and the node's bridge and routes, are where its process lives. Before the runtime is made.
Result<Unit> go_where_it_runs(const cli::Layout& layout) {
  const int pid = cli::running_process(layout);
  return pid == 0 ? Result<Unit>(Unit{}) : os::enter_network_of(pid);
}

rt::Task<int> check(rt::Runtime& runtime, cli::ClusterConfig config) {
  const cli::MachineProbe probe = co_await cli::probe_machine(runtime, config);
  const auto findings = cli::judge(probe, config);
  print(cli::format_findings(findings));
  co_return cli::has_failure(findings) ? 1 : 0;
}

rt::Task<int> status(rt::Runtime& runtime, cli::Layout layout) {
  auto installation = cli::read_installation(runtime.disk(), layout);
  if (!installation) co_return refuse("status", installation.error());
  const auto health = co_await cli::probe_health(runtime, layout, *installation);
  print(cli::format_health(health));
  co_return cli::all_healthy(health) ? 0 : 1;
}

void step(const char* text) { std::printf("%s\n", text), std::fflush(stdout); }

rt::Task<Result<Unit>> remove_cluster(rt::Runtime& runtime, cli::Layout layout) {
  CO_TRY_ASSIGN(const cli::Installation installation, cli::read_installation(runtime.disk(), layout));
  if (cli::running_process(layout) != 0) step("stopping pintle");
  CO_TRY(co_await cli::stop_running(layout));
  if (installation.node) {
    step("removing pods");
    auto removed = co_await cli::remove_pods(runtime, layout, installation);
    // What the runtime cannot do any more is done by the steps below.
    if (!removed) std::fprintf(stderr, "pintle uninstall: pods: %s\n", removed.error().message.c_str());
    cli::end_shims(runtime.disk(), layout);
    CO_TRY(co_await cli::remove_cgroups(installation));
    step("removing the node's network");
    CO_TRY(cli::remove_bridge());
    CO_TRY(cni::routes::clean_up());
    if (installation.proxy) CO_TRY(co_await proxy::clean_up(runtime));
  }
  step("removing files");
  CO_TRY(cli::remove_files(runtime.disk(), layout, installation));
  co_return Unit{};
}

// What was installed and never started has a unit and no cluster.
rt::Task<Result<Unit>> uninstall(rt::Runtime& runtime, cli::Layout layout) {
  const rt::Context ctx = rt::Context::background();
  const std::string unit = cli::unit_of(runtime.disk(), layout.data_dir);
  if (!unit.empty()) {
    step("stopping the unit");
    const std::vector<std::string> stop = {"stop", unit};
    CO_TRY(co_await cli::systemctl(ctx, stop));
  }
  auto removed = co_await remove_cluster(runtime, layout);
  if (!removed && (unit.empty() || removed.error().reason != Reason::NotFound)) co_return removed;
  if (unit.empty()) co_return Unit{};
  step("removing the unit");
  CO_TRY(co_await cli::remove_service(ctx, runtime.disk(), unit));
  co_return os::remove_tree(layout.data_dir);
}

rt::Task<int> uninstall_command(rt::Runtime& runtime, cli::Layout layout) {
  auto done = co_await uninstall(runtime, layout);
  if (!done) co_return refuse("uninstall", done.error());
  step("done");
  co_return 0;
}

}  // namespace

int run_check(std::span<const char* const> args) {
  auto runtime = make_runtime();
  component::FlagSet flags("pintle check", cli::server_flags());
  auto config = cli::parse_cluster_config(flags, true, args, runtime->disk());
  if (!config) return refuse("check", config.error());
  if (flags.help_requested()) {
    print(flags.help());
    return 0;
  }
  rt::Runtime& borrowed = *runtime;
  return runtime->run([&borrowed, wanted = std::move(*config)] { return check(borrowed, wanted); });
}

int run_status(std::span<const char* const> args) {
  int result = 0;
  const auto layout = parse_layout("status", args, result);
  if (!layout) return result;
  if (const auto there = go_where_it_runs(*layout); !there) return refuse("status", there.error());
  auto runtime = make_runtime();
  rt::Runtime& borrowed = *runtime;
  return runtime->run([&borrowed, layout] { return status(borrowed, *layout); });
}

int run_uninstall(std::span<const char* const> args) {
  int result = 0;
  const auto layout = parse_layout("uninstall", args, result);
  if (!layout) return result;
  if (const auto there = go_where_it_runs(*layout); !there) return refuse("uninstall", there.error());
  auto runtime = make_runtime();
  rt::Runtime& borrowed = *runtime;
  return runtime->run([&borrowed, layout] { return uninstall_command(borrowed, *layout); });
}

}  // namespace pintle::cmd

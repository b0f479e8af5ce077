#include "cmd/install/command.h"

#include <cstdio>
#include <string>
#include <vector>

#include "cli/check.h"
#include "cli/cluster_config.h"
#include "cli/service_unit.h"
#include "cmd/server/component_arguments.h"
#include "component/log.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

constexpr const char* usage =
    "Usage: pintle install server|agent [--set-kernel] [--no-start] [flags of pintle server or agent]\n\n"
    "Copies this program to /usr/local/bin, makes a unit of systemd that runs it with these flags, enables and starts it.\n"
    "pintle uninstall takes all of it away again.\n\n"
    "      --set-kernel   load the kernel's modules and make the settings that are lacking, now and at each start of the machine;\n"
    "                     otherwise they are only named\n"
    "      --no-start     do not start it now\n";

struct Request {
  bool server = true;
  bool set_kernel = false;
  bool start = true;
  std::vector<std::string> arguments;  // of the unit
};

int refuse(const Status& status) {
  std::fprintf(stderr, "pintle install: %s\n", status.message.c_str());
  return 1;
}
void step(const std::string& text) { std::printf("%s\n", text.c_str()), std::fflush(stdout); }

std::string listed(const cli::KernelSettings& settings) {
  std::string out;
  for (const std::string& module : settings.modules) out += "  module " + module + "\n";
  for (const std::string& sysctl : settings.sysctls) out += "  sysctl " + sysctl + "\n";
  return out;
}

// The machine is fit for it; what is lacking of the kernel is set where that was asked for.
rt::Task<Result<Unit>> prepare_machine(rt::Runtime& runtime, const cli::ClusterConfig& config, bool set_kernel) {
  const rt::Context ctx = rt::Context::background();
  cli::MachineProbe probe = co_await cli::probe_machine(runtime, config);
  const cli::KernelSettings lacking = cli::missing_settings(probe, config);
  if (set_kernel && !lacking.empty()) {
    step("setting of the kernel:\n" + listed(lacking));
    CO_TRY(co_await cli::set_kernel(ctx, runtime.disk(), lacking));
    probe = co_await cli::probe_machine(runtime, config);
  }
  const auto findings = cli::judge(probe, config);
  std::string told;
  for (const cli::Finding& finding : findings)
    if (finding.severity != cli::Severity::Ok) told += cli::format_findings({finding});
  if (!told.empty()) std::fputs(told.c_str(), stdout);
  if (!set_kernel && !lacking.empty()) std::printf("--set-kernel would set:\n%s", listed(lacking).c_str());
  if (cli::has_failure(findings)) co_return error(Reason::Invalid, "this machine lacks what is marked [FAIL]; nothing was installed");
  co_return Unit{};
}

rt::Task<Result<Unit>> install(rt::Runtime& runtime, const cli::ClusterConfig& config, const Request& request) {
  rt::Disk& disk = runtime.disk();
  const rt::Context ctx = rt::Context::background();
  const std::string unit = cli::unit_name(request.server);
  CO_TRY(co_await prepare_machine(runtime, config, request.set_kernel));
  step(std::string("writing ") + cli::installed_binary);
  CO_TRY(cli::install_binary(disk));
  CO_TRY(disk.make_directories(config.data_dir, 0711));
  step("writing the unit " + unit);
  CO_TRY(co_await cli::write_unit(ctx, disk, unit, cli::unit_text(config, request.arguments)));
  const std::vector<std::string> enable = {"enable", "--quiet", unit}, restart = {"restart", unit};
  CO_TRY(co_await cli::systemctl(ctx, enable));
  if (request.start) {
    step("starting it");
    CO_TRY(co_await cli::systemctl(ctx, restart));
  }
  step("done");
  co_return Unit{};
}

rt::Task<int> install_command(rt::Runtime& runtime, const cli::ClusterConfig& config, const Request& request) {
  auto done = co_await install(runtime, config, request);
  co_return done ? 0 : refuse(done.error());
}

}  // namespace

int run_install(std::span<const char* const> args) {
  const std::string_view what = args.empty() ? "" : args[0];
  if (what == "--help" || what == "-h") {
    std::fputs(usage, stdout);
    return 0;
  }
  if (what != "server" && what != "agent") {
    std::fputs(usage, stderr);
    return 1;
  }
  Request request;
  request.server = what == "server";
  std::vector<const char*> given;
  for (const char* const argument : args.subspan(1)) {
    const std::string_view text = argument;
    if (text == "--set-kernel") {
      request.set_kernel = true;
    } else if (text == "--no-start") {
      request.start = false;
    } else {
      request.arguments.emplace_back(text);
      given.push_back(argument);
    }
  }
  if (const auto checked = cli::check_unit_arguments(request.arguments); !checked) return refuse(checked.error());
  rt::RealRuntimeOptions options;
  options.threads = 1;
  auto runtime = rt::make_real_runtime(options);
  component::log::init(runtime->clock(), {});
  component::FlagSet flags(request.server ? "pintle install server" : "pintle install agent",
                           request.server ? cli::server_flags() : cli::agent_flags());
  const auto config = cli::parse_cluster_config(flags, request.server, given, runtime->disk());
  if (!config) return refuse(config.error());
  if (flags.help_requested()) {
    std::fputs(usage, stdout);
    std::fputs(flags.help().c_str(), stdout);
    return 0;
  }
  if (const auto checked = check_component_arguments(*config, runtime->disk()); !checked) return refuse(checked.error());
  if (!cli::has_systemd(runtime->disk())) return refuse(error(Reason::NotFound, "systemd does not run this machine").error());
  rt::Runtime& borrowed = *runtime;
  return runtime->run([&] { return install_command(borrowed, *config, request); });
}

}  // namespace pintle::cmd

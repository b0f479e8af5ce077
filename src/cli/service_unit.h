// What `pintle install` leaves on a machine that systemd runs: the binary, a unit for it, and what was consented to of the kernel's settings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "cli/check.h"
#include "cli/cluster_config.h"
#include "rt/runtime.h"

namespace pintle::cli {

inline constexpr const char* installed_binary = "/usr/local/bin/pintle";
inline constexpr const char* installed_modules = "/etc/modules-load.d/pintle.conf";
inline constexpr const char* installed_sysctls = "/etc/sysctl.d/90-pintle.conf";

// "pintle.service" of a server, "pintle-agent.service" of an agent.
std::string unit_name(bool server);
// Its file: `pintle server` (or agent) with `arguments`. A server without a node is shut in; of a node nothing is taken away, since its pods would
// inherit it.
std::string unit_text(const ClusterConfig& config, const std::vector<std::string>& arguments);
// The data folder of a unit that we have written; "": it is somebody else's.
std::string data_dir_of_unit(std::string_view text);
// As ExecStart= reads one argument: quotes, escapes, and no specifiers or variables.
std::string unit_argument(std::string_view argument);
// Invalid: an argument that must not stand in a unit, which every user of the machine can read, or one that means another file to systemd.
Result<Unit> check_unit_arguments(const std::vector<std::string>& arguments);

// What of the kernel's settings the machine lacks and we could set: "overlay" ..., "fs.inotify.max_user_instances=1024".
struct KernelSettings {
  std::vector<std::string> modules;
  std::vector<std::string> sysctls;
  bool empty() const { return modules.empty() && sysctls.empty(); }
};
KernelSettings missing_settings(const MachineProbe& probe, const ClusterConfig& config);

// Writes them down and applies them.
rt::Task<Result<Unit>> set_kernel(rt::Context ctx, rt::Disk& disk, KernelSettings settings);
// Copies this program to `installed_binary`, unless it is that.
Result<Unit> install_binary(rt::Disk& disk);
// `systemctl ARGUMENTS`; Unknown with what it says when it fails.
rt::Task<Result<Unit>> systemctl(rt::Context ctx, std::vector<std::string> arguments);
// Whether systemd runs this machine.
bool has_systemd(rt::Disk& disk);
// Conflict: a unit of that name is somebody else's.
rt::Task<Result<Unit>> write_unit(rt::Context ctx, rt::Disk& disk, std::string name, std::string text);
// The unit that runs the installation in `data_dir`; "": none of ours.
std::string unit_of(rt::Disk& disk, const std::string& data_dir);
// Takes the unit, the binary and the kernel's settings away again, as far as they are ours. What runs was stopped before.
rt::Task<Result<Unit>> remove_service(rt::Context ctx, rt::Disk& disk, std::string unit);

}  // namespace pintle::cli

#include "cli/service_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "os/process.h"
#include "os/replace_file.h"

namespace pintle::cli {

namespace {

constexpr std::string_view units_folder = "/etc/systemd/system/";
constexpr std::string_view mark = "# Written by pintle install; pintle uninstall removes it.\n";
constexpr std::string_view data_dir_mark = "# data-dir: ";
constexpr std::size_t unit_bytes_max = 1 << 16;
constexpr std::size_t binary_bytes_max = std::size_t{1} << 30;

// Of a server without a node. A node's pods are its processes' children: they would inherit each of these.
constexpr std::string_view shut_in = R"(NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
LockPersonality=yes
MemoryDenyWriteExecute=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
)";
// Processes of pods outlive a restart of ours, and are in cgroups that we make.
constexpr std::string_view of_node = R"(Delegate=yes
KillMode=process
OOMScoreAdjust=-999
TasksMax=infinity
)";

Result<Unit> write_file(rt::Disk& disk, const std::string& path, std::string_view text, uint32_t mode = 0644) {
  TRY(disk.make_directories(rt::parent_path(path)));
  return os::replace_file(path, text, mode, os::Durability::Synced);
}

rt::Task<Result<Unit>> run(rt::Context ctx, std::vector<std::string> argv) {
  os::ProcessSpec spec;
  spec.argv = std::move(argv);
  const std::string what = fmt::format("{} {}", spec.argv[0], spec.argv.size() > 1 ? spec.argv[1] : "");
  auto done = co_await os::run_process(std::move(ctx), std::move(spec));
  if (!done) co_return Unexpected(std::move(done).error());
  if (!done->exit.ok()) co_return internal(what + ": " + done->exit.text() + (done->err.empty() ? "" : ": " + done->err));
  co_return Unit{};
}

Result<Unit> remove_ours(rt::Disk& disk, const std::string& path) {
  const auto text = disk.read(path, unit_bytes_max);
  return text && text->starts_with(mark) ? disk.remove(path) : Result<Unit>(Unit{});
}

}  // namespace

std::string unit_name(bool server) { return server ? "pintle.service" : "pintle-agent.service"; }

std::string unit_argument(std::string_view argument) {
  std::string out = "\"";
  for (const char c : argument) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

Result<Unit> check_unit_arguments(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--token" || argument.starts_with("--token="))
      return error(Reason::Invalid,
                   "--token: whoever is on this machine may read a unit; write it into a file of mode 0600 (token: ...) and give --config");
    if (argument == "--config" || argument == "-c") return error(Reason::Invalid, "--config: write --config=FILE");
    if (argument.starts_with("--config=") && !argument.starts_with("--config=/"))
      return error(Reason::Invalid, "--config: the file's whole path, from /");
    if (argument.find('\0') != std::string::npos) return error(Reason::Invalid, "an argument with a zero byte");
  }
  return Unit{};
}

std::string unit_text(const ClusterConfig& config, const std::vector<std::string>& arguments) {
  std::string command = fmt::format("{} {}", installed_binary, config.server ? "server" : "agent");
  for (const std::string& argument : arguments) command += " " + unit_argument(argument);
  std::string out(mark);
  out += fmt::format("{}{}\n", data_dir_mark, config.data_dir);
  out += fmt::format(
      "[Unit]\nDescription=Pintle {}\nWants=network-online.target\nAfter=network-online.target\n\n"
      "[Service]\nType=notify\nExecStart={}\nEnvironment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
      "Restart=always\nRestartSec=2s\nTimeoutStartSec=infinity\nTimeoutStopSec=2min\nWatchdogSec=2min\nLimitNOFILE=1048576\n",
      config.server ? "server" : "agent", command);
  if (config.node.enabled) {
    out += of_node;
  } else {
    out += shut_in;
    out += fmt::format("ReadWritePaths=-{}\n", config.data_dir);
    if (!config.write_kubeconfig.empty()) out += fmt::format("ReadWritePaths=-{}\n", rt::parent_path(config.write_kubeconfig));
  }
  return out + "\n[Install]\nWantedBy=multi-user.target\n";
}

std::string data_dir_of_unit(std::string_view text) {
  if (!text.starts_with(mark)) return "";
  text.remove_prefix(mark.size());
  if (!text.starts_with(data_dir_mark)) return "";
  text.remove_prefix(data_dir_mark.size());
  return std::string(text.substr(0, text.find('\n')));
}

KernelSettings missing_settings(const MachineProbe& probe, const ClusterConfig& config) {
  KernelSettings out;
  if (!config.node.enabled) return out;
  if (config.node.runtime_endpoint.empty() && !probe.file_systems.contains("overlay")) out.modules.emplace_back("overlay");
  for (const std::string_view kind : {"bridge", "veth"})
    if (!probe.link_kinds.contains(kind)) out.modules.emplace_back(kind);
  if (config.node.network_mode == "vxlan" && !probe.link_kinds.contains("vxlan")) out.modules.emplace_back("vxlan");
  if (!probe.nftables) out.modules.emplace_back("nf_tables");
  if (probe.inotify_instances_max < inotify_instances_min)
    out.sysctls.push_back("fs.inotify.max_user_instances=" + std::to_string(inotify_instances_min));
  return out;
}

rt::Task<Result<Unit>> set_kernel(rt::Context ctx, rt::Disk& disk, KernelSettings settings) {
  std::string modules(mark), sysctls(mark);
  for (const std::string& one : settings.modules) modules += one + "\n";
  for (const std::string& one : settings.sysctls) sysctls += one + "\n";
  if (!settings.modules.empty()) {
    CO_TRY(write_file(disk, installed_modules, modules));
    std::vector<std::string> load = {"modprobe", "-a"};
    load.insert(load.end(), settings.modules.begin(), settings.modules.end());
    CO_TRY(co_await run(ctx, std::move(load)));
  }
  if (!settings.sysctls.empty()) {
    CO_TRY(write_file(disk, installed_sysctls, sysctls));
    std::vector<std::string> apply = {"sysctl", "-q", "-p", installed_sysctls};
    CO_TRY(co_await run(ctx, std::move(apply)));
  }
  co_return Unit{};
}

Result<Unit> install_binary(rt::Disk& disk) {
  TRY_ASSIGN(const std::string mine, disk.read("/proc/self/exe", binary_bytes_max));
  const auto there = disk.read(installed_binary, binary_bytes_max);
  if (there && *there == mine) return Unit{};
  return write_file(disk, installed_binary, mine, 0755);
}

rt::Task<Result<Unit>> systemctl(rt::Context ctx, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "systemctl");
  co_return co_await run(std::move(ctx), std::move(arguments));
}

bool has_systemd(rt::Disk& disk) { return disk.exists("/run/systemd/system"); }

std::string unit_of(rt::Disk& disk, const std::string& data_dir) {
  for (const bool server : {true, false}) {
    const auto text = disk.read(std::string(units_folder) + unit_name(server), unit_bytes_max);
    if (text && !data_dir.empty() && data_dir_of_unit(*text) == data_dir) return unit_name(server);
  }
  return "";
}

rt::Task<Result<Unit>> write_unit(rt::Context ctx, rt::Disk& disk, std::string name, std::string text) {
  const std::string path = std::string(units_folder) + name;
  if (const auto there = disk.read(path, unit_bytes_max); there && data_dir_of_unit(*there).empty())
    co_return error(Reason::Conflict, path + " is there, and not ours");
  CO_TRY(write_file(disk, path, text));
  std::vector<std::string> reload = {"daemon-reload"};
  co_return co_await systemctl(std::move(ctx), std::move(reload));
}

rt::Task<Result<Unit>> remove_service(rt::Context ctx, rt::Disk& disk, std::string unit) {
  std::vector<std::string> disable = {"disable", "--now", unit};
  CO_TRY(co_await systemctl(ctx, std::move(disable)));
  CO_TRY(remove_ours(disk, std::string(units_folder) + unit));
  for (const char* path : {installed_modules, installed_sysctls}) CO_TRY(remove_ours(disk, path));
  // Of a second installation on this machine.
  const bool used =
      std::ranges::any_of(std::array{true, false}, [&](bool server) { return disk.exists(std::string(units_folder) + unit_name(server)); });
  if (!used && disk.exists(installed_binary)) CO_TRY(disk.remove(installed_binary));
  std::vector<std::string> reload = {"daemon-reload"};
  co_return co_await systemctl(std::move(ctx), std::move(reload));
}

}  // namespace pintle::cli

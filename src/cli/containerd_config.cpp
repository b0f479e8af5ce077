#include "cli/containerd_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "os/machine.h"

namespace pintle::cli {
namespace {

constexpr int cap_sys_resource = 24;
constexpr std::size_t piece_bytes_max = 1 << 20;

// Plugins that need kernels and tools of their own, and that nothing here uses.
constexpr std::string_view disabled_plugins =
    R"(["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"])";

void lay_over(toml::table& base, const toml::table& over) {
  for (const auto& [key, value] : over) {
    toml::table* const below = base[key].as_table();
    if (below && value.is_table())
      lay_over(*below, *value.as_table());
    else
      base.insert_or_assign(key, value);
  }
}

Result<Unit> check_piece(const toml::table& piece, const std::string& file) {
  for (const std::string_view key : {"root", "state"})
    if (piece.contains(key)) return bad_request(fmt::format("{}: {} is settled by pintle itself", file, key));
  if (piece["grpc"]["address"]) return bad_request(file + ": grpc.address is settled by pintle itself");
  if (const auto version = piece["version"]; version && version.value<int64_t>() != 2)
    return bad_request(file + ": version must be 2, which containerd 1.6 to 2.x read");
  return Unit{};
}

Result<toml::table> parse_piece(const ConfigPiece& piece) {
  toml::parse_result parsed = toml::parse(piece.text);
  if (!parsed) {
    const toml::source_position at = parsed.error().source().begin;
    return bad_request(fmt::format("{}:{}:{}: {}", piece.file, at.line, at.column, parsed.error().description()));
  }
  return std::move(parsed).table();
}

}  // namespace

std::string containerd_config(const Layout& layout, const ContainerdSettings& settings) {
  return fmt::format(
      R"(# Written by pintle at each start.
version = 2
root = "{root}"
state = "{state}"
disabled_plugins = {disabled}

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = {restrict}
  enable_unprivileged_ports = {ports}
  enable_unprivileged_icmp = {ports}
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{bin}"
    conf_dir = "{conf}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{registry}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = {systemd}
)",
      fmt::arg("root", layout.containerd_root()), fmt::arg("systemd", settings.systemd_cgroups), fmt::arg("state", layout.containerd_state()),
      fmt::arg("disabled", disabled_plugins), fmt::arg("socket", layout.containerd_socket()), fmt::arg("pause", settings.pause_image),
      fmt::arg("restrict", settings.restrict_oom_score_adj), fmt::arg("ports", settings.unprivileged_ports), fmt::arg("bin", settings.cni_bin_dir),
      fmt::arg("conf", layout.cni_conf()), fmt::arg("registry", settings.registry_config_dir), fmt::arg("snapshotter", settings.snapshotter));
}

ContainerdSettings detect_containerd_settings(const Layout& layout) {
  ContainerdSettings settings;
  settings.restrict_oom_score_adj = !os::has_capability(cap_sys_resource);
  if (os::is_overlay(layout.data_dir).value_or(false)) settings.snapshotter = "native";
  return settings;
}

Result<std::vector<ConfigPiece>> containerd_config_pieces(rt::Disk& disk, const std::string& folder) {
  std::vector<ConfigPiece> out;
  if (!disk.exists(folder)) return out;
  TRY_ASSIGN(auto names, disk.list(folder));
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (!name.ends_with(".toml")) continue;
    ConfigPiece& piece = out.emplace_back(folder + "/" + name);
    TRY_ASSIGN(piece.text, disk.read(piece.file, piece_bytes_max));
  }
  return out;
}

Result<std::string> merge_containerd_config(const std::string& base, const std::vector<ConfigPiece>& pieces) {
  if (pieces.empty()) return base;
  TRY_ASSIGN(toml::table config, parse_piece({"config.toml", base}));
  for (const ConfigPiece& piece : pieces) {
    TRY_ASSIGN(const toml::table over, parse_piece(piece));
    TRY(check_piece(over, piece.file));
    lay_over(config, over);
  }
  std::ostringstream text;
  text << "# Written by pintle at each start, with the pieces of its folder laid over.\n" << config << "\n";
  return text.str();
}

}  // namespace pintle::cli

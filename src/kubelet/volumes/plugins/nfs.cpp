#include "kubelet/volumes/plugins/nfs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kubelet/volumes/plugins/blocking.h"
#include "kubelet/volumes/plugins/mount_points.h"
#include "os/path.h"
#include "os/program.h"

namespace pintle::kubelet::volumes::plugins {

namespace core = api::core_v1;

namespace {

using namespace std::chrono_literals;

constexpr std::string_view plugin_name = "kubernetes.io/nfs";
constexpr rt::Duration mount_limit = 3min;  // mount.nfs itself tries for two
constexpr rt::Duration umount_limit = 1min;
constexpr uint32_t directory_mode = 0750;
constexpr std::size_t server_bytes_max = 255;

const core::NFSVolumeSource& source_of(const VolumeSpec& spec) { return spec.persistent ? *spec.persistent->spec.nfs : *spec.entry->nfs; }
bool is_read_only(const VolumeSpec& spec) { return spec.persistent ? spec.read_only : source_of(spec).read_only; }

bool is_server(std::string_view server) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
  };
  return !server.empty() && server.size() <= server_bytes_max && server[0] != '-' && std::ranges::all_of(server, allowed);
}

class Nfs final : public VolumePlugin {
 public:
  explicit Nfs(NfsDeps deps) : deps_(std::move(deps)) {}
  std::string_view name() const override { return plugin_name; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::Nfs; }
  bool takes_mount_options() const override { return true; }
  std::optional<VolumeTraits> traits(const VolumeSpec&) const override { return VolumeTraits(); }
  // Of a pod: each has a mount of its own.
  std::string unique_name(const VolumeSpec& spec, std::string_view pod_uid) const override { return unique(pod_uid, spec.name()); }

  rt::Task<Published> publish(rt::Context ctx, PodVolume volume) override {
    const VolumeSpec& spec = volume.spec;
    const std::string directory = directory_of(volume.pod->metadata.uid, spec.name());
    auto argv = mount_nfs_arguments(spec, directory);
    if (!argv) co_return not_published(nothing_done(set_up, std::move(argv).error()));
    std::function<Result<bool>()> prepare = [&]() -> Result<bool> {
      TRY(os::make_directories(directory, directory_mode));
      return is_mounted(directory);
    };
    const auto there = co_await blocking<bool>(deps_.runtime, std::move(prepare));
    if (!there) co_return set_up_failed(there.error());
    MountedVolume out = at(spec, directory, is_read_only(spec));
    if (*there) co_return published(std::move(out));
    auto output = co_await os::run_program(std::move(ctx), std::move(*argv), mount_limit);
    if (!output && output.error().reason == Reason::NotFound) {
      Status absent{Reason::NotFound, 0, "mount.nfs is not installed on this node (nfs-common, nfs-utils)", {}};
      co_return set_up_failed(std::move(absent));
    }
    if (!output) co_return set_up_failed(std::move(output).error());
    if (output->exit.ok()) co_return published(std::move(out));
    Status why{Reason::InternalError, 0, "mount failed: " + output->exit.text() + ": " + os::shown_output(*output), {}};
    co_return set_up_failed(std::move(why));
  }

  rt::Task<StepEnd> unpublish(rt::Context ctx, VolumeOnDisk volume, std::string pod_uid) override {
    const std::string directory = directory_of(pod_uid, volume.name);
    auto undone = co_await unmount(std::move(ctx), directory);
    if (!undone) co_return step_failed("UnmountVolume.TearDown", std::move(undone).error());
    co_return step_done();
  }

  std::optional<VolumeOnDisk> published_before(std::string_view pod_uid, std::string_view name, bool block) const override {
    if (block) return std::nullopt;
    return VolumeOnDisk{unique(pod_uid, name), std::string(name), false};
  }

 private:
  static std::string unique(std::string_view pod_uid, std::string_view name) {
    return std::string(plugin_name) + "/" + std::string(pod_uid) + "-" + std::string(name);
  }
  std::string directory_of(const std::string& pod_uid, const std::string& name) const {
    return deps_.paths.volume(pod_uid, escaped_plugin_name(plugin_name), name);
  }

  // A server that is gone: by force, after a while.
  rt::Task<Result<Unit>> unmount(rt::Context ctx, std::string directory) {
    auto undone = co_await unmount_by_program(deps_.runtime, ctx, directory, std::string(), umount_limit);
    if (undone || ctx.done()) co_return undone;
    co_return co_await unmount_by_program(deps_.runtime, ctx, directory, "-f", umount_limit);
  }

  const NfsDeps deps_;
};

}  // namespace

VolumePluginPtr make_nfs_plugin(NfsDeps deps) { return std::make_shared<Nfs>(std::move(deps)); }

Result<std::vector<std::string>> mount_nfs_arguments(const VolumeSpec& spec, const std::string& directory) {
  const core::NFSVolumeSource& source = source_of(spec);
  if (!is_server(source.server)) return error(Reason::Invalid, "not the name or the address of a server: " + source.server.substr(0, 64));
  const bool ipv6 = source.server.find(':') != std::string::npos;
  std::vector<std::string> out = {"mount.nfs", (ipv6 ? "[" + source.server + "]" : source.server) + ":" + source.path, directory};
  std::vector<std::string> options = spec.mount_options;
  if (is_read_only(spec)) options.emplace_back("ro");
  if (options.empty()) return out;
  out.emplace_back("-o");
  out.push_back(fmt::format("{}", fmt::join(options, ",")));
  return out;
}

}  // namespace pintle::kubelet::volumes::plugins

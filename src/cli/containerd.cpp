#include "cli/containerd.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <fstream>

#include "component/log.h"
#include "rt/backoff.h"

namespace pintle::cli {
namespace {

namespace log = component::log;

constexpr auto start_timeout = std::chrono::seconds(30);
constexpr auto stop_timeout = std::chrono::seconds(15);
constexpr int cap_sys_resource = 24;
constexpr std::string_view cni_plugins[] = {"bridge", "host-local", "loopback", "portmap"};

// Plugins that need kernels and tools of their own, and that nothing here uses.
constexpr std::string_view disabled_plugins =
    R"(["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"])";

bool has_capability(int capability) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with("CapEff:")) continue;
    const uint64_t set = std::strtoull(line.c_str() + 7, nullptr, 16);
    return (set >> capability & 1) != 0;
  }
  return false;
}

// The process of that number, if it is a containerd.
bool is_containerd(pid_t pid) {
  std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  return std::getline(comm, name) && name == "containerd";
}

}  // namespace

std::string containerd_config(const Layout& layout, const ContainerdSettings& settings) {
  return fmt::format(R"(# Written by pintle at each start.
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
)",
                     fmt::arg("root", layout.containerd_root()), fmt::arg("state", layout.containerd_state()), fmt::arg("disabled", disabled_plugins),
                     fmt::arg("socket", layout.containerd_socket()), fmt::arg("pause", settings.pause_image),
                     fmt::arg("restrict", settings.restrict_oom_score_adj), fmt::arg("ports", settings.unprivileged_ports),
                     fmt::arg("bin", settings.cni_bin_dir), fmt::arg("conf", layout.cni_conf()), fmt::arg("registry", settings.registry_config_dir),
                     fmt::arg("snapshotter", settings.snapshotter));
}

ContainerdSettings detect_containerd_settings(const Layout& layout) {
  ContainerdSettings settings;
  settings.restrict_oom_score_adj = !has_capability(cap_sys_resource);
  struct statfs filesystem {};
  if (statfs(layout.data_dir.c_str(), &filesystem) == 0 && static_cast<uint32_t>(filesystem.f_type) == OVERLAYFS_SUPER_MAGIC)
    settings.snapshotter = "native";
  return settings;
}

std::string find_cni_plugins(rt::Disk& disk, const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    bool all = true;
    for (const std::string_view plugin : cni_plugins) all = all && disk.exists(folder + "/" + std::string(plugin));
    if (all) return folder;
  }
  return {};
}

Containerd::Containerd(rt::Runtime& runtime, Layout layout, ContainerdSettings settings)
    : runtime_(runtime), layout_(std::move(layout)), settings_(std::move(settings)) {}

Containerd::~Containerd() { CHECK(!tasks_, "await stop() before destroying Containerd"); }

rt::Task<Result<Unit>> Containerd::end_predecessor() {
  const auto text = runtime_.disk().read(layout_.containerd_pid());
  if (!text) co_return Unit{};
  pid_t pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 1 || !is_containerd(pid)) co_return Unit{};
  log::info(0, "Ending the containerd of an earlier life", {{"pid", std::to_string(pid)}});
  ::kill(pid, SIGTERM);
  const rt::Context ctx = rt::Context::background().with_timeout(stop_timeout);
  while (is_containerd(pid)) {
    auto slept = co_await rt::sleep_for(ctx, std::chrono::milliseconds(20));
    if (!slept) co_return internal("containerd of an earlier life (process " + std::to_string(pid) + ") does not end");
  }
  co_return Unit{};
}

Result<Unit> Containerd::launch() {
  os::ProcessSpec spec;
  spec.argv = {"containerd", "--config", layout_.containerd_config(), "--log-level", "warn"};
  spec.new_session = true;
  spec.output_file = layout_.containerd_log();
  auto process = os::Process::start(std::move(spec));
  if (!process) return error(process.error().reason, "cannot start containerd: " + process.error().message);
  process_ = std::move(*process);
  return runtime_.disk().write(layout_.containerd_pid(), std::to_string(process_->pid()), 0600);
}

rt::Task<Result<Unit>> Containerd::wait_for_socket(rt::Context ctx) {
  rt::BackoffOptions options;
  options.initial = std::chrono::milliseconds(5);
  options.max = std::chrono::milliseconds(100);
  rt::Backoff backoff(options);
  while (true) {
    auto stream = co_await runtime_.network().connect_unix(ctx, layout_.containerd_socket());
    if (stream) co_return Unit{};
    auto slept = co_await rt::sleep_for(ctx, backoff.next(runtime_.random()));
    if (!slept)
      co_return error(Reason::Timeout, "containerd does not answer at " + layout_.containerd_socket() + "; see " + layout_.containerd_log());
  }
}

rt::Task<Result<Unit>> Containerd::start() {
  for (const std::string& folder : {layout_.containerd_root(), layout_.containerd_state(), layout_.cni_conf()})
    CO_TRY(runtime_.disk().make_directories(folder, 0711));
  CO_TRY(runtime_.disk().replace(layout_.containerd_config(), containerd_config(layout_, settings_), 0600));
  co_return co_await restart();
}

rt::Task<Result<Unit>> Containerd::restart() {
  CO_TRY(co_await end_predecessor());
  if (runtime_.disk().exists(layout_.containerd_socket())) CO_TRY(runtime_.disk().remove(layout_.containerd_socket()));
  CO_TRY(launch());
  tasks_ = std::make_unique<rt::TaskGroup>();
  tasks_->spawn(supervise(tasks_->context()));
  co_return co_await wait_for_socket(tasks_->context().with_timeout(start_timeout));
}

rt::Task<void> Containerd::supervise(rt::Context ctx) {
  rt::BackoffOptions options;
  options.initial = std::chrono::milliseconds(200);
  options.max = std::chrono::seconds(10);
  rt::Backoff backoff(options);
  while (true) {
    const rt::TimePoint started = runtime_.clock().now();
    auto ended = co_await process_->wait(ctx);
    if (ctx.done()) co_return;
    log::error("containerd has ended and is started again",
               {{"how", ended ? ended->text() : ended.error().message}, {"log", layout_.containerd_log()}});
    if (runtime_.clock().now() - started > options.max) backoff.reset();
    do {
      auto slept = co_await rt::sleep_for(ctx, backoff.next(runtime_.random()));
      if (!slept) co_return;
      auto launched = launch();
      if (launched) break;
      log::error("containerd does not start", launched.error());
    } while (true);
  }
}

rt::Task<void> Containerd::stop() {
  if (!tasks_) co_return;
  co_await tasks_->close();
  tasks_.reset();
  (void)process_->signal(SIGTERM);
  const rt::Context ctx = rt::Context::background().with_timeout(stop_timeout);
  auto ended = co_await process_->wait(ctx);
  if (!ended) {
    (void)process_->signal(SIGKILL);
    (void)co_await process_->wait(rt::Context::background());
  }
  process_.reset();
  (void)runtime_.disk().remove(layout_.containerd_pid());
}

}  // namespace pintle::cli

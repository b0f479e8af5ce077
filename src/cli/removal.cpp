#include "cli/removal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>

#include "base/parse_number.h"
#include "cli/containerd.h"
#include "cni/conflist.h"
#include "cri/runtime_client.h"
#include "os/cgroup.h"
#include "os/fd.h"
#include "os/loop_device.h"
#include "os/mount.h"
#include "os/netlink/netlink.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/slice_cgroups.h"

namespace pintle::cli {
namespace {

constexpr auto stop_timeout = std::chrono::minutes(2);
constexpr auto runtime_ready_timeout = std::chrono::seconds(30);
constexpr auto cgroup_timeout = std::chrono::seconds(30);
constexpr auto sandbox_timeout = std::chrono::minutes(1);
constexpr auto poll = std::chrono::milliseconds(50);  // while an operator waits
constexpr const char* container_links = "/var/log/containers";

// A runtime that has just been started first reads what it had.
rt::Task<Result<std::vector<api::cri_v1::PodSandbox>>> list_sandboxes(cri::RuntimeClient& runtime) {
  const rt::Context ctx = rt::Context::background().with_timeout(runtime_ready_timeout);
  api::cri_v1::PodSandboxFilter all;
  while (true) {
    auto sandboxes = co_await runtime.list_pod_sandboxes(ctx, all);
    if (sandboxes) co_return std::move(sandboxes);
    auto slept = co_await rt::sleep_for(ctx, poll);
    if (!slept) co_return std::move(sandboxes);
  }
}

rt::Task<Result<std::size_t>> remove_sandboxes(cri::RuntimeClient& runtime) {
  const rt::Context ctx = rt::Context::background();
  CO_TRY_ASSIGN(const auto sandboxes, co_await list_sandboxes(runtime));
  for (const auto& sandbox : sandboxes) {
    // One that cannot be stopped is removed all the same: its processes are ended by their control groups.
    (void)co_await runtime.stop_pod_sandbox(ctx.with_timeout(sandbox_timeout), sandbox.id);
    (void)co_await runtime.remove_pod_sandbox(ctx.with_timeout(sandbox_timeout), sandbox.id);
  }
  co_return sandboxes.size();
}

// The numbers of all processes.
std::vector<pid_t> all_processes(rt::Disk& disk) {
  std::vector<pid_t> out;
  const auto names = disk.list("/proc");
  if (!names) return out;
  for (const std::string& name : *names) {
    if (const auto pid = parse_number<pid_t>(name)) out.push_back(*pid);
  }
  return out;
}

}  // namespace

int running_process(const Layout& layout) {
  const os::UniqueFd fd(::open(layout.lock().c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return 0;
  const auto text = os::read_file(layout.lock());
  int pid = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), pid);
  return pid;
}

rt::Task<Result<Unit>> stop_running(Layout layout) {
  const int pid = running_process(layout);
  if (pid <= 1) co_return Unit{};
  ::kill(pid, SIGTERM);
  const rt::Context ctx = rt::Context::background().with_timeout(stop_timeout);
  while (running_process(layout) == pid) {
    auto slept = co_await rt::sleep_for(ctx, poll);
    if (!slept) co_return error(Reason::Timeout, "process " + std::to_string(pid) + " does not stop");
  }
  co_return Unit{};
}

rt::Task<Result<std::size_t>> remove_pods(rt::Runtime& runtime, Layout layout, Installation installation) {
  std::unique_ptr<Containerd> containerd;
  cri::RuntimeClientOptions options;
  options.endpoint = installation.runtime_endpoint;
  if (installation.runtime_endpoint.empty()) {
    if (!runtime.disk().exists(layout.containerd_config())) co_return std::size_t{0};
    containerd = std::make_unique<Containerd>(runtime, layout, std::string());
    CO_TRY(co_await containerd->restart());
    options.endpoint = containerd->endpoint();
  }
  Result<std::size_t> removed = std::size_t{0};
  auto client = cri::RuntimeClient::make(runtime, std::move(options));
  if (client) {
    removed = co_await remove_sandboxes(**client);
    co_await (*client)->close();
  } else {
    removed = Unexpected(client.error());
  }
  if (containerd) co_await containerd->stop();
  co_return removed;
}

rt::Task<Result<Unit>> remove_cgroups(Installation installation) {
  const rt::Context ctx = rt::Context::background().with_timeout(cgroup_timeout);
  CO_TRY_ASSIGN(auto cgroups, os::make_cgroups());
  if (!installation.pods_slice.empty()) {
    CO_TRY_ASSIGN(cgroups, os::make_slice_cgroups(std::move(cgroups)));
    if (cgroups->exists(installation.pods_slice)) CO_TRY(cgroups->remove(installation.pods_slice));
    co_return Unit{};
  }
  const bool own_root = !installation.cgroup_root.empty() && installation.cgroup_root != "/";
  for (const std::string& path : {(own_root ? installation.cgroup_root : "") + "/kubepods", own_root ? installation.cgroup_root : ""}) {
    if (path.empty() || !cgroups->exists(path)) continue;
    while (true) {
      CO_TRY(cgroups->kill(path));
      auto removed = cgroups->remove(path);
      if (removed) break;
      // What was killed takes a moment to go.
      auto slept = co_await rt::sleep_for(ctx, poll);
      if (!slept) co_return std::move(removed);
    }
  }
  co_return Unit{};
}

void end_shims(rt::Disk& disk, const Layout& layout) {
  const std::string mark = std::string("-address\0", 9) + layout.containerd_socket();
  for (const pid_t pid : all_processes(disk)) {
    const auto arguments = os::read_file("/proc/" + std::to_string(pid) + "/cmdline");
    if (arguments && arguments->find("containerd-shim") != std::string::npos && arguments->find(mark) != std::string::npos) ::kill(pid, SIGKILL);
  }
}

Result<Unit> remove_bridge() {
  TRY_ASSIGN(auto netlink, os::netlink::Netlink::open());
  const auto bridge = netlink.link(cni::ConflistSettings{}.bridge);
  if (!bridge) return Unit{};
  return netlink.remove_link(bridge->index);
}

namespace {

constexpr std::string_view root_mark = "/.pintle";  // the folder was made by an installation of ours

// One that somebody else made keeps its files.
Result<Unit> remove_kubelet_root(rt::Disk& disk, const Layout& layout, const std::string& root) {
  if (root.empty() || root.starts_with(layout.data_dir + "/") || !disk.exists(root)) return Unit{};
  TRY_ASSIGN(const auto mounts, os::mounts_below(root));
  for (const std::string& mount : mounts) TRY(os::unmount(mount, true));
  if (!disk.exists(root + std::string(root_mark))) return Unit{};
  return os::remove_tree(root);
}

}  // namespace

Result<Unit> claim_kubelet_root(rt::Disk& disk, const std::string& root) {
  if (disk.exists(root)) return Unit{};
  TRY(disk.make_directories(root, 0755));
  return disk.replace(root + std::string(root_mark), "", 0600);
}

Result<Unit> remove_files(rt::Disk& disk, const Layout& layout, const Installation& installation) {
  TRY_ASSIGN(const auto mounts, os::mounts_below(layout.data_dir));
  for (const std::string& mount : mounts) TRY(os::unmount(mount, true));
  if (!installation.kubeconfig.empty() && disk.exists(installation.kubeconfig)) TRY(disk.remove(installation.kubeconfig));
  if (!installation.pod_logs_dir.empty()) {
    TRY(os::remove_tree(installation.pod_logs_dir));
    if (const auto links = disk.list(container_links)) {
      for (const std::string& link : *links) {
        const std::string path = std::string(container_links) + "/" + link;
        char target[4096];
        const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
        if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)).starts_with(installation.pod_logs_dir + "/")) TRY(disk.remove(path));
      }
    }
  }
  TRY(remove_kubelet_root(disk, layout, installation.kubelet_root_dir));
  TRY(os::detach_loops_below(layout.data_dir));  // volumes that nobody unstages any more
  return os::remove_tree(layout.data_dir);
}

}  // namespace pintle::cli

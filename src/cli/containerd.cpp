#include "cli/containerd.h"

#include <signal.h>

#include <charconv>
#include <csignal>

#include "component/log.h"
#include "os/read_file.h"
#include "rt/backoff.h"

namespace pintle::cli {
namespace {

namespace log = component::log;

constexpr auto start_timeout = std::chrono::seconds(30);
constexpr auto stop_timeout = std::chrono::seconds(15);
constexpr std::string_view cni_plugins[] = {"bridge", "host-local", "loopback", "portmap"};

// The process of that number, if it is a containerd.
bool is_containerd(pid_t pid) {
  const auto name = os::read_file("/proc/" + std::to_string(pid) + "/comm");
  return name && os::trim(*name) == "containerd";
}

}  // namespace

std::string find_cni_plugins(rt::Disk& disk, const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    bool all = true;
    for (const std::string_view plugin : cni_plugins) all = all && disk.exists(folder + "/" + std::string(plugin));
    if (all) return folder;
  }
  return {};
}

Containerd::Containerd(rt::Runtime& runtime, Layout layout, std::string config)
    : runtime_(runtime), layout_(std::move(layout)), config_(std::move(config)) {}

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
  CO_TRY(runtime_.disk().replace(layout_.containerd_config(), config_, 0600));
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

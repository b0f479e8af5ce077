#include "kubelet/shutdown/shutdown_watch.h"

#include "component/log.h"
#include "rt/backoff.h"
#include "rt/seconds.h"

namespace pintle::kubelet::shutdown {

namespace {

namespace log = component::log;

constexpr rt::BackoffOptions again{.initial = std::chrono::seconds(1), .max = std::chrono::seconds(30), .factor = 2.0, .jitter = 0.1, .tries_max = 0};
constexpr rt::BackoffOptions look_again{
    .initial = std::chrono::milliseconds(100), .max = std::chrono::seconds(2), .factor = 2.0, .jitter = 0, .tries_max = 0};
constexpr rt::Duration reload_time_max = std::chrono::seconds(5);
constexpr const char* file_name = "/99-kubelet.conf";

}  // namespace

rt::Task<void> ShutdownWatch::run(rt::Context ctx) {
  rt::Backoff backoff(again);
  std::optional<Reason> told;  // what the log has of the trouble that lasts
  while (!ctx.done()) {
    const auto began = deps_.runtime.clock().now();
    const auto ended = co_await watch(ctx);
    if (ctx.done()) co_return;
    if (deps_.runtime.clock().now() - began > again.max) {
      backoff.reset();
      told.reset();
    }
    if (ended.error().reason != told) log::error("A shutdown of this machine would not wait for its pods", ended.error());
    told = ended.error().reason;
    (void)co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random()));
  }
}

// What it takes is rounded up to seconds, as the file has them.
rt::Task<Result<Unit>> ShutdownWatch::ensure_delay(rt::Context ctx, os::LoginManager* login) {
  CO_TRY_ASSIGN(rt::Duration delay, co_await login->delay_max());
  if (delay >= time_) co_return Unit{};
  const auto wanted = std::chrono::ceil<std::chrono::seconds>(time_).count();
  const std::string text = "# Written by the kubelet: shutdownGracePeriod.\n[Login]\nInhibitDelayMaxSec=" + std::to_string(wanted) + "\n";
  Result<Unit> written = Unit{};
  co_await deps_.runtime.run_blocking([&] {
    rt::Disk& disk = deps_.runtime.disk();
    written = disk.make_directories(logind_folder_);
    if (written) written = disk.replace(logind_folder_ + file_name, text);
  });
  CO_TRY(std::move(written));
  CO_TRY(co_await login->reload_configuration());
  rt::Backoff backoff(look_again);
  const rt::Context bounded = ctx.with_timeout(reload_time_max);
  while (true) {
    CO_TRY_ASSIGN(delay, co_await login->delay_max());
    if (delay >= time_) co_return Unit{};
    auto slept = co_await rt::sleep_for(bounded, backoff.next(deps_.runtime.random()));
    if (!slept)
      co_return internal("logind's InhibitDelayMaxSec stays at " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(delay).count()) +
                         " s, less than the " + std::to_string(wanted) + " s of shutdownGracePeriod");
  }
}

rt::Task<Result<Unit>> ShutdownWatch::watch(rt::Context ctx) {
  CO_TRY_ASSIGN(const auto login, co_await os::LoginManager::connect(deps_.runtime));
  CO_TRY(co_await ensure_delay(ctx, login.get()));
  const std::string why = "Pods of this node end first";
  CO_TRY_ASSIGN(os::UniqueFd lock, co_await login->delay_shutdown("kubelet", why));
  log::info(1, "A shutdown of this machine waits for its pods", {{"seconds", std::to_string(rt::seconds(time_))}});
  while (true) {
    CO_TRY_ASSIGN(const bool goes_down, co_await login->next(ctx));
    if (goes_down) {
      deps_.tell("Shutdown manager detected shutdown event");
      co_await deps_.shut_down(ctx);
      lock.reset();
    } else {
      deps_.tell("Shutdown manager detected shutdown cancellation");
      deps_.cancelled();
      CO_TRY_ASSIGN(lock, co_await login->delay_shutdown("kubelet", why));
    }
  }
}

}  // namespace pintle::kubelet::shutdown

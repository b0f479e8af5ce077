#include "kubelet/runtime/pleg.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "component/log.h"

namespace pintle::kubelet::runtime {

namespace {

constexpr double relist_bounds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};  // Prometheus' own

double seconds(rt::Duration time) { return std::chrono::duration<double>(time).count(); }

// As Go prints it.
std::string text(rt::Duration time) { return api::format_duration(api::Duration{time.count()}); }

}  // namespace

Pleg::Pleg(PlegDeps deps)
    : deps_(std::move(deps)),
      durations_(registry_, {"kubelet_pleg_relist_duration_seconds", "[ALPHA] Duration in seconds for relisting pods in PLEG.", {}}, relist_bounds),
      intervals_(registry_, {"kubelet_pleg_relist_interval_seconds", "[ALPHA] Interval in seconds between relisting in PLEG.", {}}, relist_bounds) {}

void Pleg::start() {
  started_ = deps_.runtime.clock().now();
  tasks_.spawn(run(tasks_.context()));
  tasks_.spawn(watch(tasks_.context()));
}

rt::Duration Pleg::silence() const { return deps_.runtime.clock().now() - seen_at_.value_or(started_); }

std::string Pleg::unhealthy() const {
  if (!seen_at_) return "PLEG is not healthy: pleg has yet to be successful";
  if (silence() <= pleg_silence_max) return "";
  return fmt::format("PLEG is not healthy: pleg was last seen active {} ago; threshold is {}", text(silence()), text(pleg_silence_max));
}

rt::Task<void> Pleg::run(rt::Context ctx) {
  std::optional<rt::TimePoint> before;
  while (!ctx.done()) {
    const rt::TimePoint began = deps_.runtime.clock().now();
    const rt::WallTime began_wall = deps_.runtime.clock().wall_now();
    if (before) intervals_.with({}).observe(seconds(began - *before));
    before = began;
    const auto all = co_await deps_.list(ctx.with_timeout(relist_time_max));
    if (ctx.done()) co_return;
    durations_.with({}).observe(seconds(deps_.runtime.clock().now() - began));
    if (!all) {
      component::log::info(1, "Listing the pods of the runtime failed", {{"err", all.error().message}});
      (void)co_await rt::sleep_for(ctx, relist_retry);
      continue;
    }
    const bool healed = !unhealthy().empty();
    seen_at_ = began;
    seen_wall_ = began_wall;
    if (healed) deps_.health_changed();
    deps_.seen(*all);
    (void)co_await rt::sleep_for(ctx, relist_every);
  }
}

// Tells when the silence begins to count.
rt::Task<void> Pleg::watch(rt::Context ctx) {
  while (!ctx.done()) {
    const rt::Duration left = pleg_silence_max - silence();
    const bool silent = left < rt::Duration::zero();
    if (silent && seen_at_) deps_.health_changed();
    rt::Duration wait = relist_every;
    if (!silent) wait = left + std::chrono::milliseconds(1);
    (void)co_await rt::sleep_for(ctx, wait);
  }
}

void Pleg::write_metrics(std::string& out) const {
  out += registry_.write();
  namespace metrics = component::metrics;
  metrics::write_head(out, "kubelet_pleg_last_seen_seconds", "[ALPHA] Timestamp in seconds when PLEG was last seen active.", "gauge");
  const auto last = std::chrono::floor<std::chrono::seconds>(seen_wall_.time_since_epoch()).count();
  metrics::write_sample(out, "kubelet_pleg_last_seen_seconds", {}, {}, static_cast<double>(last));
}

bool differs(const PodState& known, const PodState& seen) {
  const auto has_container = [&](const RuntimeContainer& one) {
    return std::ranges::any_of(known.containers, [&](const RuntimeContainer& other) { return other.id == one.id && other.phase == one.phase; });
  };
  const auto has_sandbox = [&](const SandboxState& one) {
    return std::ranges::any_of(known.sandboxes, [&](const SandboxState& other) { return other.id == one.id && other.ready == one.ready; });
  };
  return known.containers.size() != seen.containers.size() || known.sandboxes.size() != seen.sandboxes.size() ||
         !std::ranges::all_of(seen.containers, has_container) || !std::ranges::all_of(seen.sandboxes, has_sandbox);
}

}  // namespace pintle::kubelet::runtime

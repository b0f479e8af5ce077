#include "kubelet/dynamic_resources/slice_wiper.h"

#include "api/gen/resource_v1.h"
#include "component/log.h"
#include "rt/backoff.h"

namespace pintle::kubelet::dynamic_resources {

namespace {

constexpr rt::BackoffOptions wipe_retry{.initial = std::chrono::seconds(1), .max = std::chrono::minutes(5)};

}  // namespace

void SliceWiper::start() {
  if (client_) tasks_.spawn(wipe(tasks_.context(), ""));
}

rt::Task<void> SliceWiper::stop() { return tasks_.close(); }

void SliceWiper::wipe_later(const std::string& driver, rt::Duration delay) {
  if (!client_ || pending_.contains(driver)) return;
  const rt::Context ctx = tasks_.context().child();
  pending_.emplace(driver, ctx);
  tasks_.spawn(wipe_after(ctx, driver, delay));
}

void SliceWiper::keep(const std::string& driver) {
  const auto found = pending_.find(driver);
  if (found == pending_.end()) return;
  found->second.cancel();
  pending_.erase(found);
}

rt::Task<void> SliceWiper::wipe_after(rt::Context ctx, std::string driver, rt::Duration delay) {
  const auto slept = co_await rt::sleep_for(ctx, delay);
  if (slept) co_await wipe(ctx, driver);
  if (!ctx.done()) pending_.erase(driver);  // else whoever kept it has
}

// `driver` "": all.
rt::Task<void> SliceWiper::wipe(rt::Context ctx, std::string driver) {
  const auto known = co_await known_.wait(ctx);
  if (!known) co_return;
  client::ListOptions which;
  which.field_selector = "spec.nodeName=" + node_name_;
  if (!driver.empty()) which.field_selector += ",spec.driver=" + driver;
  const client::Resource slices = client::resource_of<api::resource_v1::ResourceSlice>();
  const client::DeleteOptions how;
  rt::Backoff backoff(wipe_retry);
  while (!ctx.done()) {
    const auto gone = co_await client_->remove_collection(ctx, slices, how, which);
    if (gone || gone.error().reason == Reason::NotFound) co_return;
    component::log::info(3, "Deleting ResourceSlices failed", {{"which", which.field_selector}, {"err", gone.error().message}});
    (void)co_await rt::sleep_for(ctx, backoff.next(runtime_.random()));
  }
}

}  // namespace pintle::kubelet::dynamic_resources

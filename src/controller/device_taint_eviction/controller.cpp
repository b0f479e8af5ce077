#include "controller/device_taint_eviction/controller.h"

#include <algorithm>
#include <set>

#include "client/work_queue.h"
#include "controller/device_taint_eviction/plan.h"
#include "controller/pods/pod_disruption.h"
#include "controller/pods/pod_store.h"
#include "rt/seconds.h"

namespace pintle::controller::device_taint_eviction {

namespace {

constexpr std::string_view index_by_device = "allocated-device";

class DeviceTaintEvictionController final : public Controller {
 public:
  explicit DeviceTaintEvictionController(ControllerDeps deps)
      : deps_(deps), loop_(deps.loop("device-taint-eviction-controller"), [this](rt::Context ctx, std::string key) {
          return sync(std::move(ctx), std::move(key));
        }) {
    if (deps_.options.feature_gates.enabled("DRADeviceTaints")) follow();
  }
  void start() override { loop_.start(deps_.workers(8)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void follow();
  void look_at(const Pod& pod) { loop_.queue().add(client::object_key(pod.metadata.namespace_, pod.metadata.name)); }
  void look_at_consumers(const ResourceClaim& claim) {
    for (const auto& consumer : claim.status.reserved_for)
      if (consumer.api_group.empty() && consumer.resource == "pods") loop_.queue().add(client::object_key(claim.metadata.namespace_, consumer.name));
  }
  void look_at_devices(const std::vector<std::string>& keys) {
    for (const std::string& key : keys)
      for (const ClaimPtr& claim : claims_->by_index(index_by_device, key)) look_at_consumers(*claim);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> evict(rt::Context ctx, pods::PodPtr pod, rt::WallTime due);

  ControllerDeps deps_;
  std::optional<client::Informer<ResourceClaim>> claims_;
  TaintedDevices devices_;
  std::set<std::string> planned_;  // uids of pods that are to go
  std::set<std::string> evicted_;  // uids of those that were told to
  component::metrics::Counter& deletions_ =
      deps_.families.counter("device_taint_eviction_controller_pod_deletions_total", "Pods that were deleted for a taint of a device.");
  component::metrics::Histogram& deletion_duration_ =
      deps_.families.histogram("device_taint_eviction_controller_pod_deletion_duration_seconds",
                               "Time from when a pod had to go until it was deleted.", pods::deletion_bounds);
  client::ControlLoop loop_;
};

void DeviceTaintEvictionController::follow() {
  claims_ = deps_.informers.of<ResourceClaim>();
  claims_->add_index(std::string(index_by_device), [](const ResourceClaim& claim) {
    std::vector<std::string> keys;
    if (!claim.status.allocation) return keys;
    for (const auto& result : claim.status.allocation->devices.results) keys.push_back(device_key(result.driver, result.pool, result.device));
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  });
  client::Informer<ResourceClaim>::Handler claims;
  claims.on_add = [this](const ClaimPtr& claim, bool) { look_at_consumers(*claim); };
  claims.on_update = [this](const ClaimPtr& before, const ClaimPtr& after) {
    look_at_consumers(*before);
    look_at_consumers(*after);
  };
  claims.on_delete = [this](const ClaimPtr& claim) { look_at_consumers(*claim); };
  claims_->add_handler(std::move(claims));

  client::Informer<ResourceSlice>::Handler slices;
  slices.on_add = [this](const SlicePtr& slice, bool) { look_at_devices(devices_.change(nullptr, slice)); };
  slices.on_update = [this](const SlicePtr& before, const SlicePtr& after) { look_at_devices(devices_.change(before, after)); };
  slices.on_delete = [this](const SlicePtr& slice) { look_at_devices(devices_.change(slice, nullptr)); };
  deps_.informers.of<ResourceSlice>().add_handler(std::move(slices));

  client::Informer<Pod>::Handler pods;
  pods.on_add = [this](const pods::PodPtr& pod, bool) {
    if (!pod->spec.resource_claims.empty()) look_at(*pod);
  };
  pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
    const auto same = [](const auto& a, const auto& b) { return a.name == b.name && a.resource_claim_name == b.resource_claim_name; };
    if (after->spec.resource_claims.empty() ||
        (before->spec.node_name == after->spec.node_name &&
         std::ranges::equal(before->status.resource_claim_statuses, after->status.resource_claim_statuses, same)))
      return;
    look_at(*after);
  };
  pods.on_delete = [this](const pods::PodPtr& pod) {
    planned_.erase(pod->metadata.uid);
    evicted_.erase(pod->metadata.uid);
  };
  deps_.pods.informer().add_handler(std::move(pods));
}

rt::Task<Result<Unit>> DeviceTaintEvictionController::evict(rt::Context ctx, pods::PodPtr pod, rt::WallTime due) {
  deps_.events.normal(*pod, "DeviceTaintManagerEviction", "Marking for deletion");
  pods::Disruption why{"DeletionByDeviceTaintManager", "Device Taint manager: deleting due to NoExecute taint", false};
  CO_TRY(co_await pods::mark_disrupted(deps_.client, ctx, pod, std::move(why), deps_.runtime.clock().wall_now()));
  client::DeleteOptions options;
  options.precondition_uid = pod->metadata.uid;
  auto done = co_await deps_.client.remove<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) co_return Unexpected(std::move(done).error());
  evicted_.insert(pod->metadata.uid);
  if (done) {
    deletions_.add();
    deletion_duration_.observe(rt::seconds(deps_.runtime.clock().wall_now() - due));
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> DeviceTaintEvictionController::sync(rt::Context ctx, std::string key) {
  const pods::PodPtr pod = deps_.pods.get(key);
  if (!pod || pod->metadata.deletion_timestamp || evicted_.contains(pod->metadata.uid)) co_return Unit{};
  const auto find = [&](const std::string& name) { return claims_->get(pod->metadata.namespace_, name); };
  const auto when = eviction_time(*pod, find, devices_);
  if (!when) {
    if (planned_.erase(pod->metadata.uid) > 0) deps_.events.normal(*pod, "DeviceTaintManagerEviction", "Cancelling deletion");
    co_return Unit{};
  }
  planned_.insert(pod->metadata.uid);
  const rt::Duration wait = *when - deps_.runtime.clock().wall_now();
  if (wait > rt::Duration::zero()) {
    loop_.queue().add_after(key, wait);
    co_return Unit{};
  }
  co_return co_await evict(std::move(ctx), pod, *when);
}

}  // namespace

std::unique_ptr<Controller> make_device_taint_eviction_controller(ControllerDeps deps) {
  return std::make_unique<DeviceTaintEvictionController>(std::move(deps));
}

}  // namespace pintle::controller::device_taint_eviction

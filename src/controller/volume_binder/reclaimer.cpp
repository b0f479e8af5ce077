#include "controller/volume_binder/reclaimer.h"

#include "controller/framework/host_directories.h"
#include "controller/pods/pod_store.h"

namespace pintle::controller::volume_binder {

using api::core_v1::Pod;
using Action = ReclaimPlan::Action;

namespace {

constexpr std::string_view recycler_prefix = "recycler-for-";
constexpr auto pod_look_period = std::chrono::seconds(60);  // at a pod of which nothing is heard

bool is_missing(const Result<Unit>& removed) { return !removed && removed.error().reason == Reason::NotFound; }

}  // namespace

VolumeReclaimer::VolumeReclaimer(ControllerDeps deps, client::WorkQueue& volumes) : deps_(std::move(deps)), volumes_(volumes) {
  deps_.pods.informer().on_any([this](const Pod& pod) { pod_changed(pod); });
}

void VolumeReclaimer::pod_changed(const Pod& pod) {
  if (operations_.empty() || !pod.metadata.name.starts_with(recycler_prefix)) return;
  const auto it = operations_.find(pod.metadata.name.substr(recycler_prefix.size()));
  if (it != operations_.end()) it->second->pod_changed.set();
}

std::optional<Result<Unit>> VolumeReclaimer::progress(const VolumePtr& volume, Action action) {
  const std::string& name = volume->metadata.name;
  if (const auto it = operations_.find(name); it != operations_.end()) {
    if (!it->second->outcome) return std::nullopt;
    Result<Unit> outcome = std::move(*it->second->outcome);
    operations_.erase(it);
    not_before_.erase(name);
    if (!outcome) {
      not_before_[name] = deps_.runtime.clock().now() + reclaim_retry;
      volumes_.add_after(name, reclaim_retry);
    }
    return outcome;
  }
  if (action == Action::Remove && deps_.host_directories == nullptr) return std::nullopt;
  if (const auto it = not_before_.find(name); it != not_before_.end() && deps_.runtime.clock().now() < it->second) return std::nullopt;
  if (running_ >= reclaims_at_once_max) {
    waiting_.insert(name);
    return std::nullopt;
  }
  auto operation = std::make_shared<Operation>();
  operation->context = tasks_.context().child();
  operations_[name] = operation;
  ++running_;
  tasks_.spawn(run(volume, action, operation));
  return std::nullopt;
}

void VolumeReclaimer::abandon(const std::string& volume) {
  waiting_.erase(volume);
  not_before_.erase(volume);
  const auto it = operations_.find(volume);
  if (it == operations_.end()) return;
  it->second->context.cancel();
  operations_.erase(it);
}

rt::Task<void> VolumeReclaimer::stop() { co_await tasks_.close(); }

rt::Task<void> VolumeReclaimer::run(VolumePtr volume, Action action, std::shared_ptr<Operation> operation) {
  if (action == Action::Remove) {
    operation->outcome = co_await remove(operation->context, volume->spec.host_path->path);
  } else {
    operation->outcome = co_await recycle(volume, operation);
  }
  --running_;
  volumes_.add(volume->metadata.name);
  if (!waiting_.empty()) volumes_.add(waiting_.extract(waiting_.begin()).value());
}

// In slices, as others wait for the threads of blocking work.
rt::Task<Result<Unit>> VolumeReclaimer::remove(rt::Context ctx, std::string path) {
  while (!ctx.done()) {
    Result<Unit> removed = Unit{};
    rt::Clock& clock = deps_.runtime.clock();
    HostDirectories& directories = *deps_.host_directories;
    std::function<void()> work = [&removed, &clock, &directories, &path] {
      const rt::TimePoint until = clock.now() + removal_slice;
      removed = directories.remove(path, [&clock, until] { return clock.now() > until; });
    };
    co_await deps_.runtime.run_blocking(std::move(work));
    if (removed || removed.error().reason != Reason::Timeout) co_return removed;
  }
  co_return Unexpected(ctx.status());
}

rt::Task<Result<Unit>> VolumeReclaimer::recycle(VolumePtr volume, std::shared_ptr<Operation> operation) {
  rt::Context ctx = operation->context;
  Pod pod = recycler_pod(*volume, volume->spec.host_path ? deps_.options.hostpath_recycler : deps_.options.nfs_recycler);
  auto made = co_await deps_.client.create<Pod>(ctx, pod);
  if (!made && made.error().reason == Reason::AlreadyExists) co_return co_await replace_old_pod(ctx, std::move(pod));
  if (!made) co_return internal("Recycle failed: unexpected error creating recycler pod:  " + made.error().message);
  rt::Context hearing = ctx.child();
  tasks_.spawn(hear_events(hearing, volume, *made));
  const Result<Unit> ended = co_await wait_for_end(*made, operation);
  hearing.cancel();
  // Also of a volume that was abandoned: its operation is cancelled then, the group is not.
  const Result<Unit> removed = co_await deps_.client.remove<Pod>(tasks_.context(), made->metadata.namespace_, made->metadata.name);
  if (!ended) co_return internal("Recycle failed: failed to recycle volume: " + ended.error().message);
  if (!removed && !is_missing(removed)) co_return internal("Recycle failed: failed to delete recycler pod: " + removed.error().message);
  co_return Unit{};
}

// Of a manager before this one, or of a stranger who wants to keep the volume from being scrubbed: who knows.
rt::Task<Result<Unit>> VolumeReclaimer::replace_old_pod(rt::Context ctx, Pod pod) {
  const Result<Unit> removed = co_await deps_.client.remove<Pod>(std::move(ctx), pod.metadata.namespace_, pod.metadata.name);
  if (removed || is_missing(removed)) co_return internal("Recycle failed: old recycler pod found, will retry later");
  co_return internal("Recycle failed: failed to delete old recycler pod " + pod.metadata.namespace_ + "/" + pod.metadata.name + ": " +
                     removed.error().message);
}

rt::Task<Result<Unit>> VolumeReclaimer::wait_for_end(Pod pod, std::shared_ptr<Operation> operation) {
  const std::string key = client::object_key(pod.metadata.namespace_, pod.metadata.name);
  while (!operation->context.done()) {
    operation->pod_changed.reset();
    const pods::PodPtr is = deps_.pods.get(key);
    if (is != nullptr && is->metadata.uid == pod.metadata.uid) {
      if (is->status.phase == "Succeeded") co_return Unit{};
      if (is->status.phase == "Failed")
        co_return internal(is->status.message.empty() ? "pod failed, pod.Status.Message unknown" : is->status.message);
    } else if (deps_.pods.informer().any().reflects(pod.metadata.resource_version)) {
      co_return internal("recycler pod was deleted");
    }
    rt::Context round = operation->context.with_timeout(pod_look_period);
    (void)co_await operation->pod_changed.wait(round);
  }
  co_return Unexpected(operation->context.status());
}

rt::Task<void> VolumeReclaimer::hear_events(rt::Context ctx, VolumePtr volume, Pod pod) {
  using api::core_v1::Event;
  client::WatchOptions options;
  options.namespace_name = pod.metadata.namespace_;
  options.field_selector = "involvedObject.uid=" + pod.metadata.uid;
  auto watch = co_await deps_.client.watch_objects(ctx, client::resource_of<Event>(), api::type_of<Event>(), std::move(options));
  if (!watch) co_return;
  while (true) {
    const auto heard = co_await (*watch)->next(ctx);
    if (!heard) co_return;
    if (heard->type != client::EventType::Added) continue;
    const Event& event = heard->object.as<Event>();
    std::string message = "Recycler pod: " + event.message;
    if (event.type == "Warning") {
      deps_.events.warning(*volume, "RecyclerPod", std::move(message));
    } else {
      deps_.events.normal(*volume, "RecyclerPod", std::move(message));
    }
  }
}

}  // namespace pintle::controller::volume_binder

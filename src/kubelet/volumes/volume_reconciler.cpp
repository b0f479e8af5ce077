#include "kubelet/volumes/volume_reconciler.h"

#include <algorithm>

#include "base/check.h"
#include "component/log.h"

namespace pintle::kubelet::volumes {

namespace {

constexpr rt::BackoffOptions step_retry{
    .initial = std::chrono::milliseconds(500), .max = std::chrono::seconds(122), .factor = 2.0, .jitter = 0.0, .tries_max = 0};

std::string step_name(const VolumeStep& step) {
  static constexpr std::string_view kinds[] = {"stage", "publish", "unpublish", "unstage"};
  std::string out(kinds[static_cast<int>(step.kind)]);
  return step.pod_uid.empty() ? out : out + " " + step.pod_uid;
}

VolumeOnDisk on_disk_of(const std::string& unique_name, const VolumeSpec& spec) { return {unique_name, spec.name(), spec.block}; }

bool undoes(StepKind kind) { return kind == StepKind::Unpublish || kind == StepKind::Unstage; }

}  // namespace

// A name may be given to another volume while what had it is still there: neither is the other's.
Result<Unit> VolumeReconciler::check_same(const Volume& there, const NodeVolume& known, const PodVolume& volume, const VolumePluginPtr& plugin) {
  const VolumeTraits traits = *plugin->traits(volume.spec);
  const std::string source = plugin->source(volume.spec);
  const bool same = there.plugin == plugin && there.on_disk.block == volume.spec.block && known.traits.staged == traits.staged &&
                    (there.source.empty() || there.source == source);
  if (same) return Unit{};
  return error(Reason::Conflict, "another volume of this name is still in use on this node");
}

Result<const MountedVolume*> VolumeReconciler::want(const PodVolume& volume, const VolumePluginPtr& plugin) {
  const std::string& uid = volume.pod->metadata.uid;
  const std::string name = plugin->unique_name(volume.spec, uid);
  const VolumeTraits traits = *plugin->traits(volume.spec);
  auto it = volumes_.find(name);
  if (it != volumes_.end()) TRY(check_same(it->second, *nodes_.find(name), volume, plugin));
  nodes_.enter(name, traits);
  if (it == volumes_.end()) {
    it = volumes_.try_emplace(name).first;
    it->second.plugin = plugin;
    it->second.on_disk = on_disk_of(name, volume.spec);
  }
  Volume& known = it->second;
  known.source = plugin->source(volume.spec);
  if (const auto wish = known.wishes.find(uid); wish != known.wishes.end()) {
    wish->second.volume = volume;
    return wish->second.mounted ? &*wish->second.mounted : nullptr;
  }
  known.wishes.emplace(uid, Wish{volume, std::nullopt, false});
  known.wanted.push_back(uid);
  wanted_by_[uid].insert(name);
  nodes_.let_go(name, uid);
  // What an earlier process left counts as attachable until it is known.
  const bool told = traits.attachable ? in_use_.insert(name).second : in_use_.erase(name) != 0;
  if (told && deps_.in_use_changed) deps_.in_use_changed();
  proceed(name);
  return nullptr;
}

void VolumeReconciler::renew(const PodVolume& volume, const VolumePluginPtr& plugin) {
  const std::string& uid = volume.pod->metadata.uid;
  const std::string name = plugin->unique_name(volume.spec, uid);
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  const auto wish = it->second.wishes.find(uid);
  if (wish == it->second.wishes.end()) return;
  wish->second.volume = volume;
  nodes_.renew(name, uid);
  proceed(name);
}

void VolumeReconciler::retry(const VolumePlugin& plugin) {
  std::vector<std::string> names;
  for (const auto& [name, volume] : volumes_)
    if (volume.plugin.get() == &plugin) names.push_back(name);
  for (const std::string& name : names) {
    nodes_.end_backoffs(name);
    proceed(name);
  }
}

bool VolumeReconciler::is_unattached(const PodVolume& volume, const VolumePluginPtr& plugin) const {
  return plugin->traits(volume.spec)->attachable && !attached_.contains(plugin->unique_name(volume.spec, volume.pod->metadata.uid));
}

rt::Task<Result<Unit>> VolumeReconciler::release(rt::Context ctx, std::string pod_uid) {
  std::set<std::string, std::less<>> touched = nodes_.of_pod(pod_uid);
  if (const auto wanted = wanted_by_.find(pod_uid); wanted != wanted_by_.end()) {
    for (const std::string& name : wanted->second) {
      Volume& volume = volumes_.at(name);
      volume.wishes.erase(pod_uid);
      std::erase(volume.wanted, pod_uid);
      if (const auto publishing = volume.publishing.find(pod_uid); publishing != volume.publishing.end()) publishing->second.cancel();
      touched.insert(name);
    }
    wanted_by_.erase(wanted);
  }
  std::shared_ptr<Release>& slot = releases_[pod_uid];
  if (!slot) slot = std::make_shared<Release>();
  const std::shared_ptr<Release> waiting = slot;
  waiting->failed.reset();
  for (const std::string& name : touched) {
    if (!nodes_.find(name)) continue;
    nodes_.let_go(name, pod_uid);
    proceed(name);
  }
  while (!nodes_.of_pod(pod_uid).empty()) {
    waiting->changed.reset();
    CO_TRY(co_await waiting->changed.wait(ctx));
    if (waiting->failed) co_return Unexpected(*waiting->failed);
  }
  releases_.erase(pod_uid);
  co_return Unit{};
}

void VolumeReconciler::adopt(const VolumePluginPtr& plugin, const VolumeOnDisk& volume, bool staged, std::optional<std::string> pod_uid) {
  const VolumeTraits traits = plugin->traits_before(volume);
  if (const NodeVolume* there = nodes_.find(volume.unique_name);
      there && (there->traits.attachable != traits.attachable || there->traits.staged != traits.staged)) {
    component::log::error("Two different volumes of one name are left on this node; what a pod has of the second goes with the pod's directory",
                          {{"volume", volume.unique_name}});
    return;
  }
  Volume& known = volumes_[volume.unique_name];
  if (!known.plugin) {
    known.plugin = plugin;
    known.on_disk = volume;
  }
  std::vector<std::string> pods;
  if (pod_uid) {
    known.there[*pod_uid] = volume;
    pods.push_back(*pod_uid);
  }
  nodes_.adopt(volume.unique_name, traits, staged, pods);
  if (traits.attachable) in_use_.insert(volume.unique_name);
}

void VolumeReconciler::adopted() {
  std::vector<std::string> names;
  for (const auto& [name, volume] : volumes_) names.push_back(name);
  for (const std::string& name : names) proceed(name);
}

void VolumeReconciler::set_attached(std::map<std::string, std::string> attached) {
  std::swap(attached_, attached);
  std::vector<std::string> changed;
  for (const auto& [name, path] : attached_)
    if (const auto before = attached.find(name); before == attached.end() || before->second != path) changed.push_back(name);
  for (const std::string& name : changed) proceed(name);
}

void VolumeReconciler::proceed(const std::string& name) {
  if (tasks_.context().done()) return;
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  const VolumePlan next = plan(*nodes_.find(name), it->second.wanted, attached_.contains(name));
  tell_waits(name, next);
  if (next.forget) return forget(name);
  for (const VolumeStep& step : next.steps) tasks_.spawn(run(name, step, begin(name, step)));
}

void VolumeReconciler::tell_waits(const std::string& name, const VolumePlan& next) {
  Volume& volume = volumes_.at(name);
  for (auto& [uid, wish] : volume.wishes) {
    const auto why = next.waits.find(uid);
    const bool other = why != next.waits.end() && why->second == WaitsFor::OtherPod;
    if (other && !std::exchange(wish.told_of_other, true))
      warn(wish, wish.volume.spec.block ? "MapVolume.SetUpDevice" : "MountVolume.SetUp",
           {Reason::Conflict, 0, "volume uses the ReadWriteOncePod access mode and is already in use by another pod", {}});
  }
}

void VolumeReconciler::forget(const std::string& name) {
  nodes_.forget(name);
  volumes_.erase(name);
  if (in_use_.erase(name) != 0 && deps_.in_use_changed) deps_.in_use_changed();
}

VolumeReconciler::StepInput VolumeReconciler::begin(const std::string& name, const VolumeStep& step) {
  nodes_.begin(name, step);
  Volume& volume = volumes_.at(name);
  StepInput out{tasks_.context(), volume.plugin, {}, {}, {}};
  switch (step.kind) {
    case StepKind::Stage:
      out.wanted = volume.wishes.at(volume.wanted.front()).volume;
      if (const auto path = attached_.find(name); path != attached_.end()) out.attached_path = path->second;
      break;
    case StepKind::Publish:
      out.wanted = volume.wishes.at(step.pod_uid).volume;
      volume.there[step.pod_uid] = on_disk_of(name, out.wanted.spec);
      out.ctx = tasks_.context().child();
      volume.publishing.insert_or_assign(step.pod_uid, out.ctx);
      break;
    case StepKind::Unpublish: out.there = volume.there.at(step.pod_uid); break;
    case StepKind::Unstage: out.there = volume.on_disk; break;
  }
  return out;
}

// plan() forgets no volume of which a step runs.
rt::Task<void> VolumeReconciler::run(std::string name, VolumeStep step, StepInput input) {
  const rt::Context ctx = input.ctx;
  Published out;
  switch (step.kind) {
    case StepKind::Stage: out.end = co_await input.plugin->stage(ctx, std::move(input.wanted.spec), std::move(input.attached_path)); break;
    case StepKind::Publish: out = co_await input.plugin->publish(ctx, std::move(input.wanted)); break;
    case StepKind::Unpublish: out.end = co_await input.plugin->unpublish(ctx, std::move(input.there), step.pod_uid); break;
    case StepKind::Unstage: out.end = co_await input.plugin->unstage(ctx, std::move(input.there)); break;
  }
  ended(name, step, std::move(out));
}

void VolumeReconciler::ended(const std::string& name, const VolumeStep& step, Published end) {
  Volume& volume = volumes_.at(name);
  const bool done = end.end.outcome == Outcome::Done;
  nodes_.end(name, step, end.end.outcome);
  if (done)
    volume.backoffs.erase(step_name(step));
  else
    failed(name, step, end.end);
  if (step.kind == StepKind::Publish) volume.publishing.erase(step.pod_uid);
  if (done && step.kind == StepKind::Unpublish) volume.there.erase(step.pod_uid);
  const auto wish = volume.wishes.find(step.pod_uid);
  const bool is_ready = done && step.kind == StepKind::Publish && wish != volume.wishes.end();
  if (is_ready) wish->second.mounted = std::move(end.volume);
  proceed(name);
  if (is_ready) deps_.ready(step.pod_uid);
  if (step.pod_uid.empty()) return;
  std::optional<Status> why;
  if (!done && step.kind == StepKind::Unpublish) why = std::move(end.end.why);
  tell_release(step.pod_uid, std::move(why));
}

void VolumeReconciler::failed(const std::string& name, const VolumeStep& step, const StepEnd& end) {
  if (tasks_.context().done()) return;
  Volume& volume = volumes_.at(name);
  auto& backoff = volume.backoffs.try_emplace(step_name(step), step_retry).first->second;
  tasks_.spawn(end_backoff(name, step, backoff.next(deps_.runtime.random())));
  if (undoes(step.kind)) {
    component::log::error("Failed to undo a volume", {{"volume", name}, {"step", step_name(step)}, {"err", end.why.message}});
    return;
  }
  for (const auto& [uid, wish] : volume.wishes)
    if (step.kind == StepKind::Stage || uid == step.pod_uid) warn(wish, end.part, end.why);
}

void VolumeReconciler::warn(const Wish& wish, std::string_view part, const Status& why) const {
  const VolumeSpec& spec = wish.volume.spec;
  deps_.warn(*wish.volume.pod, spec.block ? "FailedMapVolume" : "FailedMount", step_error(part, spec, why).message);
}

rt::Task<void> VolumeReconciler::end_backoff(std::string name, VolumeStep step, rt::Duration wait) {
  const auto slept = co_await rt::sleep_for(tasks_.context(), wait);
  if (!slept) co_return;
  nodes_.end_backoff(name, step);
  proceed(name);
}

void VolumeReconciler::tell_release(const std::string& pod_uid, std::optional<Status> failed) {
  const auto it = releases_.find(pod_uid);
  if (it == releases_.end()) return;
  if (failed) it->second->failed = std::move(failed);
  it->second->changed.set();
}

}  // namespace pintle::kubelet::volumes

#include "kubelet/volumes/volume_manager.h"

#include <algorithm>
#include <map>

#include "component/log.h"
#include "kubelet/volumes/ownership.h"
#include "kubelet/volumes/plugins/csi.h"
#include "kubelet/volumes/plugins/csi_layout.h"
#include "kubelet/volumes/plugins/group_owner.h"
#include "kubelet/volumes/plugins/local.h"
#include "kubelet/volumes/plugins/nfs.h"
#include "kubelet/volumes/plugins/pod_local.h"
#include "kubelet/volumes/plugins/projecting.h"
#include "kubelet/volumes/volume_files.h"
#include "kubelet/volumes/volume_kinds.h"
#include "kubelet/volumes/volume_reconciler.h"
#include "kubelet/volumes/volume_resolver.h"
#include "kubelet/volumes/volumes_left.h"
#include "rt/backoff.h"
#include "rt/sync.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

namespace {

// The API server lets a node see what its pods refer to, and learns of a new pod's node a moment after we do: what it forbids at first is
// asked for again at once, and only then told of.
constexpr int early_tries_max = 4;
constexpr rt::Duration early_retry = std::chrono::milliseconds(50);
// How long a removal holds a thread at once.
constexpr rt::Duration removal_slice = std::chrono::milliseconds(200);
constexpr rt::Duration space_wait_max = std::chrono::seconds(10);
constexpr rt::Duration retry_initial = std::chrono::milliseconds(500);
constexpr rt::Duration retry_max = std::chrono::seconds(122);

// A pod whose volumes are wanted.
struct PodVolumes {
  PodPtr pod;
  std::map<std::string, MountedVolume, std::less<>> made;  // by the volume's name
  std::map<std::string, VolumeSpec, std::less<>> wanted;   // of the reconciler, by the volume's name
  MountedVolumes mounted;                                  // in the pod's order
  bool ready = false;
  bool following = false;
  bool tended = false;
  std::unique_ptr<PodTokens> tokens;
  std::unique_ptr<PodTokens> driver_tokens;  // for storage drivers: fetched when they are asked, whenever that is
  rt::Event changed;                         // an object that it refers to, or the pod itself: for the follower
  rt::Event appeared;                        // the same, for who prepares
  rt::AsyncMutex working;                    // one at a time makes or removes
  rt::TaskGroup tasks;                       // the follower

  void tell() {
    changed.set();
    appeared.set();
  }
  bool has_all() const {
    return std::ranges::all_of(used_volumes(pod->spec), [&](std::string_view name) { return made.contains(name); });
  }
};
using PodVolumesPtr = std::shared_ptr<PodVolumes>;

// Volumes that could not be made.
struct Missing {
  std::vector<std::string> names;
  std::vector<std::string> unattached;  // of them
  std::vector<std::string> unresolved;  // of them: it is not known what is to be mounted, or the pod may not have it
  std::vector<std::string> reasons;     // of the unresolved, those to tell of
  std::size_t pending = 0;              // of them: what they wait for wakes their pod
  bool forbidden = true;                // none for another reason

  void wait_for(const std::string& name) {
    names.push_back(name);
    ++pending;
    forbidden = false;
  }
  void add(const std::string& name, const Status& why) {
    names.push_back(name);
    forbidden = forbidden && why.reason == Reason::Forbidden;
  }
};

bool follows_api(const core::Pod& pod) {
  for (const core::Volume& volume : pod.spec.volumes)
    if (kubelet::volumes::follows_api(kind_of(volume))) return true;
  return false;
}

bool same_metadata(const core::Pod& a, const core::Pod& b) {
  return a.metadata.labels == b.metadata.labels && a.metadata.annotations == b.metadata.annotations;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) out.append(i == 0 ? "" : between).append(words[i]);
  return out;
}

// As upstream prints lists: sorted.
std::string bracketed(std::vector<std::string> names) {
  std::ranges::sort(names);
  return "[" + joined(names, " ") + "]";
}

// As upstream says what a pod waits for.
std::string waits_for(const Missing& missing, std::string_view why) {
  return "unmounted volumes=" + bracketed(missing.names) + ", unattached volumes=" + bracketed(missing.unattached) +
         ", failed to process volumes=" + bracketed(missing.unresolved) + ": " + std::string(why);
}

plugins::CsiDeps csi_deps(const VolumeManagerDeps& deps, std::shared_ptr<plugins::GroupOwner> owner) {
  plugins::CsiDeps out{deps.runtime, deps.client, deps.paths, deps.node_name, {}, std::move(owner), {}};
  if (deps.csi) {
    out.drivers = *deps.csi;
  } else {
    out.drivers.driver = [](std::string_view) { return nullptr; };
    out.drivers.object = [](std::string_view) { return nullptr; };
    out.drivers.objects_known = [] { return true; };
  }
  out.tell = [warn = deps.warn, tell = deps.tell](const core::Pod& pod, bool warning, std::string_view reason, const std::string& message) {
    const auto& told = warning ? warn : tell;
    if (told) told(pod, reason, message);
  };
  return out;
}

VolumePlugins make_plugins(const VolumeManagerDeps& deps) {
  const auto owner = std::make_shared<plugins::GroupOwner>(deps.runtime);
  const auto allocatable = [asked = deps.node_allocatable] { return asked ? asked() : FlatMap<api::Quantity>(); };
  VolumePlugins out;
  for (const VolumePluginPtr& plugin : deps.more_plugins) out.add(plugin);
  out.add(plugins::make_empty_dir_plugin({deps.runtime, deps.paths, allocatable}));
  out.add(plugins::make_host_path_plugin(deps.runtime));
  out.add(plugins::make_image_plugin());
  for (VolumePluginPtr& plugin : plugins::make_projecting_plugins({deps.runtime, deps.paths, deps.objects, allocatable})) out.add(std::move(plugin));
  out.add(plugins::make_local_plugin({deps.runtime, deps.paths, owner}));
  out.add(plugins::make_nfs_plugin({deps.runtime, deps.paths}));
  out.add(plugins::make_csi_plugin(csi_deps(deps, owner)));
  return out;
}

// Attached, with its path; said by this node to be in use before: what a controller saw, it does not detach.
std::map<std::string, std::string> attached_and_in_use(const core::Node& node) {
  std::map<std::string, std::string> out;
  const auto& in_use = node.status.volumes_in_use;
  for (const core::AttachedVolume& volume : node.status.volumes_attached)
    if (std::ranges::find(in_use, volume.name) != in_use.end()) out.emplace(volume.name, volume.device_path);
  return out;
}

class Manager final : public VolumeManager {
 public:
  explicit Manager(VolumeManagerDeps deps) : deps_(std::move(deps)), plugins_(make_plugins(deps_)), reconciler_(reconciler_deps()) {
    if (deps_.objects) deps_.objects->on_change([this](const std::vector<std::string>& uids) { wake(uids); });
  }

  rt::Task<Result<Unit>> prepare(rt::Context ctx, PodPtr pod) override {
    CO_TRY(co_await read_disk(ctx));
    PodVolumesPtr state = enter(pod);
    if (state->ready) {
      update(std::move(pod));
      if (state->has_all()) co_return Unit{};  // an ephemeral container may mount what none did
    }
    rt::Backoff backoff({.initial = retry_initial, .max = retry_max, .factor = 2.0, .jitter = 0.0, .tries_max = 0});
    for (int tried = 0;; ++tried) {
      const bool early = tried < early_tries_max;
      state->appeared.reset();
      if (!state->following) state->changed.reset();  // what was changed until now is made as it is now
      auto missing = co_await make_missing(ctx, state, early);
      if (!missing) co_return Unexpected(std::move(missing).error());
      if (missing->names.empty()) break;
      rt::Context until = ctx;
      if (missing->pending < missing->names.size())
        until = ctx.with_timeout(early && missing->forbidden ? early_retry : backoff.next(runtime().random()));
      if (const auto woken = co_await state->appeared.wait(until); !woken && ctx.done()) co_return unmounted(*missing, ctx.status());
    }
    settle(*state);
    co_return Unit{};
  }

  void update(PodPtr pod) override {
    const auto it = pods_.find(pod->metadata.uid);
    if (it == pods_.end()) return;
    PodVolumes& state = *it->second;
    const bool differs = !same_metadata(*state.pod, *pod);
    if (deps_.objects && state.pod != pod) deps_.objects->add_pod(*pod);
    state.pod = std::move(pod);
    if (differs) state.tell();
  }

  const MountedVolumes* mounted(std::string_view pod_uid) const override {
    const auto it = pods_.find(pod_uid);
    return it == pods_.end() || !it->second->ready ? nullptr : &it->second->mounted;
  }

  rt::Task<Result<Unit>> tear_down(rt::Context ctx, std::string pod_uid) override {
    CO_TRY(co_await read_disk(ctx));
    PodVolumesPtr state;
    rt::AsyncMutex::Lock lock;
    if (const auto it = pods_.find(pod_uid); it != pods_.end()) {
      state = it->second;
      state->ready = false;
      co_await state->tasks.close();
      CO_TRY_ASSIGN(lock, co_await state->working.lock(ctx));
    }
    Result<Unit> removed = co_await let_go(ctx, pod_uid);
    if (removed) removed = co_await remove_directory(ctx, pod_uid);
    if (!removed) {
      component::log::error("Failed to remove the volumes of a pod", {{"podUID", pod_uid}, {"err", removed.error().message}});
      co_return removed;
    }
    if (const auto it = pods_.find(pod_uid); it != pods_.end() && it->second == state) pods_.erase(it);
    if (deps_.objects) deps_.objects->remove_pod(pod_uid);
    co_return Unit{};
  }

  std::vector<std::string> pods_on_disk() const override {
    auto names = list_names(deps_.paths.pods());
    return names ? std::move(*names) : std::vector<std::string>();
  }

  rt::Task<void> stop() override {
    stopped_ = true;
    co_await tasks_.close();
    const auto pods = pods_;
    for (const auto& [uid, state] : pods) co_await state->tasks.close();
    co_await reconciler_.stop();
  }

  void node_changed(const core::Node& node) override {
    const bool relabelled = !node_labels_ || *node_labels_ != node.metadata.labels;
    if (relabelled) node_labels_ = node.metadata.labels;
    reconciler_.set_attached(attached_and_in_use(node));
    if (!relabelled) return;
    for (const auto& [uid, state] : pods_)
      if (!state->ready) state->appeared.set();
  }

  std::optional<std::vector<std::string>> volumes_in_use() const override {
    if (!disk_read_) return std::nullopt;
    const auto& names = reconciler_.in_use();
    return std::vector<std::string>(names.begin(), names.end());
  }

  void plugins_changed() override {
    for (const VolumePluginPtr& plugin : plugins_.all())
      if (plugin->name() == plugins::csi_plugin_name) reconciler_.retry(*plugin);
    for (const auto& [uid, state] : pods_)
      if (!state->ready) state->appeared.set();
  }

  rt::Task<std::vector<VolumeUsage>> usage(rt::Context ctx) override {
    std::vector<VolumeUsage> out;
    const auto pods = pods_;  // pods come and go meanwhile
    for (const auto& [uid, state] : pods) {
      const MountedVolumes mounted = state->ready ? state->mounted : MountedVolumes();
      for (const MountedVolume& volume : mounted) {
        if (ctx.done()) co_return out;
        auto one = co_await usage_of(ctx, state->pod, state, volume);
        if (one) out.push_back(std::move(*one));
      }
    }
    co_return out;
  }

  void start() override { tasks_.spawn(read_disk_first(tasks_.context())); }

 private:
  rt::Runtime& runtime() const { return deps_.runtime; }

  VolumeReconcilerDeps reconciler_deps() {
    VolumeReconcilerDeps out{runtime(), {}, {}, {}};
    out.warn = [this](const core::Pod& pod, std::string_view event, const std::string& message) { warn(pod, event, message); };
    out.ready = [this](const std::string& uid) {
      if (const auto it = pods_.find(uid); it != pods_.end()) it->second->appeared.set();
    };
    out.in_use_changed = [this] {
      if (deps_.in_use_changed) deps_.in_use_changed();
    };
    return out;
  }

  rt::Task<void> read_disk_first(rt::Context ctx) { (void)co_await read_disk(std::move(ctx)); }

  rt::Task<Result<Unit>> read_disk(rt::Context ctx) {
    if (disk_read_) co_return Unit{};
    CO_TRY_ASSIGN(const rt::AsyncMutex::Lock lock, co_await reading_disk_.lock(ctx));
    if (disk_read_) co_return Unit{};
    std::vector<LeftVolume> left;
    co_await runtime().run_blocking([&] { left = volumes_left(deps_.paths, plugins_); });
    for (LeftVolume& volume : left) reconciler_.adopt(volume.plugin, volume.on_disk, volume.staged, std::move(volume.pod_uid));
    disk_read_ = true;
    reconciler_.adopted();
    if (deps_.in_use_changed && !reconciler_.in_use().empty()) deps_.in_use_changed();
    co_return Unit{};
  }

  // What its containers had of volumes goes first: sub-paths are mounts of the same.
  rt::Task<Result<Unit>> let_go(rt::Context ctx, std::string pod_uid) {
    const std::string subpaths = deps_.paths.subpaths(pod_uid);
    Result<Unit> unmounted = Unit{};
    co_await runtime().run_blocking([&] { unmounted = unmount_all(subpaths); });
    if (!unmounted) co_return unmounted;
    co_return co_await reconciler_.release(std::move(ctx), std::move(pod_uid));
  }

  // A slice at a time: however much a pod leaves, the threads for blocking work are there for others between.
  rt::Task<Result<Unit>> remove_directory(rt::Context ctx, std::string pod_uid) {
    const Paths& paths = deps_.paths;
    const rt::Clock& clock = runtime().clock();
    while (true) {
      Result<Unit> removed = Unit{};
      co_await runtime().run_blocking([&] {
        const rt::TimePoint until = clock.now() + removal_slice;
        removed = remove_pod_directory(paths, pod_uid, [&] { return clock.now() >= until; });
      });
      if (removed || removed.error().reason != Reason::Timeout || ctx.done()) co_return removed;
    }
  }

  PodVolumesPtr enter(const PodPtr& pod) {
    PodVolumesPtr& state = pods_[pod->metadata.uid];
    if (!state) {
      state = std::make_shared<PodVolumes>();
      state->pod = pod;
      if (deps_.client) {
        state->tokens = std::make_unique<PodTokens>(runtime(), *deps_.client);
        state->driver_tokens = std::make_unique<PodTokens>(runtime(), *deps_.client);
      }
      if (deps_.objects) deps_.objects->add_pod(*pod);
    }
    return state;
  }

  void wake(const std::vector<std::string>& uids) {
    for (const std::string& uid : uids)
      if (const auto it = pods_.find(uid); it != pods_.end()) it->second->tell();
  }

  // Makes what is not made yet. `early`: what is forbidden is not told of. Error: `ctx` is done.
  rt::Task<Result<Missing>> make_missing(rt::Context ctx, PodVolumesPtr state, bool early) {
    CO_TRY_ASSIGN(const rt::AsyncMutex::Lock lock, co_await state->working.lock(ctx));
    const PodPtr pod = state->pod;
    Missing missing;
    const std::set<std::string_view> used = used_volumes(pod->spec);
    for (const core::Volume& volume : pod->spec.volumes) {
      if (state->made.contains(volume.name) || !used.contains(volume.name)) continue;
      co_await make_one(ctx, state, pod, volume, early, missing);
      if (ctx.done()) co_return std::move(missing);
    }
    if (!missing.reasons.empty())
      warn(*pod, "FailedMount", "Unable to attach or mount volumes: " + waits_for(missing, joined(missing.reasons, "; ")));
    co_return std::move(missing);
  }

  // A component of make_missing(), which waits for it.
  rt::Task<void> make_one(rt::Context ctx, PodVolumesPtr state, PodPtr pod, const core::Volume& volume, bool early, Missing& missing) {
    if (const auto known = state->wanted.find(volume.name); known != state->wanted.end()) {
      want(*state, pod, known->second, missing);
      co_return;
    }
    auto spec = co_await resolve_volume(ctx, deps_.client, pod, volume);
    if (!spec) {
      refuse(volume, std::move(spec).error(), early, missing);
      co_return;
    }
    const VolumePluginPtr plugin = plugins_.find(*spec);
    if (!plugin) {
      refuse(volume, unsupported(*spec), early, missing);
      co_return;
    }
    const bool node_unknown = spec->persistent && spec->persistent->spec.node_affinity && !node_labels_;
    if (node_unknown || !plugin->is_ready()) {
      missing.wait_for(volume.name);  // until node_changed(), or plugins_changed()
      co_return;
    }
    const char* event = spec->block ? "FailedMapVolume" : "FailedMount";
    Result<MountedVolume> made = MountedVolume{};
    if (auto refused = check(*plugin, *spec); !refused) {
      made = Unexpected(std::move(refused).error());
    } else if (plugin->traits(*spec)) {
      want(*state, pod, *spec, missing);
      co_return;
    } else {
      made = co_await make(ctx, plugin, pod, std::move(*spec), state->tokens.get());
    }
    if (made) {
      state->made[volume.name] = std::move(*made);
      co_return;
    }
    missing.add(volume.name, made.error());
    if (ctx.done() || (early && made.error().reason == Reason::Forbidden)) co_return;
    warn(*pod, event, made.error().message);
  }

  // One that the reconciler makes; it tells of what fails.
  void want(PodVolumes& state, const PodPtr& pod, const VolumeSpec& spec, Missing& missing) {
    const std::string& name = spec.entry->name;
    const PodVolume volume{pod, spec, state.tokens.get(), state.driver_tokens.get()};
    const VolumePluginPtr plugin = plugins_.find(spec);
    const auto ready = reconciler_.want(volume, plugin);
    if (!ready) {
      const Status why = step_error(spec.block ? "MapVolume.SetUpDevice" : "MountVolume.SetUp", spec, ready.error());
      missing.add(name, why);
      return warn(*pod, spec.block ? "FailedMapVolume" : "FailedMount", why.message);
    }
    state.wanted.insert_or_assign(name, spec);
    if (!*ready) {
      if (reconciler_.is_unattached(volume, plugin)) missing.unattached.push_back(name);
      return missing.wait_for(name);
    }
    MountedVolume& made = state.made[name] = **ready;
    made.name = name;  // the pod may have it under two
    made.gid = volume_gid(spec);
  }

  // Error: what the event says.
  Result<Unit> check(const VolumePlugin& plugin, const VolumeSpec& spec) const {
    const auto failed = [&](std::string_view part, Status why) { return Unexpected(step_error(part, spec, std::move(why))); };
    if (const auto reached = check_node_affinity(spec, node_labels_ ? *node_labels_ : FlatMap<std::string>()); !reached)
      return failed(spec.block ? "MapVolume.NodeAffinity check" : "MountVolume.NodeAffinity check", reached.error());
    if (spec.block && !plugin.maps_devices())
      return failed("MapVolume.SetUpDevice", {Reason::Invalid, 0, "raw block volumes are not supported for this volume type", {}});
    if (!spec.mount_options.empty() && !plugin.takes_mount_options())
      return failed("MountVolume.MountOptionSupport check", {Reason::Invalid, 0, "mount options are not supported for this volume type", {}});
    return Unit{};
  }

  static void refuse(const core::Volume& volume, Status why, bool early, Missing& missing) {
    missing.add(volume.name, why);
    missing.unresolved.push_back(volume.name);
    if (!early || why.reason != Reason::Forbidden) missing.reasons.push_back(std::move(why.message));
  }

  // Error: what the event says (`MountVolume.SetUp failed for volume "a" : ...`).
  rt::Task<Result<MountedVolume>> make(rt::Context ctx, VolumePluginPtr plugin, PodPtr pod, VolumeSpec spec, PodTokens* tokens) {
    PodVolume volume{std::move(pod), std::move(spec), tokens, nullptr};
    Published made = co_await plugin->publish(std::move(ctx), volume);
    if (made.end.outcome != Outcome::Done) co_return Unexpected(step_error(made.end.part, volume.spec, std::move(made.end.why)));
    made.volume.gid = volume_gid(volume.spec);
    co_return std::move(made.volume);
  }

  void warn(const core::Pod& pod, std::string_view event, const std::string& message) const {
    component::log::info(1, message, {{"pod", pod.metadata.namespace_ + "/" + pod.metadata.name}});
    if (deps_.warn) deps_.warn(pod, event, message);
  }

  static Unexpected<Status> unmounted(const Missing& missing, const Status& why) {
    return error(why.reason, waits_for(missing, why.reason == Reason::Timeout ? "context deadline exceeded" : "context canceled"));
  }

  // Everything is made: containers may have it, and what follows the API is followed from now on.
  void settle(PodVolumes& state) {
    state.mounted.clear();
    for (const core::Volume& volume : state.pod->spec.volumes)
      if (const auto made = state.made.find(volume.name); made != state.made.end()) state.mounted.push_back(made->second);
    state.ready = true;
    const auto self = pods_.at(state.pod->metadata.uid);
    if (!stopped_ && !state.tended && look_wait(state)) {
      state.tended = true;
      state.tasks.spawn(tend(state.tasks.context(), self));
    }
    if (stopped_ || std::exchange(state.following, true) || !follows_api(*state.pod)) return;
    state.tasks.spawn(follow(state.tasks.context(), self));
  }

  rt::Task<std::optional<VolumeUsage>> usage_of(rt::Context ctx, PodPtr pod, PodVolumesPtr state, MountedVolume volume) {
    std::optional<VolumeUsage> out;
    const auto& entries = pod->spec.volumes;
    const auto entry = std::ranges::find(entries, volume.name, &core::Volume::name);
    if (entry == entries.end()) co_return out;
    const auto wanted = state->wanted.find(volume.name);
    if (wanted == state->wanted.end() && kind_of(*entry) == VolumeKind::Claim) co_return out;  // of a directory of the node
    VolumeSpec spec = wanted == state->wanted.end() ? resolve(pod, *entry) : wanted->second;
    const std::string claim = spec.claim ? spec.claim->metadata.name : std::string();
    const VolumePluginPtr plugin = plugins_.find(spec);
    if (!plugin) co_return out;
    auto space = co_await plugin->space(ctx.with_timeout(space_wait_max), std::move(spec), volume);
    if (!space || !*space) co_return out;
    out = VolumeUsage{pod->metadata.uid, pod->metadata.namespace_, volume.name, claim, runtime().clock().wall_now(), **space};
    co_return out;
  }

  // Until the claims of its volumes are to be looked at anew; nullopt: none of its volumes asks for it. As upstream, not of all pods at once.
  std::optional<rt::Duration> look_wait(const PodVolumes& state) const {
    std::optional<rt::Duration> out;
    for (const auto& [name, spec] : state.wanted)
      if (const auto every = plugins_.find(spec)->looked_at_every(spec); every && (!out || *every < *out)) out = every;
    if (out) *out += rt::Duration(static_cast<int64_t>(runtime().random().below(static_cast<uint64_t>(out->count() / 2))));
    return out;
  }

  // A node may not watch claims: what has changed of them is seen when they are looked at.
  rt::Task<void> tend(rt::Context ctx, PodVolumesPtr state) {
    while (const auto wait = look_wait(*state)) {
      const auto slept = co_await rt::sleep_for(ctx, *wait);
      if (!slept) co_return;
      co_await look_at_claims(ctx, state);
    }
    state->tended = false;
  }

  rt::Task<void> look_at_claims(rt::Context ctx, PodVolumesPtr state) {
    const PodPtr pod = state->pod;
    for (const core::Volume& volume : pod->spec.volumes) {
      const auto wanted = state->wanted.find(volume.name);
      if (wanted == state->wanted.end() || !plugins_.find(wanted->second)->looked_at_every(wanted->second)) continue;
      auto spec = co_await resolve_volume(ctx, deps_.client, pod, volume);
      if (ctx.done()) co_return;
      if (!spec) {
        component::log::info(1, "A volume cannot be looked at anew", {{"volume", volume.name}, {"err", spec.error().message}});
        continue;
      }
      const VolumePluginPtr plugin = plugins_.find(*spec);
      if (!plugin || !plugin->wants_renewal(*spec)) continue;
      state->wanted.insert_or_assign(volume.name, *spec);
      reconciler_.renew({pod, std::move(*spec), state->tokens.get(), state->driver_tokens.get()}, plugin);
    }
  }

  rt::Task<void> follow(rt::Context ctx, PodVolumesPtr state) {
    rt::Backoff backoff({.initial = retry_initial, .max = retry_max, .factor = 2.0, .jitter = 0.0, .tries_max = 0});
    std::optional<rt::TimePoint> again;
    while (!ctx.done()) {
      std::optional<rt::TimePoint> until = again;
      if (const auto due = state->tokens ? state->tokens->next_refresh() : std::nullopt; due && (!until || *due < *until)) until = due;
      const rt::Context bounded = until ? ctx.with_deadline(*until) : ctx;
      const auto woken = co_await state->changed.wait(bounded);
      if (!woken && ctx.done()) break;
      state->changed.reset();
      const auto updated = co_await bring_up_to_date(ctx, state);
      if (updated) {
        backoff.reset();
        again.reset();
      } else {
        again = runtime().clock().now() + backoff.next(runtime().random());
      }
    }
  }

  // Error: of one volume at least; its files are those of before.
  rt::Task<Result<Unit>> bring_up_to_date(rt::Context ctx, PodVolumesPtr state) {
    CO_TRY_ASSIGN(const rt::AsyncMutex::Lock lock, co_await state->working.lock(ctx));
    const PodPtr pod = state->pod;
    Result<Unit> out = Unit{};
    for (const core::Volume& volume : pod->spec.volumes) {
      if (!kubelet::volumes::follows_api(kind_of(volume)) || !state->made.contains(volume.name)) continue;
      VolumeSpec spec = resolve(pod, volume);
      VolumePluginPtr plugin = plugins_.find(spec);
      const auto made = co_await make(ctx, std::move(plugin), pod, std::move(spec), state->tokens.get());
      if (made) continue;
      if (ctx.done()) co_return Unexpected(ctx.status());
      warn(*pod, "FailedMount", made.error().message);
      out = Unexpected(made.error());
    }
    co_return out;
  }

  const VolumeManagerDeps deps_;
  const VolumePlugins plugins_;
  std::map<std::string, PodVolumesPtr, std::less<>> pods_;
  bool stopped_ = false;
  std::optional<FlatMap<std::string>> node_labels_;  // nullopt: the Node is not known
  bool disk_read_ = false;
  rt::AsyncMutex reading_disk_;
  VolumeReconciler reconciler_;
  rt::TaskGroup tasks_;
};

}  // namespace

std::unique_ptr<VolumeManager> make_volume_manager(VolumeManagerDeps deps) { return std::make_unique<Manager>(std::move(deps)); }

}  // namespace pintle::kubelet::volumes

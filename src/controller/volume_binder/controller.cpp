#include "controller/volume_binder/controller.h"

#include "api/codec.h"
#include "api/gen/storage_v1.h"
#include "client/work_queue.h"
#include "controller/framework/host_directories.h"
#include "controller/objects/time.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_store.h"
#include "controller/volume_binder/plan.h"
#include "controller/volume_binder/reclaimer.h"
#include "rt/uid.h"
#include "rules/pod_state.h"

namespace pintle::controller::volume_binder {

using api::storage_v1::StorageClass;
using ClaimPtr = std::shared_ptr<const PersistentVolumeClaim>;

namespace {

const Families::Labels claim_labels = {"namespace", "storage_class", "volume_attributes_class"};

class VolumeBinder final : public Controller {
 public:
  explicit VolumeBinder(ControllerDeps deps)
      : deps_(deps),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        volumes_(deps.informers.of<PersistentVolume>()),
        classes_(deps.informers.of<StorageClass>()),
        written_claims_(claims_),
        written_volumes_(volumes_),
        claim_loop_(deps.loop("claims"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }),
        volume_loop_(deps.loop("volumes"), [this](rt::Context ctx, std::string key) { return sync_volume(std::move(ctx), std::move(key)); }),
        reclaimer_(deps, volume_loop_.queue()) {
    count_all();
    watch_claims();
    watch_volumes();
    classes_.on_any([this](const StorageClass& one) { class_changed(one.metadata.name); });
  }
  // One claim at a time: two must not choose one volume.
  void start() override {
    reclaimer_.on_failure = on_failure;
    claim_loop_.start(1);
    volume_loop_.start(1);
  }
  rt::Task<void> stop() override {
    co_await claim_loop_.stop();
    co_await volume_loop_.stop();
    co_await reclaimer_.stop();
  }

 private:
  void count_all();
  void watch_claims();
  void watch_volumes();
  void claim_changed(const PersistentVolumeClaim& claim);
  void volume_changed(const PersistentVolume& volume);
  void class_changed(const std::string& name);
  static bool is_waiting(const PersistentVolumeClaim& claim) { return claim.spec.volume_name.empty() && !claim.metadata.deletion_timestamp; }
  static std::string key_of(const PersistentVolumeClaim& claim) { return client::object_key(claim.metadata.namespace_, claim.metadata.name); }
  ClaimPtr claim_named(const std::string& key) {
    const ClaimPtr claim = claims_.get(key);
    return claim ? written_claims_.newest(claim) : nullptr;
  }
  std::vector<VolumePtr> promised_to(const std::string& claim_key);
  VolumePtr volume_named(const std::string& name) {
    VolumePtr volume = volumes_.get(name);
    return volume ? written_volumes_.newest(volume) : nullptr;
  }
  bool waits_for_pod(const PersistentVolumeClaim& claim) {
    const auto found = classes_.get(class_of(claim));
    return found != nullptr && found->volume_binding_mode == "WaitForFirstConsumer" && !claim.metadata.annotations.contains(selected_node_annotation);
  }
  // Of a claim, or of a volume (its name has no '/') that is free and looks for one: both are the work of the one worker.
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> offer(rt::Context ctx, std::string name);
  rt::Task<Result<Unit>> sync_claim(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync_volume(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> release(rt::Context ctx, VolumePtr volume);
  rt::Task<Result<Unit>> unbind(rt::Context ctx, VolumePtr volume);
  rt::Task<Result<Unit>> remove(rt::Context ctx, VolumePtr volume);
  rt::Task<Result<Unit>> fail(rt::Context ctx, VolumePtr volume, std::string_view reason, std::string message);
  bool is_used(const PersistentVolume& volume);
  rt::Task<Result<Unit>> bind(rt::Context ctx, ClaimPtr claim, VolumePtr volume);
  rt::Task<Result<Unit>> set_class(rt::Context ctx, ClaimPtr claim, std::string name);
  rt::Task<Result<Unit>> ask_provisioner(rt::Context ctx, ClaimPtr claim);
  rt::Task<Result<Unit>> name_provisioner(rt::Context ctx, ClaimPtr claim, std::string provisioner);
  rt::Task<Result<Unit>> make_host_volume(rt::Context ctx, ClaimPtr claim, ClassPtr its);
  rt::Task<Result<Unit>> set_claim_phase(rt::Context ctx, ClaimPtr claim, std::string phase, VolumePtr volume);
  rt::Task<Result<Unit>> set_volume_phase(rt::Context ctx, VolumePtr volume, std::string phase, std::string message = "");

  ControllerDeps deps_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::Informer<PersistentVolume> volumes_;
  client::Informer<StorageClass> classes_;
  objects::Written<PersistentVolumeClaim> written_claims_;
  objects::Written<PersistentVolume> written_volumes_;
  FitIndex free_;                                // volumes, as the informer has them
  FitIndex waiting_;                             // claims that no pod has to come for first
  std::map<std::string, std::string> promised_;  // by claim: the volume that we gave it, until the claim knows
  // Counted by class, and claims by namespace too, as upstream does.
  Tally volume_kinds_{deps_.families.gauges("pv_collector_total_pv_count", "Volumes, by what keeps them.", {"plugin_name", "volume_mode"})};
  Tally bound_volumes_{deps_.families.gauges("pv_collector_bound_pv_count", "Volumes that are bound.", {"storage_class"})};
  Tally unbound_volumes_{deps_.families.gauges("pv_collector_unbound_pv_count", "Volumes that are not bound.", {"storage_class"})};
  Tally bound_claims_{deps_.families.gauges("pv_collector_bound_pvc_count", "Claims that are bound.", claim_labels)};
  Tally unbound_claims_{deps_.families.gauges("pv_collector_unbound_pvc_count", "Claims that are not bound.", claim_labels)};
  component::metrics::Counter& retroactive_ =
      deps_.families.counter("retroactive_storageclass_total", "Claims without a class that were given the default one later.");
  component::metrics::Counter& retroactive_failures_ =
      deps_.families.counter("retroactive_storageclass_errors_total", "Claims that could not be given the default class later.");
  client::ControlLoop claim_loop_, volume_loop_;
  VolumeReclaimer reclaimer_;
};

void VolumeBinder::watch_claims() {
  claims_.add_index("waiting by class", [](const PersistentVolumeClaim& claim) {
    return is_waiting(claim) ? std::vector<std::string>{class_of(claim)} : std::vector<std::string>();
  });
  claims_.add_index("naming a volume", [](const PersistentVolumeClaim& claim) {
    return claim.spec.volume_name.empty() ? std::vector<std::string>() : std::vector<std::string>{claim.spec.volume_name};
  });
  client::Informer<PersistentVolumeClaim>::Handler handler;
  handler.on_add = [this](const ClaimPtr& claim, bool) { claim_changed(*claim); };
  handler.on_update = [this](const ClaimPtr&, const ClaimPtr& claim) { claim_changed(*claim); };
  handler.on_delete = [this](const ClaimPtr& claim) {
    waiting_.erase(key_of(*claim));
    promised_.erase(key_of(*claim));
    if (!claim->spec.volume_name.empty()) volume_loop_.queue().add(claim->spec.volume_name);
  };
  claims_.add_handler(std::move(handler));
}

void VolumeBinder::watch_volumes() {
  volumes_.add_index("claim_ref", [](const PersistentVolume& volume) {
    const auto* ref = volume.spec.claim_ref.get();
    return ref ? std::vector<std::string>{client::object_key(ref->namespace_, ref->name)} : std::vector<std::string>();
  });
  client::Informer<PersistentVolume>::Handler handler;
  handler.on_add = [this](const VolumePtr& volume, bool) { volume_changed(*volume); };
  handler.on_update = [this](const VolumePtr&, const VolumePtr& volume) { volume_changed(*volume); };
  handler.on_delete = [this](const VolumePtr& volume) {
    free_.erase(volume->metadata.name);
    if (const auto* ref = volume->spec.claim_ref.get()) claim_loop_.queue().add(client::object_key(ref->namespace_, ref->name));
  };
  volumes_.add_handler(std::move(handler));
}

void VolumeBinder::claim_changed(const PersistentVolumeClaim& claim) {
  const std::string key = key_of(claim);
  if (is_waiting(claim) && !waits_for_pod(claim)) {
    waiting_.put(key, fit_of(claim));
  } else {
    waiting_.erase(key);
  }
  claim_loop_.queue().add(key);
  if (claim.spec.volume_name.empty()) return;
  volume_loop_.queue().add(claim.spec.volume_name);
  // Those that it was promised are to be let go.
  for (const VolumePtr& volume : volumes_.by_index("claim_ref", key)) volume_loop_.queue().add(volume->metadata.name);
}

void VolumeBinder::volume_changed(const PersistentVolume& volume) {
  const std::string& name = volume.metadata.name;
  volume_loop_.queue().add(name);
  if (is_free(volume)) {
    free_.put(name, fit_of(volume));
    claim_loop_.queue().add(name);
    for (const ClaimPtr& claim : claims_.by_index("naming a volume", name)) claim_loop_.queue().add(key_of(*claim));
    return;
  }
  free_.erase(name);
  if (const auto* ref = volume.spec.claim_ref.get()) claim_loop_.queue().add(client::object_key(ref->namespace_, ref->name));
}

// Claims of the class, and those of none: it may be the default one now.
void VolumeBinder::class_changed(const std::string& name) {
  for (const std::string& one : {name, std::string()})
    for (const ClaimPtr& claim : claims_.by_index("waiting by class", one)) claim_changed(*claim);
}

std::vector<VolumePtr> VolumeBinder::promised_to(const std::string& claim_key) {
  std::vector<VolumePtr> out = volumes_.by_index("claim_ref", claim_key);
  for (VolumePtr& volume : out) volume = written_volumes_.newest(volume);
  if (const auto it = promised_.find(claim_key); it != promised_.end())
    if (VolumePtr volume = volume_named(it->second)) out.push_back(std::move(volume));
  return out;
}

void VolumeBinder::count_all() {
  client::Informer<PersistentVolumeClaim>::Handler claims;
  const auto claim = [this](const PersistentVolumeClaim& is) {
    const std::string key = client::object_key(is.metadata.namespace_, is.metadata.name);
    const bool bound = is.status.phase == "Bound";
    (bound ? unbound_claims_ : bound_claims_).erase(key);
    (bound ? bound_claims_ : unbound_claims_).put(key, {is.metadata.namespace_, class_of(is), is.spec.volume_attributes_class_name.value_or("")});
  };
  claims.on_add = [claim](const ClaimPtr& is, bool) { claim(*is); };
  claims.on_update = [claim](const ClaimPtr&, const ClaimPtr& is) { claim(*is); };
  claims.on_delete = [this](const ClaimPtr& was) {
    const std::string key = client::object_key(was->metadata.namespace_, was->metadata.name);
    bound_claims_.erase(key);
    unbound_claims_.erase(key);
  };
  claims_.add_handler(std::move(claims));
  client::Informer<PersistentVolume>::Handler volumes;
  const auto volume = [this](const PersistentVolume& is) {
    const std::string& key = is.metadata.name;
    const bool bound = is.status.phase == "Bound";
    (bound ? unbound_volumes_ : bound_volumes_).erase(key);
    (bound ? bound_volumes_ : unbound_volumes_).put(key, {is.spec.storage_class_name});
    volume_kinds_.put(key, {plugin_of(is), is.spec.volume_mode.value_or("Filesystem")});
  };
  volumes.on_add = [volume](const VolumePtr& is, bool) { volume(*is); };
  volumes.on_update = [volume](const VolumePtr&, const VolumePtr& is) { volume(*is); };
  volumes.on_delete = [this](const VolumePtr& was) {
    for (Tally* tally : {&volume_kinds_, &bound_volumes_, &unbound_volumes_}) tally->erase(was->metadata.name);
  };
  volumes_.add_handler(std::move(volumes));
}

rt::Task<Result<Unit>> VolumeBinder::set_volume_phase(rt::Context ctx, VolumePtr volume, std::string phase, std::string message) {
  if (volume->status.phase == phase) co_return Unit{};
  PersistentVolume copy = *volume;
  copy.status.phase = std::move(phase);
  copy.status.message = std::move(message);
  auto written = co_await deps_.client.update_status<PersistentVolume>(std::move(ctx), std::move(copy));
  if (!written) co_return Unexpected(std::move(written).error());
  written_volumes_.remember(std::move(*written));
  co_return Unit{};
}

rt::Task<Result<Unit>> VolumeBinder::set_claim_phase(rt::Context ctx, ClaimPtr claim, std::string phase, VolumePtr volume) {
  PersistentVolumeClaim copy = *claim;
  copy.status = plan_claim_status(*claim, phase, volume.get());
  if (api::equal(api::type_of<api::core_v1::PersistentVolumeClaimStatus>(), &copy.status, &claim->status)) co_return Unit{};
  auto written = co_await deps_.client.update_status<PersistentVolumeClaim>(std::move(ctx), std::move(copy));
  if (!written) co_return Unexpected(std::move(written).error());
  written_claims_.remember(std::move(*written));
  co_return Unit{};
}

// First the volume, then the claim: whoever finds it half done goes on from there.
rt::Task<Result<Unit>> VolumeBinder::bind(rt::Context ctx, ClaimPtr claim, VolumePtr volume) {
  if (!is_promised(*volume, *claim) || volume->spec.claim_ref->uid != claim->metadata.uid) {
    PersistentVolume copy = *volume;
    if (!copy.spec.claim_ref) copy.metadata.annotations[bound_by_controller_annotation] = "yes";
    auto& ref = copy.spec.claim_ref.emplace();
    ref.kind = "PersistentVolumeClaim";
    ref.api_version = "v1";
    ref.namespace_ = claim->metadata.namespace_;
    ref.name = claim->metadata.name;
    ref.uid = claim->metadata.uid;
    ref.resource_version = claim->metadata.resource_version;
    auto written = co_await deps_.client.update<PersistentVolume>(ctx, std::move(copy));
    if (!written) co_return Unexpected(std::move(written).error());
    volume = std::make_shared<const PersistentVolume>(*written);
    written_volumes_.remember(std::move(*written));
    promised_[key_of(*claim)] = volume->metadata.name;
  }
  CO_TRY(co_await set_volume_phase(ctx, volume, "Bound"));
  if (claim->spec.volume_name != volume->metadata.name || !claim->metadata.annotations.contains(bind_completed_annotation)) {
    PersistentVolumeClaim copy = *claim;
    if (copy.spec.volume_name.empty()) copy.metadata.annotations[bound_by_controller_annotation] = "yes";
    copy.spec.volume_name = volume->metadata.name;
    copy.metadata.annotations[bind_completed_annotation] = "yes";
    auto written = co_await deps_.client.update<PersistentVolumeClaim>(ctx, std::move(copy));
    if (!written) co_return Unexpected(std::move(written).error());
    claim = std::make_shared<const PersistentVolumeClaim>(*written);
    written_claims_.remember(std::move(*written));
  }
  promised_.erase(key_of(*claim));
  co_return co_await set_claim_phase(std::move(ctx), claim, "Bound", volume);
}

// Its next round comes with the watch.
rt::Task<Result<Unit>> VolumeBinder::set_class(rt::Context ctx, ClaimPtr claim, std::string name) {
  PersistentVolumeClaim copy = *claim;
  copy.spec.storage_class_name = std::move(name);
  auto written = co_await deps_.client.update<PersistentVolumeClaim>(std::move(ctx), std::move(copy));
  retroactive_.add();
  if (!written) retroactive_failures_.add();
  if (!written) co_return Unexpected(std::move(written).error());
  written_claims_.remember(std::move(*written));
  co_return Unit{};
}

rt::Task<Result<Unit>> VolumeBinder::ask_provisioner(rt::Context ctx, ClaimPtr claim) {
  const std::string name = class_of(*claim);
  const ClassPtr found = name.empty() ? nullptr : classes_.get(name);
  const ProvisionPlan plan = found ? plan_provision(found->provisioner) : ProvisionPlan{};
  if (name.empty()) {
    deps_.events.normal(*claim, "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
  } else if (found == nullptr) {
    deps_.events.warning(*claim, "ProvisioningFailed", "storageclass.storage.k8s.io \"" + name + "\" not found");
  } else if (plan.maker == ProvisionPlan::Maker::Nobody) {
    deps_.events.warning(*claim, "ProvisioningFailed", plan.message);
  } else if (plan.maker == ProvisionPlan::Maker::HostDirectories) {
    CO_TRY(co_await make_host_volume(ctx, claim, found));
  } else {
    CO_TRY(co_await name_provisioner(ctx, claim, found->provisioner));
    deps_.events.normal(*claim, "ExternalProvisioning",
                        "Waiting for a volume to be created either by the external provisioner '" + std::string(driver_of(found->provisioner)) +
                            "' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running "
                            "and correctly registered.");
  }
  claim = claim_named(key_of(*claim));
  if (claim == nullptr) co_return Unit{};
  co_return co_await set_claim_phase(std::move(ctx), claim, "Pending", nullptr);
}

// Who makes the claim's volume, for all to see.
rt::Task<Result<Unit>> VolumeBinder::name_provisioner(rt::Context ctx, ClaimPtr claim, std::string provisioner) {
  PersistentVolumeClaim copy = *claim;
  const std::string driver(driver_of(provisioner));
  bool changed = false;
  for (const std::string_view annotation : provisioner_annotations) {
    changed |= copy.metadata.annotations[annotation] != driver;
    copy.metadata.annotations[annotation] = driver;
  }
  changed |= mark_migrated(copy.metadata.annotations);
  if (!changed) co_return Unit{};
  auto written = co_await deps_.client.update<PersistentVolumeClaim>(std::move(ctx), std::move(copy));
  if (!written) co_return Unexpected(std::move(written).error());
  written_claims_.remember(std::move(*written));
  co_return Unit{};
}

// A directory below /tmp of this machine, for tests on clusters of one node. The volume comes back by the watch, and its claim is bound.
rt::Task<Result<Unit>> VolumeBinder::make_host_volume(rt::Context ctx, ClaimPtr claim, ClassPtr its) {
  std::string fault = provision_fault(*claim, *its, deps_.options.enable_hostpath_provisioner && deps_.host_directories != nullptr);
  if (!claim->spec.data_source) {
    CO_TRY(co_await name_provisioner(ctx, claim, std::string(host_path_plugin)));
  }
  // An earlier round may have made it; the server knows.
  const auto there = co_await deps_.client.get<PersistentVolume>(ctx, "", "pvc-" + claim->metadata.uid);
  if (there) co_return Unit{};
  if (there.error().reason != Reason::NotFound) co_return Unexpected(there.error());
  std::string path = "/tmp/hostpath_pv/" + rt::new_uid(deps_.runtime.random());
  if (fault.empty()) {
    Result<Unit> made = Unit{};
    HostDirectories& directories = *deps_.host_directories;
    std::function<void()> work = [&made, &directories, &path] { made = directories.make(path); };
    co_await deps_.runtime.run_blocking(std::move(work));
    if (!made) fault = "Failed to provision volume with StorageClass \"" + its->metadata.name + "\": " + made.error().message;
  }
  if (!fault.empty()) {
    deps_.events.warning(*claim, "ProvisioningFailed", fault);
    co_return Unit{};
  }
  auto written = co_await deps_.client.create<PersistentVolume>(ctx, host_volume(*claim, *its, path));
  if (!written) {
    std::function<void()> undo = [this, &path] { (void)deps_.host_directories->remove(path, {}); };
    co_await deps_.runtime.run_blocking(std::move(undo));
    if (written.error().reason == Reason::AlreadyExists) co_return Unit{};
    deps_.events.warning(
        *claim, "ProvisioningFailed",
        "Error creating provisioned PV object for claim " + key_of(*claim) + ": " + written.error().message + ". Deleting the volume.");
    co_return Unexpected(std::move(written).error());
  }
  deps_.events.normal(*claim, "ProvisioningSucceeded",
                      "Successfully provisioned volume pvc-" + claim->metadata.uid + " using " + std::string(host_path_plugin));
  co_return Unit{};
}

rt::Task<Result<Unit>> VolumeBinder::sync(rt::Context ctx, std::string key) {
  if (key.contains('/')) co_return co_await sync_claim(std::move(ctx), std::move(key));
  co_return co_await offer(std::move(ctx), std::move(key));
}

// A claim's own round chooses among the volumes that there are; this is for those that come later. A claim that is found is bound by its
// round, perhaps to another volume: then this one looks for the next.
rt::Task<Result<Unit>> VolumeBinder::offer(rt::Context ctx, std::string name) {
  const VolumePtr volume = volume_named(name);
  if (volume == nullptr || !is_free(*volume)) co_return Unit{};
  std::string found;
  (void)waiting_.for_volume(fit_of(*volume), [&](const std::string& key) {
    const ClaimPtr claim = claim_named(key);
    if (claim == nullptr || !is_waiting(*claim) || waits_for_pod(*claim) || !satisfies(*volume, *claim)) return false;
    found = key;
    return true;
  });
  if (found.empty()) co_return Unit{};
  CO_TRY(co_await sync_claim(std::move(ctx), found));
  const ClaimPtr claim = claim_named(found);
  if (claim == nullptr || !is_waiting(*claim)) claim_loop_.queue().add(name);
  co_return Unit{};
}

rt::Task<Result<Unit>> VolumeBinder::sync_claim(rt::Context ctx, std::string key) {
  const ClaimPtr claim = claim_named(key);
  if (claim == nullptr) {
    promised_.erase(key);
    co_return Unit{};
  }
  if (claim->metadata.annotations.contains(bind_completed_annotation)) {
    const VolumePtr volume = volume_named(claim->spec.volume_name);
    if (volume != nullptr && (!volume->spec.claim_ref || is_promised(*volume, *claim))) co_return co_await bind(std::move(ctx), claim, volume);
    if (claim->status.phase != "Lost")
      deps_.events.warning(*claim, volume ? "ClaimMisbound" : "ClaimLost",
                           volume ? "Two claims are bound to the same volume, this one is bound incorrectly"
                                  : "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
    co_return co_await set_claim_phase(std::move(ctx), claim, "Lost", nullptr);
  }
  if (!claim->spec.volume_name.empty()) {
    const VolumePtr volume = volume_named(claim->spec.volume_name);
    const std::string fault = volume != nullptr && !volume->spec.claim_ref ? mismatch(*volume, *claim) : "";
    if (!fault.empty()) {
      deps_.events.warning(*claim, "VolumeMismatch", "Cannot bind to requested volume \"" + volume->metadata.name + "\": " + fault);
      co_return co_await set_claim_phase(std::move(ctx), claim, "Pending", nullptr);
    }
    if (volume != nullptr && (!volume->spec.claim_ref || is_promised(*volume, *claim))) co_return co_await bind(std::move(ctx), claim, volume);
    if (volume != nullptr)
      deps_.events.warning(*claim, "FailedBinding", "volume \"" + volume->metadata.name + "\" already bound to a different claim.");
    co_return co_await set_claim_phase(std::move(ctx), claim, "Pending", nullptr);
  }
  const VolumePtr volume = choose_volume(*claim, promised_to(key), free_, [this](const std::string& name) { return volume_named(name); });
  const bool promised = volume != nullptr && is_promised(*volume, *claim);
  if (volume != nullptr && (promised || !waits_for_pod(*claim))) co_return co_await bind(std::move(ctx), claim, volume);
  if (const std::string name = retroactive_class(*claim, classes_.list()); !name.empty()) co_return co_await set_class(std::move(ctx), claim, name);
  if (waits_for_pod(*claim)) {
    deps_.events.normal(*claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
    co_return co_await set_claim_phase(std::move(ctx), claim, "Pending", nullptr);
  }
  co_return co_await ask_provisioner(std::move(ctx), claim);
}

rt::Task<Result<Unit>> VolumeBinder::sync_volume(rt::Context ctx, std::string key) {
  VolumePtr volume = volume_named(key);
  if (volume == nullptr) {
    reclaimer_.abandon(key);
    co_return Unit{};
  }
  PersistentVolume copy = *volume;
  const bool migrated = mark_migrated(copy.metadata.annotations);
  if (mark_deletion_finalizers(copy) || migrated) {
    auto written = co_await deps_.client.update<PersistentVolume>(ctx, std::move(copy));
    if (!written) co_return Unexpected(std::move(written).error());
    volume = std::make_shared<const PersistentVolume>(*written);
    written_volumes_.remember(std::move(*written));
  }
  if (!volume->spec.claim_ref || volume->spec.claim_ref->uid.empty()) {
    reclaimer_.abandon(key);
    co_return co_await set_volume_phase(std::move(ctx), volume, "Available");
  }
  const auto& ref = *volume->spec.claim_ref;
  ClaimPtr claim = claims_.get(ref.namespace_, ref.name);
  if ((claim == nullptr || claim->metadata.uid != ref.uid) && volume->status.phase != "Released" && volume->status.phase != "Failed") {
    auto fresh = co_await deps_.client.get<PersistentVolumeClaim>(ctx, ref.namespace_, ref.name);
    if (!fresh && fresh.error().reason != Reason::NotFound) co_return Unexpected(std::move(fresh).error());
    claim = fresh ? std::make_shared<const PersistentVolumeClaim>(std::move(*fresh)) : nullptr;
  }
  if (claim == nullptr || claim->metadata.uid != ref.uid) co_return co_await release(std::move(ctx), volume);
  if (claim->spec.volume_name == volume->metadata.name) {
    reclaimer_.abandon(key);
    co_return co_await set_volume_phase(std::move(ctx), volume, "Bound");
  }
  if (claim->spec.volume_name.empty()) co_return Unit{};  // the claim's own round goes on
  if (is_superfluous(*volume)) co_return co_await release(std::move(ctx), volume);
  co_return co_await unbind(std::move(ctx), volume);
}

// Its claim is bound to another volume, or it has been scrubbed.
rt::Task<Result<Unit>> VolumeBinder::unbind(rt::Context ctx, VolumePtr volume) {
  auto written = co_await deps_.client.update<PersistentVolume>(ctx, unbound(*volume));
  if (!written) co_return Unexpected(std::move(written).error());
  volume = std::make_shared<const PersistentVolume>(*written);
  written_volumes_.remember(std::move(*written));
  co_return co_await set_volume_phase(std::move(ctx), volume, "Available");
}

rt::Task<Result<Unit>> VolumeBinder::release(rt::Context ctx, VolumePtr volume) {
  // What is its provisioner's affair waits for this phase. One that has failed says so until it is gone.
  if (volume->status.phase != "Released" && volume->status.phase != "Failed") {
    CO_TRY(co_await set_volume_phase(ctx, volume, "Released"));
    volume = volume_named(volume->metadata.name);
    if (volume == nullptr) co_return Unit{};
  }
  const ReclaimPlan plan = plan_reclaim(*volume);
  if (plan.action == ReclaimPlan::Action::None) reclaimer_.abandon(volume->metadata.name);
  if (plan.action == ReclaimPlan::Action::None) co_return Unit{};
  if (plan.action == ReclaimPlan::Action::Fail) co_return co_await fail(std::move(ctx), volume, plan.reason, plan.message);
  if (plan.action == ReclaimPlan::Action::Recycle && is_used(*volume)) {
    volume_loop_.queue().add_after(volume->metadata.name, reclaim_retry);
    co_return Unit{};
  }
  const auto outcome = reclaimer_.progress(volume, plan.action);
  if (!outcome) co_return Unit{};
  if (!*outcome) co_return co_await fail(std::move(ctx), volume, plan.reason, outcome->error().message);
  if (plan.action == ReclaimPlan::Action::Remove) co_return co_await remove(std::move(ctx), volume);
  deps_.events.normal(*volume, "VolumeRecycled", "Volume recycled");
  co_return co_await unbind(std::move(ctx), volume);
}

rt::Task<Result<Unit>> VolumeBinder::fail(rt::Context ctx, VolumePtr volume, std::string_view reason, std::string message) {
  if (volume->status.phase == "Failed") co_return Unit{};
  CO_TRY(co_await set_volume_phase(std::move(ctx), volume, "Failed", message));
  deps_.events.warning(*volume, reason, std::move(message));
  co_return Unit{};
}

// By pods that its claim has left behind; those of a new claim of that name use another volume.
bool VolumeBinder::is_used(const PersistentVolume& volume) {
  const std::string claim = client::object_key(volume.spec.claim_ref->namespace_, volume.spec.claim_ref->name);
  if (claims_.get(claim) != nullptr) return false;
  std::set<std::string> users;
  for (const pods::PodPtr& pod : deps_.pods.using_claim(claim))
    if (!rules::is_terminal(*pod)) users.insert(client::object_key(pod->metadata.namespace_, pod->metadata.name));
  if (users.empty()) return false;
  std::string names;
  for (const std::string& user : users) names += (names.empty() ? "" : ",") + user;
  deps_.events.normal(volume, "VolumeFailedRecycle", "Volume is used by pods: " + names);
  return true;
}

// Its directory is gone: so may it.
rt::Task<Result<Unit>> VolumeBinder::remove(rt::Context ctx, VolumePtr volume) {
  const std::string name = volume->metadata.name;
  auto fresh = co_await deps_.client.get<PersistentVolume>(ctx, "", name);
  if (!fresh && fresh.error().reason == Reason::NotFound) co_return Unit{};
  if (!fresh) co_return Unexpected(std::move(fresh).error());
  if (std::erase(fresh->metadata.finalizers, in_tree_finalizer) > 0) {
    auto written = co_await deps_.client.update<PersistentVolume>(ctx, std::move(*fresh));
    if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  }
  auto removed = co_await deps_.client.remove<PersistentVolume>(std::move(ctx), "", name);
  if (!removed && removed.error().reason != Reason::NotFound) co_return Unexpected(std::move(removed).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_volume_binder_controller(ControllerDeps deps) { return std::make_unique<VolumeBinder>(std::move(deps)); }

}  // namespace pintle::controller::volume_binder

#include "controller/selinux_warning/controller.h"

#include "api/gen/storage_v1.h"
#include "client/work_queue.h"
#include "controller/selinux_warning/volume_users.h"
#include "rules/pod_claims.h"
#include "rules/pod_state.h"

namespace pintle::controller::selinux_warning {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;
using api::storage_v1::CSIDriver;
using PodPtr = std::shared_ptr<const Pod>;

namespace {

constexpr const char* claims_index = "claim";

template <class C>
void keep_of_container(C& container) {
  C kept;
  kept.name = std::move(container.name);
  kept.volume_mounts = std::move(container.volume_mounts);
  kept.security_context = std::move(container.security_context);
  container = std::move(kept);
}

client::InformerOptions pods_with_labels() {
  client::InformerOptions options;
  options.decoded_max = client::decoded_objects_max;
  options.transform = [](api::Object& object) {
    Pod& pod = object.as<Pod>();
    pod.metadata.annotations.clear();
    for (auto& container : pod.spec.init_containers) keep_of_container(container);
    for (auto& container : pod.spec.containers) keep_of_container(container);
    for (auto& container : pod.spec.ephemeral_containers) keep_of_container(container);
    std::string phase = std::move(pod.status.phase);
    pod.status = {};
    pod.status.phase = std::move(phase);
  };
  return options;
}

class SelinuxWarningController final : public Controller {
 public:
  explicit SelinuxWarningController(ControllerDeps deps)
      : deps_(deps),
        pods_(deps.informers.of<Pod>("with labels", pods_with_labels())),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        volumes_(deps.informers.of<PersistentVolume>()),
        drivers_(deps.informers.of<CSIDriver>()),
        loop_(deps.loop("selinux_warning"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    watch_pods();
    watch_storage();
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void watch_pods();
  void watch_storage();
  void look_at_claim(const std::string& namespace_name, const std::string& name) {
    for (const PodPtr& pod : pods_.by_index(claims_index, client::object_key(namespace_name, name)))
      loop_.queue().add(client::object_key(pod->metadata.namespace_, pod->metadata.name));
  }
  void look_at_driver(const std::string& name) {
    for (const std::string& pod : users_.pods_of_driver(name)) loop_.queue().add(pod);
  }
  bool is_mountable(const VolumeIdentity& volume) const {
    if (volume.driver.empty()) return true;
    const auto driver = drivers_.get(volume.driver);
    return driver != nullptr && driver->spec.se_linux_mount.value_or(false);
  }
  std::optional<VolumeIdentity> find(const Pod& pod, const api::core_v1::Volume& volume) const;
  std::map<std::string, VolumeUsers::Use> uses_of(const Pod& pod);
  void tell(const VolumeUsers::Change& change);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Pod> pods_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::Informer<PersistentVolume> volumes_;
  client::Informer<CSIDriver> drivers_;
  VolumeUsers users_;
  std::map<Conflict, int> volumes_in_conflict_;  // how many volumes they are about
  Tally conflicts_{deps_.families.gauges("selinux_warning_controller_selinux_volume_conflict", "Pods that use a volume in different ways.",
                                         {"property", "pod1_namespace", "pod1_name", "pod1_value", "pod2_namespace", "pod2_name", "pod2_value"})};
  client::ControlLoop loop_;
};

// What matters of a pod does not change until it has ended.
void SelinuxWarningController::watch_pods() {
  pods_.add_index(claims_index, [](const Pod& pod) {
    std::vector<std::string> out;
    for (const std::string& claim : rules::claim_names(pod)) out.push_back(client::object_key(pod.metadata.namespace_, claim));
    return out;
  });
  const auto look = [this](const PodPtr& pod) {
    if (!pod->spec.volumes.empty()) loop_.queue().add(client::object_key(pod->metadata.namespace_, pod->metadata.name));
  };
  client::Informer<Pod>::Handler handler;
  handler.on_add = [look](const PodPtr& pod, bool) { look(pod); };
  handler.on_update = [look](const PodPtr& before, const PodPtr& after) {
    if (before->metadata.uid != after->metadata.uid || rules::is_terminal(*before) != rules::is_terminal(*after) ||
        before->spec.ephemeral_containers.size() != after->spec.ephemeral_containers.size())
      look(after);
  };
  handler.on_delete = look;
  pods_.add_handler(std::move(handler));
}

void SelinuxWarningController::watch_storage() {
  using ClaimPtr = std::shared_ptr<const PersistentVolumeClaim>;
  client::Informer<PersistentVolumeClaim>::Handler claims;
  const auto claim = [this](const PersistentVolumeClaim& one) { look_at_claim(one.metadata.namespace_, one.metadata.name); };
  claims.on_add = [claim](const ClaimPtr& one, bool) { claim(*one); };
  claims.on_update = [claim](const ClaimPtr& before, const ClaimPtr& after) {
    if (before->spec.volume_name != after->spec.volume_name || before->status.phase != after->status.phase) claim(*after);
  };
  claims_.add_handler(std::move(claims));
  using VolumePtr = std::shared_ptr<const PersistentVolume>;
  client::Informer<PersistentVolume>::Handler volumes;
  const auto volume = [this](const PersistentVolume& one) {
    if (const auto* ref = one.spec.claim_ref.get()) look_at_claim(ref->namespace_, ref->name);
  };
  volumes.on_add = [volume](const VolumePtr& one, bool) { volume(*one); };
  volumes.on_update = [volume](const VolumePtr& before, const VolumePtr& after) {
    if ((before->spec.claim_ref ? before->spec.claim_ref->uid : "") != (after->spec.claim_ref ? after->spec.claim_ref->uid : "")) volume(*after);
  };
  volumes_.add_handler(std::move(volumes));
  drivers_.on_any([this](const CSIDriver& driver) { look_at_driver(driver.metadata.name); });
}

// nullopt: of a claim that is not bound yet; it comes here again when it is.
std::optional<VolumeIdentity> SelinuxWarningController::find(const Pod& pod, const api::core_v1::Volume& volume) const {
  const std::string name = rules::claim_name(pod, volume);
  if (name.empty()) return identity_of(volume);
  const auto claim = claims_.get(pod.metadata.namespace_, name);
  if (claim == nullptr || claim->status.phase != "Bound" || claim->spec.volume_name.empty()) return std::nullopt;
  if (volume.ephemeral && !rules::is_claim_of(*claim, pod)) return std::nullopt;
  const auto bound = volumes_.get(claim->spec.volume_name);
  if (bound == nullptr || !bound->spec.claim_ref || bound->spec.claim_ref->uid != claim->metadata.uid) return std::nullopt;
  return identity_of(bound->spec);
}

std::map<std::string, VolumeUsers::Use> SelinuxWarningController::uses_of(const Pod& pod) {
  std::map<std::string, VolumeUsers::Use> out;
  const auto mounted = labels_of_volumes(pod);
  for (const auto& volume : pod.spec.volumes) {
    const auto labels = mounted.find(volume.name);
    if (labels == mounted.end()) continue;
    const auto identity = find(pod, volume);
    if (!identity) continue;
    if (labels->second.size() > 1) {  // whatever volume it is
      deps_.events.warning(pod, "MultipleSELinuxLabels",
                           "Volume \"" + volume.name + "\" is mounted twice with different SELinux labels inside this pod");
      continue;
    }
    if (identity->name.empty()) continue;
    const std::string label = labels->second.empty() ? "" : *labels->second.begin();
    out[identity->name] = {identity->driver, labelling_of(pod, label, is_mountable(*identity))};
  }
  return out;
}

void SelinuxWarningController::tell(const VolumeUsers::Change& change) {
  const auto key = [](const Conflict& one) {
    return one.property + '\0' + one.pod + '\0' + one.value + '\0' + one.other_pod + '\0' + one.other_value;
  };
  for (const Conflict& one : change.ended)
    if (const auto it = volumes_in_conflict_.find(one); it != volumes_in_conflict_.end() && --it->second == 0) {
      volumes_in_conflict_.erase(it);
      conflicts_.erase(key(one));
    }
  for (const Conflict& one : change.begun) {
    if (volumes_in_conflict_[one]++ == 0) {
      const auto [ns, name] = client::split_key(one.pod);
      const auto [other_ns, other] = client::split_key(one.other_pod);
      conflicts_.put(key(one),
                     {one.property, std::string(ns), std::string(name), one.value, std::string(other_ns), std::string(other), one.other_value});
    }
    if (const PodPtr pod = pods_.get(one.pod)) deps_.events.normal(*pod, one.event_reason(), one.message());
  }
}

rt::Task<Result<Unit>> SelinuxWarningController::sync(rt::Context, std::string key) {
  const PodPtr pod = pods_.get(key);
  CO_TRY_ASSIGN(const VolumeUsers::Change change, contained([&] {
                  return users_.set(key, pod == nullptr || rules::is_terminal(*pod) ? std::map<std::string, VolumeUsers::Use>() : uses_of(*pod));
                }));
  tell(change);
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_selinux_warning_controller(ControllerDeps deps) {
  return std::make_unique<SelinuxWarningController>(std::move(deps));
}

}  // namespace pintle::controller::selinux_warning

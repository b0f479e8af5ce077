#include "controller/ephemeral_volume/controller.h"

#include "client/work_queue.h"
#include "controller/objects/owner.h"
#include "controller/pods/pod_control.h"
#include "controller/pods/pod_store.h"
#include "rules/pod_claims.h"

namespace pintle::controller::ephemeral_volume {

using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;

namespace {

bool has_ephemeral(const Pod& pod) {
  for (const auto& volume : pod.spec.volumes)
    if (volume.ephemeral && volume.ephemeral->volume_claim_template) return true;
  return false;
}

class EphemeralVolumeController final : public Controller {
 public:
  explicit EphemeralVolumeController(ControllerDeps deps)
      : deps_(deps),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        loop_(deps.loop("ephemeral_volume"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Pod>::Handler pods;
    pods.on_add = [this](const pods::PodPtr& pod, bool) {
      if (has_ephemeral(*pod)) loop_.queue().add(client::object_key(pod->metadata.namespace_, pod->metadata.name));
    };
    deps_.pods.informer().add_handler(std::move(pods));
    client::Informer<PersistentVolumeClaim>::Handler claims;
    claims.on_delete = [this](const std::shared_ptr<const PersistentVolumeClaim>& claim) {
      const auto* ref = rules::controller_of(claim->metadata);
      if (ref != nullptr && ref->kind == "Pod") loop_.queue().add(client::object_key(claim->metadata.namespace_, ref->name));
    };
    claims_.add_handler(std::move(claims));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> ensure(rt::Context ctx, pods::PodPtr pod, std::string volume, PersistentVolumeClaim claim);

  ControllerDeps deps_;
  client::Informer<PersistentVolumeClaim> claims_;
  component::metrics::Counter& created_ = deps_.families.counter("ephemeral_volume_controller_create_total", "Claims that were asked for.");
  component::metrics::Counter& failures_ = deps_.families.counter("ephemeral_volume_controller_create_failures_total", "Claims that were refused.");
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> EphemeralVolumeController::ensure(rt::Context ctx, pods::PodPtr pod, std::string volume, PersistentVolumeClaim claim) {
  const std::string name = claim.metadata.name;
  if (const auto there = claims_.get(pod->metadata.namespace_, name)) {
    if (rules::is_claim_of(*there, *pod)) co_return Unit{};
    co_return error(Reason::Conflict,
                    "PVC " + pod->metadata.namespace_ + "/" + name + " was not created for pod " + pod->metadata.name + " (pod is not owner)");
  }
  created_.add();
  auto made = co_await deps_.client.create<PersistentVolumeClaim>(std::move(ctx), std::move(claim));
  if (!made) failures_.add();
  if (made || made.error().reason == Reason::AlreadyExists || pods::is_namespace_terminating(made.error())) co_return Unit{};
  deps_.events.warning(*pod, "FailedCreate", "ephemeral volume " + volume + ": " + made.error().message);
  co_return Unexpected(std::move(made).error());
}

rt::Task<Result<Unit>> EphemeralVolumeController::sync(rt::Context ctx, std::string key) {
  const pods::PodPtr pod = deps_.pods.get(key);
  if (pod == nullptr || pods::is_deleted(pod->metadata)) co_return Unit{};
  for (const auto& volume : pod->spec.volumes) {
    if (!volume.ephemeral || !volume.ephemeral->volume_claim_template) continue;
    PersistentVolumeClaim claim;
    claim.metadata.name = rules::claim_name(*pod, volume);
    claim.metadata.namespace_ = pod->metadata.namespace_;
    claim.metadata.labels = volume.ephemeral->volume_claim_template->metadata.labels;
    claim.metadata.annotations = volume.ephemeral->volume_claim_template->metadata.annotations;
    claim.metadata.owner_references.push_back(rules::controller_reference("v1", "Pod", pod->metadata));
    claim.spec = volume.ephemeral->volume_claim_template->spec;
    CO_TRY(co_await ensure(ctx, pod, volume.name, std::move(claim)));
  }
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_ephemeral_volume_controller(ControllerDeps deps) {
  return std::make_unique<EphemeralVolumeController>(std::move(deps));
}

}  // namespace pintle::controller::ephemeral_volume

#include "controller/volume_expander/controller.h"

#include "client/work_queue.h"
#include "controller/objects/json_text.h"
#include "controller/volume_expander/plan.h"

namespace pintle::controller::volume_expander {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;

namespace {

constexpr std::size_t workers_default = 10;
using ClaimPtr = std::shared_ptr<const PersistentVolumeClaim>;

class VolumeExpander final : public Controller {
 public:
  explicit VolumeExpander(ControllerDeps deps)
      : deps_(deps),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        volumes_(deps.informers.of<PersistentVolume>()),
        loop_(deps.loop("volume_expand"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<PersistentVolumeClaim>::Handler claims;
    claims.on_add = [this](const ClaimPtr& claim, bool) { add(*claim); };
    claims.on_update = [this](const ClaimPtr& before, const ClaimPtr& claim) {
      if (is_news(*before, *claim)) add(*claim);
    };
    claims_.add_handler(std::move(claims));
  }
  void start() override { loop_.start(deps_.workers(workers_default)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void add(const PersistentVolumeClaim& claim) {
    if (claim.status.phase == "Bound") loop_.queue().add(client::object_key(claim.metadata.namespace_, claim.metadata.name));
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> name_resizer(rt::Context ctx, ClaimPtr claim, std::string driver);

  ControllerDeps deps_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::Informer<PersistentVolume> volumes_;
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> VolumeExpander::name_resizer(rt::Context ctx, ClaimPtr claim, std::string driver) {
  std::string body = R"({"metadata":{"resourceVersion":)" + objects::json_string(claim->metadata.resource_version) + R"(,"annotations":{)" +
                     objects::json_string(resizer_annotation) + ":" + objects::json_string(driver) + "}}}";
  client::PatchOptions options;
  options.subresource = "status";
  auto done = co_await deps_.client.patch<PersistentVolumeClaim>(std::move(ctx), claim->metadata.namespace_, claim->metadata.name,
                                                                 client::PatchType::Strategic, std::move(body), std::move(options));
  if (done || done.error().reason == Reason::NotFound) co_return Unit{};
  deps_.events.warning(*claim, "ExternalExpanding",
                       "error setting resizer annotation to pvc " + client::object_key(claim->metadata.namespace_, claim->metadata.name) +
                           ", with error " + done.error().message);
  co_return Unexpected(std::move(done).error());
}

rt::Task<Result<Unit>> VolumeExpander::sync(rt::Context ctx, std::string key) {
  const ClaimPtr claim = claims_.get(key);
  if (claim == nullptr) co_return Unit{};
  const auto volume = volumes_.get(claim->spec.volume_name);
  if (volume == nullptr) co_return error(Reason::NotFound, "the volume " + claim->spec.volume_name + " of claim " + key + " is not there");
  if (!is_bound_to(*volume, *claim)) co_return error(Reason::Conflict, "the volume " + volume->metadata.name + " is not bound to claim " + key);
  CO_TRY_ASSIGN(const auto plan, contained([&] { return plan_expansion(*claim, *volume); }));
  if (!plan) co_return Unit{};
  deps_.events.normal(*claim, "ExternalExpanding", plan->message);
  if (plan->resizer.empty()) co_return Unit{};
  co_return co_await name_resizer(std::move(ctx), claim, plan->resizer);
}

}  // namespace

std::unique_ptr<Controller> make_volume_expander(ControllerDeps deps) { return std::make_unique<VolumeExpander>(std::move(deps)); }

}  // namespace pintle::controller::volume_expander

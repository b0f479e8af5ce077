#include "csi_provisioner/node_provisioner.h"

#include <algorithm>

#include "codec/json.h"
#include "component/log.h"
#include "net/grpc/code.h"
#include "rt/backoff.h"

namespace pintle::csi_provisioner {

namespace core = api::core_v1;

namespace {

constexpr std::size_t claims_at_once = 4;
constexpr std::size_t volumes_at_once = 2;
constexpr rt::Duration busy_wait = std::chrono::seconds(1);
constexpr rt::Duration settled_wait = std::chrono::seconds(2);  // one question for the room after a burst of volumes

std::string merge_patch_of_finalizers(const core::PersistentVolume& volume) {
  codec::Value::Array kept;
  for (const std::string& finalizer : volume.metadata.finalizers)
    if (finalizer != volume_finalizer) kept.emplace_back(finalizer);
  codec::Value body;
  body["metadata"]["resourceVersion"] = volume.metadata.resource_version;
  body["metadata"]["finalizers"] = std::move(kept);
  return codec::to_json(body);
}

std::string key_of(const core::PersistentVolumeClaim& claim) { return client::object_key(claim.metadata.namespace_, claim.metadata.name); }

// The node is one whose volumes another provisioner makes, or its driver has no such calls.
bool is_anothers(const Status& status) { return net::grpc::code_of(status) == net::grpc::Code::Unimplemented; }
bool is_unreachable(const Status& status) { return net::grpc::code_of(status) == net::grpc::Code::Unavailable; }

}  // namespace

NodeProvisioner::NodeProvisioner(NodeProvisionerDeps deps, Place place)
    : deps_(std::move(deps)),
      place_(std::move(place)),
      events_(deps_.client, {place_.driver, place_.node}),
      claim_loop_(deps_.runtime, "csi_provisioner", [this](rt::Context ctx, std::string key) { return sync_claim(std::move(ctx), std::move(key)); }),
      volume_loop_(deps_.runtime, "csi_deleter", [this](rt::Context ctx, std::string key) { return sync_volume(std::move(ctx), std::move(key)); }),
      class_loop_(deps_.runtime, "csi_capacity", [this](rt::Context ctx, std::string key) { return sync_class(std::move(ctx), std::move(key)); }) {}

void NodeProvisioner::start() { tasks_.spawn(run(tasks_.context())); }

void NodeProvisioner::look_at_all() {
  for (const auto& claim : deps_.cluster.claims_of(place_.node)) claim_changed(key_of(*claim));
  for (const auto& volume : deps_.cluster.volumes_of(place_.node)) {
    volume_changed(volume->metadata.name);
    const auto& claimed = volume->spec.claim_ref;
    if (claimed) claim_changed(client::object_key(claimed->namespace_, claimed->name));
  }
  for (std::string& name : deps_.cluster.classes_of_driver()) class_changed(std::move(name));
}

rt::Task<void> NodeProvisioner::stop() {
  co_await tasks_.close();
  co_await claim_loop_.stop();
  co_await volume_loop_.stop();
  co_await class_loop_.stop();
  co_await events_.stop();
}

// Nothing is done, and no event sent, before the driver has answered once.
rt::Task<bool> NodeProvisioner::wait_for_driver(rt::Context ctx) {
  rt::BackoffOptions options;
  options.initial = busy_wait;
  options.max = capacity_asked_every;
  rt::Backoff backoff(options);
  while (true) {
    const auto answer = co_await deps_.driver->capacity(ctx, capacity_request(Class(), place_));
    if (ctx.done()) co_return false;
    if (answer || (!is_anothers(answer.error()) && !is_unreachable(answer.error()))) co_return true;
    const rt::Duration wait = is_anothers(answer.error()) ? capacity_asked_every : backoff.next(deps_.runtime.random());
    const auto slept = co_await rt::sleep_for(ctx, wait);
    if (!slept) co_return false;
  }
}

rt::Task<void> NodeProvisioner::run(rt::Context ctx) {
  const bool answers = co_await wait_for_driver(ctx);
  if (!answers) co_return;
  served_ = true;
  look_at_all();
  claim_loop_.start(claims_at_once);
  volume_loop_.start(volumes_at_once);
  class_loop_.start(1);
  while (true) {
    const auto slept = co_await rt::sleep_for(ctx, capacity_asked_every);
    if (!slept) co_return;
    ask_capacity();
  }
}

void NodeProvisioner::ask_capacity() {
  for (std::string& name : deps_.cluster.classes_of_driver()) class_loop_.queue().add_after(std::move(name), settled_wait);
}

std::string NodeProvisioner::now() const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deps_.runtime.clock().wall_now().time_since_epoch()).count();
  return api::format_time(api::time_from_unix(seconds, 0));
}

rt::Task<Result<Unit>> NodeProvisioner::sync_claim(rt::Context ctx, std::string key) {
  const auto claim = deps_.cluster.claims.get(key);
  if (!claim || claim->metadata.deletion_timestamp) co_return Unit{};
  if (is_asked_for(*claim, place_.driver)) {
    const std::string* node = chosen_node(*claim);
    if (node == nullptr || *node != place_.node) co_return Unit{};
    co_return co_await provision(std::move(ctx), claim);
  }
  const auto volume = deps_.cluster.volumes.get(claim->spec.volume_name);
  if (!volume || !is_of_place(*volume, place_)) co_return Unit{};
  const auto size = wanted_growth(*claim, *volume);
  if (!size) co_return Unit{};
  co_return co_await grow(std::move(ctx), claim, volume, *size);
}

// The driver's id of the volume that it is a clone of.
Result<std::string> NodeProvisioner::source_of(const Claim& claim) const {
  if (!claim.spec.data_source) return std::string();
  const std::string& name = claim.spec.data_source->name;
  const auto source = deps_.cluster.claims.get(claim.metadata.namespace_, name);
  if (!source)
    return error(Reason::NotFound, "error getting PVC " + name + " (namespace " + claim.metadata.namespace_ + ") from api server: not found");
  const auto volume = deps_.cluster.volumes.get(source->spec.volume_name);
  if (source->status.phase != "Bound" || !volume) return error(Reason::Conflict, "the PVC " + name + " that is to be cloned is not bound");
  if (!is_of_place(*volume, place_)) return error(Reason::Invalid, "the volume of PVC " + name + " that is to be cloned is not on this node");
  return volume->spec.csi->volume_handle;
}

rt::Task<Result<Unit>> NodeProvisioner::provision(rt::Context ctx, std::shared_ptr<const Claim> claim) {
  const auto found = deps_.cluster.classes.get(claim->spec.storage_class_name.value_or(""));
  if (!found) co_return error(Reason::NotFound, "storageclass " + claim->spec.storage_class_name.value_or("") + " not found");
  if (deps_.cluster.volumes.get(volume_name(*claim))) co_return Unit{};  // made; it is to be bound
  if (auto fits = check_claim(*claim); !fits) co_return co_await fail(std::move(ctx), claim, std::move(fits).error());
  auto source = source_of(*claim);
  if (!source) co_return co_await fail(std::move(ctx), claim, std::move(source).error());
  events_.normal(*claim, "Provisioning", "External provisioner is provisioning volume for claim \"" + key_of(*claim) + "\"");
  auto made = co_await deps_.driver->create(ctx, create_request(*claim, *found, place_, *source));
  if (!made) co_return co_await fail(std::move(ctx), claim, std::move(made).error());
  Status silent{Reason::InternalError, 0, "the driver has answered no volume", {}};
  if (!made->volume) co_return co_await fail(std::move(ctx), claim, std::move(silent));
  ask_capacity();
  core::PersistentVolume volume = persistent_volume(*claim, *found, *made->volume, place_);
  const std::string name = volume.metadata.name;
  auto kept = co_await deps_.client.create<Volume>(std::move(ctx), std::move(volume));
  if (!kept && kept.error().reason != Reason::AlreadyExists) co_return Unexpected(std::move(kept).error());
  events_.normal(*claim, "ProvisioningSucceeded", "Successfully provisioned volume " + name);
  co_return Unit{};
}

// Told, and tried again with back-off; where the node has no room, the scheduler is to choose again.
rt::Task<Result<Unit>> NodeProvisioner::fail(rt::Context ctx, std::shared_ptr<const Claim> claim, Status why) {
  events_.warning(*claim, "ProvisioningFailed",
                  "failed to provision volume with StorageClass \"" + claim->spec.storage_class_name.value_or("") + "\": " + why.message);
  if (net::grpc::code_of(why) == net::grpc::Code::ResourceExhausted) {
    codec::Value body;
    body["metadata"]["resourceVersion"] = claim->metadata.resource_version;
    body["metadata"]["annotations"][selected_node_annotation] = nullptr;
    ask_capacity();
    CO_TRY(co_await deps_.client.patch<Claim>(std::move(ctx), claim->metadata.namespace_, claim->metadata.name, client::PatchType::Merge,
                                              codec::to_json(body)));
    co_return Unit{};
  }
  co_return Unexpected(std::move(why));
}

rt::Task<Result<Unit>> NodeProvisioner::grow(rt::Context ctx, std::shared_ptr<const Claim> claim, std::shared_ptr<const Volume> volume,
                                             api::Quantity size) {
  client::PatchOptions status;
  status.subresource = "status";
  auto noted = co_await deps_.client.patch<Claim>(ctx, claim->metadata.namespace_, claim->metadata.name, client::PatchType::Merge,
                                                  resizing_patch(*claim, size, now()), status);
  if (!noted) co_return Unexpected(std::move(noted).error());
  events_.normal(*claim, "Resizing", "External resizer is resizing volume " + volume->metadata.name);
  api::csi_v1::ControllerExpandVolumeRequest request;
  request.volume_id = volume->spec.csi->volume_handle;
  request.capacity_range.ensure().required_bytes = size.value();
  auto grown = co_await deps_.driver->controller_expand(ctx, std::move(request));
  if (!grown) {
    events_.warning(*claim, "VolumeResizeFailed",
                    "resize volume \"" + volume->metadata.name + "\" by resizer \"" + place_.driver + "\" failed: " + grown.error().message);
    co_return Unexpected(std::move(grown).error());
  }
  ask_capacity();
  const auto fresh = std::make_shared<const Claim>(std::move(*noted));
  co_return co_await say_grown(std::move(ctx), fresh, volume, std::move(size), *grown);
}

// The PersistentVolume last: it is what says that the growth is done, so a crash before it makes it again.
rt::Task<Result<Unit>> NodeProvisioner::say_grown(rt::Context ctx, std::shared_ptr<const Claim> claim, std::shared_ptr<const Volume> volume,
                                                  api::Quantity size, api::csi_v1::ControllerExpandVolumeResponse grown) {
  client::PatchOptions status;
  status.subresource = "status";
  CO_TRY(co_await deps_.client.patch<Claim>(ctx, claim->metadata.namespace_, claim->metadata.name, client::PatchType::Merge,
                                            node_resize_patch(*claim, size, now()), status));
  codec::Value body;
  body["spec"]["capacity"]["storage"] = size.text();
  CO_TRY(co_await deps_.client.patch<Volume>(std::move(ctx), std::string(), volume->metadata.name, client::PatchType::Merge, codec::to_json(body)));
  if (grown.node_expansion_required) events_.normal(*claim, "FileSystemResizeRequired", "Require file system resize of volume on node");
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeProvisioner::sync_volume(rt::Context ctx, std::string key) {
  const auto volume = deps_.cluster.volumes.get(key);
  if (!volume || !is_of_place(*volume, place_)) co_return Unit{};
  if (is_to_be_let_go(*volume)) {
    const auto let_go = co_await deps_.client.patch<Volume>(ctx, std::string(), key, client::PatchType::Merge, merge_patch_of_finalizers(*volume));
    if (!let_go && let_go.error().reason != Reason::NotFound) co_return Unexpected(let_go.error());
    co_return Unit{};
  }
  if (!is_to_be_deleted(*volume)) co_return Unit{};
  api::csi_v1::DeleteVolumeRequest request;
  request.volume_id = volume->spec.csi->volume_handle;
  auto removed = co_await deps_.driver->remove(ctx, std::move(request));
  if (!removed) {
    // It is still being unstaged: not worth an event.
    const bool busy = net::grpc::code_of(removed.error()) == net::grpc::Code::FailedPrecondition;
    if (busy) {
      volume_loop_.queue().add_after(key, busy_wait);
      co_return Unit{};
    }
    events_.warning(*volume, "VolumeFailedDelete", removed.error().message);
    co_return Unexpected(std::move(removed).error());
  }
  ask_capacity();
  const auto& finalizers = volume->metadata.finalizers;
  if (std::ranges::find(finalizers, volume_finalizer) != finalizers.end())
    CO_TRY(co_await deps_.client.patch<Volume>(ctx, std::string(), key, client::PatchType::Merge, merge_patch_of_finalizers(*volume)));
  if (volume->metadata.deletion_timestamp) co_return Unit{};
  const auto deleted = co_await deps_.client.remove<Volume>(std::move(ctx), std::string(), key);
  if (!deleted && deleted.error().reason != Reason::NotFound) co_return Unexpected(deleted.error());
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeProvisioner::sync_class(rt::Context ctx, std::string key) {
  const auto found = deps_.cluster.classes.get(key);
  Class named;
  named.metadata.name = key;
  const Capacity wanted_name = storage_capacity(found ? *found : named, place_, {});
  const auto known = deps_.cluster.capacities.get(wanted_name.metadata.namespace_, wanted_name.metadata.name);
  if (!found || found->provisioner != place_.driver) {
    if (!known) co_return Unit{};
    const auto gone = co_await deps_.client.remove<Capacity>(std::move(ctx), known->metadata.namespace_, known->metadata.name);
    if (!gone && gone.error().reason != Reason::NotFound) co_return Unexpected(gone.error());
    co_return Unit{};
  }
  CO_TRY_ASSIGN(const auto answer, co_await deps_.driver->capacity(ctx, capacity_request(*found, place_)));
  Capacity wanted = storage_capacity(*found, place_, answer);
  if (!known) {
    const auto made = co_await deps_.client.create<Capacity>(std::move(ctx), std::move(wanted));
    if (!made && made.error().reason != Reason::AlreadyExists) co_return Unexpected(made.error());
    co_return Unit{};
  }
  if (known->capacity == wanted.capacity && known->maximum_volume_size == wanted.maximum_volume_size) co_return Unit{};
  wanted.metadata.resource_version = known->metadata.resource_version;
  CO_TRY(co_await deps_.client.update<Capacity>(std::move(ctx), std::move(wanted)));
  co_return Unit{};
}

}  // namespace pintle::csi_provisioner

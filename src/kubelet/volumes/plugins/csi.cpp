#include "kubelet/volumes/plugins/csi.h"

#include <set>

#include "component/log.h"
#include "csi/outcome.h"
#include "csi/redact.h"
#include "kubelet/volumes/ownership.h"
#include "kubelet/volumes/plugins/blocking.h"
#include "kubelet/volumes/plugins/csi_layout.h"
#include "kubelet/volumes/plugins/csi_request.h"
#include "kubelet/volumes/plugins/device_map.h"
#include "kubelet/volumes/plugins/mount_points.h"
#include "os/entries.h"
#include "os/path.h"
#include "rt/file.h"
#include "rules/csi_volume.h"

namespace pintle::kubelet::volumes::plugins {

namespace core = api::core_v1;

namespace {

using DriverPtr = std::shared_ptr<csi::Driver>;

constexpr std::string_view mount_device = "MountVolume.MountDevice";
constexpr std::string_view set_up_device = "MapVolume.SetUpDevice";
constexpr std::string_view map_pod_device = "MapVolume.MapPodDevice";
constexpr std::string_view tear_down = "UnmountVolume.TearDown";
constexpr std::string_view unmount_device = "UnmountDevice";
constexpr std::string_view not_registered = " not found in the list of registered CSI drivers";
constexpr uint32_t target_mode = 0750;
constexpr rt::Duration umount_limit = std::chrono::minutes(3);

// The parts of a step, for messages.
struct StepWords {
  std::string_view part;
  std::string_view step;       // "attacher.MountDevice"
  std::string_view no_driver;  // "failed to create newCsiDriverClient"
};
constexpr StepWords staging{mount_device, "attacher.MountDevice", "failed to create newCsiDriverClient"};
constexpr StepWords publishing{set_up, "mounter.SetUpAt", "failed to get CSI client"};
constexpr StepWords judging{set_up, "mounter.SetupAt", ""};
constexpr StepWords staging_device{set_up_device, "blockMapper.SetUpDevice", "failed to get CSI client"};
constexpr StepWords publishing_device{map_pod_device, "blockMapper.MapPodDevice", "failed to get CSI client"};

Status prefixed(const StepWords& words, std::string_view what, Status why) {
  why.message = "kubernetes.io/csi: " + std::string(words.step) + " " + std::string(what) + ": " + why.message;
  return why;
}
Status absent(const std::string& driver) { return {Reason::NotFound, 0, "driver name " + driver + std::string(not_registered), {}}; }

// After a call that makes or undoes something.
StepEnd call_failed(std::string_view part, Status why) {
  if (csi::outcome_of(why) == csi::Outcome::Unknown) return step_failed(part, std::move(why));
  return nothing_done(part, std::move(why));
}

// Of a unique name of a volume that is no pod's own.
struct Identity {
  std::string driver;
  std::string handle;
};
std::optional<Identity> identity_of(std::string_view unique_name) {
  unique_name.remove_prefix(std::min(unique_name.size(), csi_plugin_name.size() + 1));
  const std::size_t at = unique_name.find('^');
  if (at == std::string_view::npos) return std::nullopt;
  return Identity{std::string(unique_name.substr(0, at)), std::string(unique_name.substr(at + 1))};
}

class Csi final : public VolumePlugin {
 public:
  explicit Csi(CsiDeps deps) : deps_(std::move(deps)) {}
  std::string_view name() const override { return csi_plugin_name; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::Csi; }
  bool takes_mount_options() const override { return true; }
  bool maps_devices() const override { return true; }
  bool is_ready() const override { return deps_.drivers.objects_known(); }

  std::optional<VolumeTraits> traits(const VolumeSpec& spec) const override {
    VolumeTraits out;
    if (!spec.persistent) return out;
    out.attachable = is_attached_first(object(csi_source(spec, {}, {})->driver));
    out.staged = true;
    out.one_pod = is_of_one_pod(spec);
    return out;
  }
  VolumeTraits traits_before(const VolumeOnDisk& volume) const override {
    VolumeTraits out;
    out.staged = out.attachable = identity_of(volume.unique_name).has_value();
    return out;
  }
  std::string unique_name(const VolumeSpec& spec, std::string_view pod_uid) const override {
    if (!spec.persistent) return of_pod(pod_uid, spec.name());
    const CsiSource source = *csi_source(spec, {}, pod_uid);
    return rules::unique_name({source.driver, source.handle});
  }
  // The places of devices are called by the PersistentVolume: two of them over one volume are none.
  std::string source(const VolumeSpec& spec) const override { return spec.block ? spec.name() : std::string(); }

  std::optional<rt::Duration> looked_at_every(const VolumeSpec& spec) const override {
    const auto source = csi_source(spec, {}, {});
    const bool grows = spec.persistent && growing_.contains(source->driver);
    if (!grows && !is_republished(object(source->driver))) return std::nullopt;
    return claims_looked_at_every;
  }
  bool wants_renewal(const VolumeSpec& spec) const override {
    const auto source = csi_source(spec, {}, {});
    return is_republished(object(source->driver)) || (growing_.contains(source->driver) && grown_to(spec));
  }

  rt::Task<StepEnd> stage(rt::Context ctx, VolumeSpec spec, std::string) override {
    const StepWords& words = spec.block ? staging_device : staging;
    const CsiSource source = *csi_source(spec, {}, {});
    auto begun = co_await begin(ctx, spec, source, words);
    if (!begun) co_return nothing_done(words.part, std::move(begun).error());
    const CsiPlace place = stage_of(spec, source);
    const CsiNotes notes = notes_of(spec, source);
    std::function<Result<Unit>()> prepare = [&]() -> Result<Unit> {
      TRY(write_notes(place.notes, notes));
      return os::make_directories(place.target, target_mode);
    };
    auto prepared = co_await blocking<Unit>(deps_.runtime, std::move(prepare));
    if (!prepared) co_return nothing_done(words.part, std::move(prepared).error());
    if (!begun->can.stage) co_return step_done();
    api::csi_v1::NodeStageVolumeRequest request;
    request.volume_id = source.handle;
    request.publish_context = std::move(begun->context);
    request.staging_target_path = place.target;
    request.volume_capability = volume_capability(spec, source, begun->can, spec.fs_group);
    request.volume_context = source.attributes;
    auto secrets = co_await secret(ctx, source.stage_secret);
    if (!secrets) co_return nothing_done(words.part, prefixed(words, "failed to get the NodeStage secret", std::move(secrets).error()));
    request.secrets = std::move(*secrets);
    auto staged = co_await begun->driver->stage(std::move(ctx), std::move(request));
    if (staged) co_return step_done();
    const csi::Outcome outcome = csi::outcome_of(staged.error());
    if (outcome == csi::Outcome::Refused) {
      std::function<Result<Unit>()> tidy = [&] { return forget_stage(spec.block, spec.name(), place); };
      (void)co_await blocking<Unit>(deps_.runtime, std::move(tidy));
    }
    co_return call_failed(words.part, std::move(staged).error());
  }

  rt::Task<Published> publish(rt::Context ctx, PodVolume volume) override {
    const VolumeSpec& spec = volume.spec;
    const core::Pod& pod = *volume.pod;
    const StepWords& words = spec.block ? publishing_device : publishing;
    const CsiSource source = *csi_source(spec, pod.metadata.namespace_, pod.metadata.uid);
    auto fits = check_lifecycle(source, object(source.driver));
    if (!fits)
      co_return not_published(nothing_done(judging.part, prefixed(judging, "failed to check volume lifecycle mode", std::move(fits).error())));
    auto begun = co_await begin(ctx, spec, source, words);
    if (!begun) co_return not_published(nothing_done(words.part, std::move(begun).error()));
    const std::string target = target_of(spec, pod.metadata.uid);
    auto request = co_await publish_request(ctx, volume, source, *begun, target);
    if (!request) co_return not_published(nothing_done(words.part, prefixed(words, "failed", std::move(request).error())));
    std::function<Result<Unit>()> prepare = [&] { return prepare_target(spec, source, pod.metadata.uid, target); };
    auto prepared = co_await blocking<Unit>(deps_.runtime, std::move(prepare));
    if (!prepared) co_return not_published(nothing_done(words.part, std::move(prepared).error()));
    auto done = co_await begun->driver->publish(ctx, std::move(*request));
    if (!done) co_return not_published(call_failed(words.part, std::move(done).error()));
    auto settled = co_await settle(ctx, volume, source, *begun, target);
    if (!settled) co_return not_published(step_failed(words.part, std::move(settled).error()));
    MountedVolume out = at(spec, std::move(*settled), source.read_only);
    out.block = spec.block;
    co_return published(std::move(out));
  }

  rt::Task<StepEnd> unpublish(rt::Context ctx, VolumeOnDisk volume, std::string pod_uid) override {
    const CsiDevicePlaces device = device_places(deps_.paths, volume.name);
    const CsiPlace place = published_place(deps_.paths, pod_uid, volume.name);
    const std::string notes_at = volume.block ? device.notes : place.notes;
    const std::string target = volume.block ? device.publish + "/" + pod_uid : place.target;
    std::function<Result<CsiNotes>()> read = [&] { return read_notes(notes_at); };
    auto notes = co_await blocking<CsiNotes>(deps_.runtime, std::move(read));
    if (notes) {
      auto undone = co_await unpublish_by_driver(ctx, volume, pod_uid, *notes, target);
      if (undone.outcome != Outcome::Done) co_return undone;
    } else if (!volume.block) {
      // Nobody knows whose it is: what is mounted there goes, and nothing of what it is a mount of.
      auto gone = co_await unmount_by_program(deps_.runtime, ctx, target, std::string(), umount_limit);
      if (!gone) co_return step_failed(tear_down, std::move(gone).error());
    }
    std::function<Result<Unit>()> forget = [&]() -> Result<Unit> {
      if (volume.block) return os::remove_name(link_of(pod_uid, volume.name));
      return remove_notes(place.notes);
    };
    auto forgotten = co_await blocking<Unit>(deps_.runtime, std::move(forget));
    if (!forgotten) co_return step_failed(tear_down, std::move(forgotten).error());
    co_return step_done();
  }

  rt::Task<StepEnd> unstage(rt::Context ctx, VolumeOnDisk volume) override {
    const auto identity = identity_of(volume.unique_name);
    const CsiDevicePlaces device = device_places(deps_.paths, volume.name);
    const CsiPlace place = volume.block ? CsiPlace{device.notes, device.stage} : staged_place(deps_.paths, identity->driver, identity->handle);
    const DriverPtr driver = deps_.drivers.driver(identity->driver);
    if (!driver) co_return nothing_done(unmount_device, absent(identity->driver));
    auto can = co_await driver->node_capabilities(ctx);
    if (!can) co_return nothing_done(unmount_device, std::move(can).error());
    if (can->stage) {
      api::csi_v1::NodeUnstageVolumeRequest request;
      request.volume_id = identity->handle;
      request.staging_target_path = place.target;
      auto undone = co_await driver->unstage(std::move(ctx), std::move(request));
      if (!undone) co_return call_failed(unmount_device, std::move(undone).error());
    }
    std::function<Result<Unit>()> forget = [&] { return forget_stage(volume.block, volume.name, place); };
    auto forgotten = co_await blocking<Unit>(deps_.runtime, std::move(forget));
    if (!forgotten) co_return step_failed(unmount_device, std::move(forgotten).error());
    co_return step_done();
  }

  rt::Task<Result<Space>> space(rt::Context ctx, VolumeSpec spec, MountedVolume mounted) const override {
    const CsiSource source = *csi_source(spec, {}, {});
    const DriverPtr driver = deps_.drivers.driver(source.driver);
    if (!driver || source.ephemeral) co_return Space();
    CO_TRY_ASSIGN(const csi::NodeCapabilities can, co_await driver->node_capabilities(ctx));
    if (!can.statistics) co_return Space();
    api::csi_v1::NodeGetVolumeStatsRequest request;
    request.volume_id = source.handle;
    request.volume_path = std::move(mounted.host_path);
    if (can.stage) request.staging_target_path = stage_of(spec, source).target;
    CO_TRY_ASSIGN(const auto answer, co_await driver->volume_stats(std::move(ctx), std::move(request)));
    co_return Space(space_of(answer));
  }

  std::optional<VolumeOnDisk> published_before(std::string_view pod_uid, std::string_view name, bool block) const override {
    const auto notes = read_notes(block ? device_places(deps_.paths, name).notes : published_place(deps_.paths, pod_uid, name).notes);
    if (!notes) return VolumeOnDisk{of_pod(pod_uid, name), std::string(name), block};
    const std::string unique = notes->ephemeral ? of_pod(pod_uid, name) : rules::unique_name({notes->driver, notes->handle});
    return VolumeOnDisk{unique, std::string(name), block};
  }
  std::vector<VolumeOnDisk> staged_before() const override {
    std::vector<VolumeOnDisk> out;
    for (const StagedNotes& staged : staged_notes(deps_.paths))
      out.push_back({rules::unique_name({staged.notes.driver, staged.notes.handle}), staged.device.value_or(""), staged.device.has_value()});
    return out;
  }

 private:
  // What a step that asks the driver begins with.
  struct Begun {
    DriverPtr driver;
    csi::NodeCapabilities can;
    FlatMap<std::string> context;  // of the attachment
  };

  static std::string of_pod(std::string_view pod_uid, std::string_view name) {
    return std::string(csi_plugin_name) + "/" + std::string(pod_uid) + "-" + std::string(name);
  }
  CsiDriverPtr object(const std::string& driver) const { return deps_.drivers.object(driver); }
  std::string attachment_of(const CsiSource& source) const {
    return source.ephemeral ? std::string() : rules::attachment_name({source.driver, source.handle}, deps_.node_name);
  }
  CsiNotes notes_of(const VolumeSpec& spec, const CsiSource& source) const {
    return {source.driver, source.handle, spec.name(), deps_.node_name, attachment_of(source), source.ephemeral};
  }
  CsiPlace stage_of(const VolumeSpec& spec, const CsiSource& source) const {
    if (!spec.block) return staged_place(deps_.paths, source.driver, source.handle);
    const CsiDevicePlaces device = device_places(deps_.paths, spec.name());
    return {device.notes, device.stage};
  }
  std::string target_of(const VolumeSpec& spec, const std::string& pod_uid) const {
    if (spec.block) return device_places(deps_.paths, spec.name()).publish + "/" + pod_uid;
    return published_place(deps_.paths, pod_uid, spec.name()).target;
  }
  std::string link_of(std::string_view pod_uid, std::string_view name) const {
    return deps_.paths.volume_device(pod_uid, escaped_plugin_name(csi_plugin_name), name);
  }
  DeviceMap map_of(const std::string& name, const std::string& pod_uid) const {
    return {link_of(pod_uid, name), device_places(deps_.paths, name).maps, pod_uid};
  }

  rt::Task<Result<Begun>> begin(rt::Context ctx, const VolumeSpec& spec, const CsiSource& source, const StepWords& words) {
    Begun out;
    out.driver = deps_.drivers.driver(source.driver);
    if (!out.driver) co_return Unexpected(prefixed(words, words.no_driver, absent(source.driver)));
    auto can = co_await out.driver->node_capabilities(ctx);
    if (!can)
      co_return Unexpected(prefixed(words, "failed to determine if the node service has VOLUME_MOUNT_GROUP capability", std::move(can).error()));
    out.can = *can;
    if (out.can.expand)
      growing_.insert(source.driver);
    else
      growing_.erase(source.driver);
    if (!spec.persistent || !is_attached_first(object(source.driver))) co_return std::move(out);
    auto context = co_await attachment_context(std::move(ctx), attachment_of(source));
    if (!context) co_return Unexpected(prefixed(words, "failed to get the attachment", std::move(context).error()));
    out.context = std::move(*context);
    co_return std::move(out);
  }

  rt::Task<Result<FlatMap<std::string>>> attachment_context(rt::Context ctx, std::string attachment) {
    if (!deps_.client) co_return error(Reason::ServiceUnavailable, "no API server is configured, and the volume needs one");
    CO_TRY_ASSIGN(auto found, co_await deps_.client->get<api::storage_v1::VolumeAttachment>(std::move(ctx), std::string(), attachment));
    if (!found.status.attached) co_return error(Reason::Conflict, "volume attachment " + attachment + " is not attached");
    co_return std::move(found.status.attachment_metadata);
  }

  rt::Task<Result<FlatMap<std::string>>> secret(rt::Context ctx, std::optional<SecretName> name) {
    FlatMap<std::string> none;
    if (!name) co_return std::move(none);
    if (!deps_.client) co_return error(Reason::ServiceUnavailable, "no API server is configured, and the volume needs one");
    auto found = co_await deps_.client->get<core::Secret>(std::move(ctx), name->namespace_name, name->name);
    if (!found) co_return error(found.error().reason, "secret " + name->namespace_name + "/" + name->name + ": " + found.error().message);
    co_return std::move(found->data);
  }

  // "" if the driver asks for none.
  rt::Task<Result<std::string>> tokens(rt::Context ctx, const PodVolume& volume, const CsiDriverPtr& object) {
    std::string none;
    if (!object || object->spec.token_requests.empty()) co_return std::move(none);
    if (!volume.driver_tokens) co_return error(Reason::ServiceUnavailable, "no API server is configured, and the driver wants tokens");
    std::vector<AudienceToken> out;
    for (const auto& wanted : object->spec.token_requests) {
      core::ServiceAccountTokenProjection projection;
      projection.audience = wanted.audience;
      projection.expiration_seconds = wanted.expiration_seconds;
      CO_TRY_ASSIGN(const auto token, co_await volume.driver_tokens->get_issued(ctx, *volume.pod, projection));
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(token.expires.time_since_epoch()).count();
      out.push_back({wanted.audience, token.text, api::format_time(api::time_from_unix(seconds, 0))});
    }
    co_return tokens_json(out);
  }

  rt::Task<Result<api::csi_v1::NodePublishVolumeRequest>> publish_request(rt::Context ctx, const PodVolume& volume, const CsiSource& source,
                                                                          const Begun& begun, const std::string& target) {
    const VolumeSpec& spec = volume.spec;
    const CsiDriverPtr said = object(source.driver);
    api::csi_v1::NodePublishVolumeRequest out;
    out.volume_id = source.handle;
    out.publish_context = begun.context;
    if (begun.can.stage && !source.ephemeral) out.staging_target_path = stage_of(spec, source).target;
    out.target_path = target;
    out.volume_capability = volume_capability(spec, source, begun.can, spec.fs_group);
    out.readonly = source.read_only;
    out.volume_context = source.attributes;
    if (wants_pod_info(said))
      for (auto& [key, value] : pod_info(*volume.pod, source.ephemeral)) out.volume_context[key] = value;
    CO_TRY_ASSIGN(out.secrets, co_await secret(ctx, source.publish_secret));
    CO_TRY_ASSIGN(std::string told, co_await tokens(std::move(ctx), volume, said));
    if (!told.empty()) {
      FlatMap<std::string>& into = said->spec.service_account_token_in_secrets.value_or(false) ? out.secrets : out.volume_context;
      into[std::string(csi::tokens_key)] = std::move(told);
    }
    co_return std::move(out);
  }

  // The link of a device comes first and goes last: where it is not, the pod has nothing. Blocks.
  Result<Unit> prepare_target(const VolumeSpec& spec, const CsiSource& source, const std::string& pod_uid, const std::string& target) const {
    if (!spec.block) return write_notes(published_place(deps_.paths, pod_uid, spec.name()).notes, notes_of(spec, source));
    const std::string link = link_of(pod_uid, spec.name());
    TRY(os::make_directories(rt::parent_path(link), target_mode));
    TRY(os::set_link(link, target));
    return os::make_directories(rt::parent_path(target), target_mode);
  }

  // After the driver's part: the pod's group, its device, and what the volume has grown by. What containers mount or map.
  rt::Task<Result<std::string>> settle(rt::Context ctx, const PodVolume& volume, const CsiSource& source, const Begun& begun, std::string target) {
    const VolumeSpec& spec = volume.spec;
    std::string out = target;
    if (spec.block) {
      const std::string uid = volume.pod->metadata.uid;
      std::function<Result<std::string>()> map = [this, &spec, uid, target]() -> Result<std::string> {
        TRY_ASSIGN(const auto device, os::block_device_at(target));
        if (!device) return error(Reason::Invalid, "the driver has put no block device at " + target);
        return map_device(map_of(spec.name(), uid), *device);
      };
      CO_TRY_ASSIGN(out, co_await blocking<std::string>(deps_.runtime, std::move(map)));
    } else if (!begun.can.volume_mount_group && is_owned_by_kubelet(spec, source, object(source.driver))) {
      std::function<Result<Unit>()> own = [target, gid = *spec.fs_group, mismatch = spec.owned_on_root_mismatch] {
        return own_by_group(target, gid, false, mismatch);
      };
      auto owned = co_await deps_.owner->run(ctx, std::move(own));
      if (!owned) co_return error(owned.error().reason, "applyFSGroup failed for vol " + source.handle + ": " + owned.error().message);
    }
    if (begun.can.expand) co_await grow(std::move(ctx), volume, source, begun, std::move(target));
    co_return std::move(out);
  }

  // A volume that does not grow is mounted all the same.
  rt::Task<void> grow(rt::Context ctx, const PodVolume& volume, const CsiSource& source, const Begun& begun, std::string target) {
    const VolumeSpec& spec = volume.spec;
    const auto size = grown_to(spec);
    if (!size || !deps_.client) co_return;
    api::csi_v1::NodeExpandVolumeRequest request;
    request.volume_id = source.handle;
    request.volume_path = std::move(target);
    if (begun.can.stage) request.staging_target_path = stage_of(spec, source).target;
    request.capacity_range.ensure().required_bytes = size->value();
    request.volume_capability = volume_capability(spec, source, begun.can, std::nullopt);
    auto secrets = co_await secret(ctx, source.expand_secret);
    if (!secrets) co_return tell(volume, true, "VolumeResizeFailed", "NodeExpandVolume.NodeExpandVolume failed for volume", secrets.error().message);
    request.secrets = std::move(*secrets);
    const auto grown = co_await begun.driver->expand(ctx, std::move(request));
    if (!grown) co_return tell(volume, true, "VolumeResizeFailed", "NodeExpandVolume.NodeExpandVolume failed for volume", grown.error().message);
    client::PatchOptions options;
    options.subresource = "status";
    const auto noted =
        co_await deps_.client->patch<core::PersistentVolumeClaim>(std::move(ctx), spec.claim->metadata.namespace_, spec.claim->metadata.name,
                                                                  client::PatchType::Merge, grown_patch(*spec.claim, *size), std::move(options));
    if (!noted) {
      component::log::error("The size that a volume has now is not noted; it is tried again", noted.error(), {{"volume", spec.name()}});
      co_return;
    }
    tell(volume, false, "FileSystemResizeSuccessful", "MountVolume.NodeExpandVolume succeeded for volume", deps_.node_name);
  }

  void tell(const PodVolume& volume, bool warning, std::string_view reason, std::string_view what, const std::string& more) const {
    if (!deps_.tell) return;
    std::string message = std::string(what) + " \"" + volume.spec.name() + "\"" + (warning ? " : " : " ") + more;
    deps_.tell(*volume.pod, warning, reason, message);
  }

  rt::Task<StepEnd> unpublish_by_driver(rt::Context ctx, VolumeOnDisk volume, std::string pod_uid, CsiNotes notes, std::string target) {
    const DriverPtr driver = deps_.drivers.driver(notes.driver);
    if (!driver) co_return nothing_done(tear_down, absent(notes.driver));
    if (volume.block) {
      std::function<Result<Unit>()> unmap = [&] { return unmap_node(map_of(volume.name, pod_uid)); };
      auto unmapped = co_await blocking<Unit>(deps_.runtime, std::move(unmap));
      if (!unmapped) co_return step_failed(tear_down, std::move(unmapped).error());
    }
    api::csi_v1::NodeUnpublishVolumeRequest request;
    request.volume_id = notes.handle;
    request.target_path = target;
    auto undone = co_await driver->unpublish(std::move(ctx), std::move(request));
    if (!undone) co_return call_failed(tear_down, std::move(undone).error());
    std::function<Result<Unit>()> remove = [&] { return remove_target(target); };
    auto removed = co_await blocking<Unit>(deps_.runtime, std::move(remove));
    if (!removed) co_return step_failed(tear_down, std::move(removed).error());
    co_return step_done();
  }

  // What the driver has left of it, if it is no mount any more. Blocks.
  static Result<Unit> remove_target(const std::string& target) {
    TRY_ASSIGN(const bool mounted, is_mounted(target));
    if (mounted) return error(Reason::Conflict, "the driver has left " + target + " mounted");
    TRY_ASSIGN(const bool gone, os::remove_if_empty(target));
    if (!gone) return error(Reason::Conflict, "the driver has left files in " + target);
    return os::remove_name(target);  // a file, where a device was
  }

  static Result<Unit> forget_stage(const CsiPlace& place) {
    TRY(remove_target(place.target));
    return remove_notes(place.notes);
  }
  Result<Unit> forget_stage(bool block, const std::string& name, const CsiPlace& place) const {
    TRY(forget_stage(place));
    if (!block) return Unit{};
    const CsiDevicePlaces device = device_places(deps_.paths, name);
    TRY(os::remove_if_empty(device.publish));
    TRY(os::remove_if_empty(device.maps));
    TRY(os::remove_if_empty(device.root));
    return Unit{};
  }

  const CsiDeps deps_;
  std::set<std::string, std::less<>> growing_;  // drivers that grow volumes on the node, as they last said
};

}  // namespace

VolumePluginPtr make_csi_plugin(CsiDeps deps) { return std::make_shared<Csi>(std::move(deps)); }

}  // namespace pintle::kubelet::volumes::plugins

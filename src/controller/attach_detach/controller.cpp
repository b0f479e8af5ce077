#include "controller/attach_detach/controller.h"

#include <algorithm>

#include "api/gen/storage_v1.h"
#include "client/work_queue.h"
#include "component/log.h"
#include "controller/attach_detach/metrics.h"
#include "controller/attach_detach/plan.h"
#include "controller/attach_detach/state_of_world.h"
#include "controller/objects/json_text.h"
#include "controller/objects/out_of_service.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_store.h"
#include "rules/conditions.h"
#include "rules/pod_claims.h"
#include "rules/pod_state.h"

namespace pintle::controller::attach_detach {

namespace log = component::log;
using api::core_v1::Node;
using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;
using api::storage_v1::CSIDriver;
using api::storage_v1::VolumeAttachment;
using AttachmentPtr = std::shared_ptr<const VolumeAttachment>;
using ClaimPtr = std::shared_ptr<const PersistentVolumeClaim>;
using NodePtr = std::shared_ptr<const Node>;
using VolumePtr = std::shared_ptr<const PersistentVolume>;

namespace {

constexpr std::string_view managed_annotation = "volumes.kubernetes.io/controller-managed-attach-detach";
constexpr std::size_t volumes_at_once = 10, nodes_at_once = 4;

bool is_managed(const Node& node) { return node.metadata.annotations.contains(managed_annotation); }
bool is_healthy(const Node& node) { return rules::condition_is(node.status.conditions, "Ready", "True"); }
// A pod that is told to go needs its volumes while a container of it runs.
bool has_ended(const Pod& pod) {
  if (rules::is_terminal(pod)) return true;
  return pod.metadata.deletion_timestamp &&
         std::ranges::none_of(pod.status.container_statuses, [](const auto& status) { return !status.state.terminated && !status.state.waiting; });
}

class AttachDetachController final : public Controller {
 public:
  explicit AttachDetachController(ControllerDeps deps)
      : deps_(deps),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        volumes_(deps.informers.of<PersistentVolume>()),
        nodes_(deps.informers.of<Node>()),
        drivers_(deps.informers.of<CSIDriver>()),
        attachments_(deps.informers.of<VolumeAttachment>()),
        written_(attachments_),
        written_nodes_(nodes_),
        loop_(deps.loop("attach_detach_volumes"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }),
        node_loop_(deps.loop("attach_detach_nodes"), [this](rt::Context ctx, std::string key) { return tell_node(std::move(ctx), std::move(key)); }) {
    watch_pods();
    watch_storage();
    watch_nodes();
  }
  void start() override;
  rt::Task<void> stop() override {
    co_await loop_.stop();
    co_await node_loop_.stop();
  }

 private:
  void watch_pods();
  void watch_storage();
  void watch_nodes();
  void look_at_pod(const Pod& pod);
  void look_at_claim(const std::string& key) {
    for (const pods::PodPtr& pod : deps_.pods.using_claim(key)) look_at_pod(*pod);
  }
  void attachment_changed(const VolumeAttachment& attachment, bool gone);
  void node_changed(const Node* before, const Node& after);
  void enqueue(const std::vector<std::string>& uniques) {
    for (const std::string& unique : uniques) loop_.queue().add(unique);
  }
  // The volume of the claim that a pod names; nullopt: it is not bound yet, or no driver attaches it.
  std::optional<rules::CsiVolume> volume_of_claim(const Pod& pod, const api::core_v1::Volume& volume) const;
  std::optional<rules::CsiVolume> volume_of(const VolumeAttachment& attachment) const;
  AttachmentPtr attachment_of(const rules::CsiVolume& volume, const std::string& node);
  bool is_attachable(const rules::CsiVolume& volume) const;
  Observed observe(const std::string& unique, KnownVolume& known);
  bool waits_for_reconciliation(Place& place, bool there, rt::TimePoint now, std::optional<rt::Duration>& wait) const;
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> apply(rt::Context ctx, std::string unique, rules::CsiVolume volume, Step step);
  rt::Task<Result<Unit>> attach(rt::Context ctx, std::string unique, rules::CsiVolume volume, std::string node);
  rt::Task<Result<Unit>> detach(rt::Context ctx, std::string unique, rules::CsiVolume volume, Step step);
  rt::Task<Result<Unit>> tell_node(rt::Context ctx, std::string node);
  void confirm(const std::string& unique, const rules::CsiVolume& volume, const std::string& node);
  void tell_failure(const std::string& unique, const rules::CsiVolume& volume, const std::string& node, const std::string& why, bool to_all);
  void tell_elsewhere(const std::string& unique, const rules::CsiVolume& volume, const Step& step);
  void tell_pods(const Place& place, bool warning, std::string_view reason, const std::string& message);
  void count(const std::string& unique, const rules::CsiVolume& volume, const std::string& node);

  ControllerDeps deps_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::Informer<PersistentVolume> volumes_;
  client::Informer<Node> nodes_;
  client::Informer<CSIDriver> drivers_;
  client::Informer<VolumeAttachment> attachments_;
  objects::Written<VolumeAttachment> written_;
  objects::Written<Node> written_nodes_;
  StateOfWorld world_;
  std::map<std::string, std::pair<std::string, std::string>> places_of_attachments_;  // by their names: those of ours, volume and node
  Metrics metrics_{deps_.families};
  bool started_ = false;  // until then nothing is known well enough
  client::ControlLoop loop_, node_loop_;
};

void AttachDetachController::watch_pods() {
  client::Informer<Pod>::Handler pods;
  pods.on_add = [this](const pods::PodPtr& pod, bool) { look_at_pod(*pod); };
  pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
    if (before->spec.node_name != after->spec.node_name || has_ended(*before) != has_ended(*after) || before->metadata.uid != after->metadata.uid)
      look_at_pod(*after);
  };
  pods.on_delete = [this](const pods::PodPtr& pod) {
    const std::string key = client::object_key(pod->metadata.namespace_, pod->metadata.name);
    metrics_.pod_needs(key, pod->spec.node_name, {});
    enqueue(world_.remove_pod(key, deps_.runtime.clock().now()));
  };
  deps_.pods.informer().add_handler(std::move(pods));
}

void AttachDetachController::watch_storage() {
  client::Informer<PersistentVolumeClaim>::Handler claims;
  claims.on_add = [this](const ClaimPtr& claim, bool) { look_at_claim(client::object_key(claim->metadata.namespace_, claim->metadata.name)); };
  claims.on_update = [this](const ClaimPtr& before, const ClaimPtr& after) {
    if (before->status.phase != after->status.phase || before->spec.volume_name != after->spec.volume_name)
      look_at_claim(client::object_key(after->metadata.namespace_, after->metadata.name));
  };
  claims_.add_handler(std::move(claims));
  client::Informer<PersistentVolume>::Handler volumes;
  const auto bound = [this](const PersistentVolume& volume) {
    if (volume.spec.claim_ref) look_at_claim(client::object_key(volume.spec.claim_ref->namespace_, volume.spec.claim_ref->name));
  };
  volumes.on_add = [bound](const VolumePtr& volume, bool) { bound(*volume); };
  volumes.on_update = [bound](const VolumePtr& before, const VolumePtr& after) {
    if ((before->spec.claim_ref ? before->spec.claim_ref->uid : "") != (after->spec.claim_ref ? after->spec.claim_ref->uid : "")) bound(*after);
  };
  volumes_.add_handler(std::move(volumes));
  drivers_.on_any([this](const CSIDriver& driver) { enqueue(world_.of_driver(driver.metadata.name)); });
  client::Informer<VolumeAttachment>::Handler attachments;
  attachments.on_add = [this](const AttachmentPtr& attachment, bool) { attachment_changed(*attachment, false); };
  attachments.on_update = [this](const AttachmentPtr&, const AttachmentPtr& attachment) { attachment_changed(*attachment, false); };
  attachments.on_delete = [this](const AttachmentPtr& attachment) { attachment_changed(*attachment, true); };
  attachments_.add_handler(std::move(attachments));
}

void AttachDetachController::watch_nodes() {
  client::Informer<Node>::Handler nodes;
  nodes.on_add = [this](const NodePtr& node, bool) { node_changed(nullptr, *node); };
  nodes.on_update = [this](const NodePtr& before, const NodePtr& after) { node_changed(before.get(), *after); };
  nodes.on_delete = [this](const NodePtr& node) { enqueue(world_.on_node(node->metadata.name)); };
  nodes_.add_handler(std::move(nodes));
}

// First what earlier managers left: nodes tell what is attached, and attachments what may be. Then what pods need.
void AttachDetachController::start() {
  started_ = true;
  const rt::TimePoint now = deps_.runtime.clock().now();
  for (const NodePtr& node : nodes_.list())
    for (const auto& there : node->status.volumes_attached)
      if (const auto volume = rules::parse_unique_name(there.name)) world_.take_up(*volume, node->metadata.name, true, now);
  for (const AttachmentPtr& attachment : attachments_.list())
    if (const auto volume = volume_of(*attachment)) world_.take_up(*volume, attachment->spec.node_name, false, now);
  for (const NodePtr& node : nodes_.list()) {
    for (const pods::PodPtr& pod : deps_.pods.on_node(node->metadata.name)) look_at_pod(*pod);
    for (const std::string& unique : world_.on_node(node->metadata.name)) {
      const rules::CsiVolume& volume = world_.find(unique)->volume;
      places_of_attachments_[attachment_name(volume, node->metadata.name)] = {unique, node->metadata.name};
      loop_.queue().add(unique);
    }
  }
  loop_.start(deps_.workers(volumes_at_once));
  node_loop_.start(nodes_at_once);
}

std::optional<rules::CsiVolume> AttachDetachController::volume_of_claim(const Pod& pod, const api::core_v1::Volume& volume) const {
  const std::string name = rules::claim_name(pod, volume);
  const ClaimPtr claim = name.empty() ? nullptr : claims_.get(pod.metadata.namespace_, name);
  if (claim == nullptr || claim->status.phase != "Bound" || claim->spec.volume_name.empty()) return std::nullopt;
  if (volume.ephemeral && !rules::is_claim_of(*claim, pod)) return std::nullopt;
  const VolumePtr bound = volumes_.get(claim->spec.volume_name);
  if (bound == nullptr || !bound->spec.claim_ref || bound->spec.claim_ref->uid != claim->metadata.uid) return std::nullopt;
  return rules::csi_volume_of(*bound);
}

// Only under the name that we would give it; others' attachments are theirs.
std::optional<rules::CsiVolume> AttachDetachController::volume_of(const VolumeAttachment& attachment) const {
  const auto& name = attachment.spec.source.persistent_volume_name;
  const VolumePtr volume = name ? volumes_.get(*name) : nullptr;
  auto out = volume != nullptr ? rules::csi_volume_of(*volume) : std::nullopt;
  if (!out || attachment_name(*out, attachment.spec.node_name) != attachment.metadata.name) return std::nullopt;
  return out;
}

void AttachDetachController::look_at_pod(const Pod& pod) {
  if (!started_ || pod.spec.node_name.empty()) return;
  std::vector<rules::CsiVolume> needed;
  const NodePtr node = nodes_.get(pod.spec.node_name);
  if (!has_ended(pod) && node != nullptr && is_managed(*node))
    for (const auto& volume : pod.spec.volumes)
      if (auto csi = volume_of_claim(pod, volume)) needed.push_back(std::move(*csi));
  const std::string key = client::object_key(pod.metadata.namespace_, pod.metadata.name);
  metrics_.pod_needs(key, pod.spec.node_name, needed);
  for (const rules::CsiVolume& volume : needed)
    places_of_attachments_[attachment_name(volume, pod.spec.node_name)] = {unique_name(volume), pod.spec.node_name};
  enqueue(world_.set_pod(key, pod.spec.node_name, needed, deps_.runtime.clock().now()));
}

void AttachDetachController::attachment_changed(const VolumeAttachment& attachment, bool gone) {
  const auto it = places_of_attachments_.find(attachment.metadata.name);
  if (it == places_of_attachments_.end()) return;
  Place* place = world_.place(it->second.first, it->second.second);
  if (place == nullptr) {
    places_of_attachments_.erase(it);
    return;
  }
  if (gone && place->confirmed) place->vanished_at = deps_.runtime.clock().now();
  loop_.queue().add(it->second.first);
}

void AttachDetachController::node_changed(const Node* before, const Node& after) {
  const std::string& name = after.metadata.name;
  if (!started_) return;
  if (is_managed(after) && (before == nullptr || !is_managed(*before)))
    for (const pods::PodPtr& pod : deps_.pods.on_node(name)) look_at_pod(*pod);
  if (before == nullptr || before->status.volumes_in_use != after.status.volumes_in_use || is_healthy(*before) != is_healthy(after) ||
      objects::has_out_of_service_taint(*before) != objects::has_out_of_service_taint(after))
    enqueue(world_.on_node(name));
  if (before == nullptr || !std::ranges::equal(before->status.volumes_attached, after.status.volumes_attached, {},
                                               &api::core_v1::AttachedVolume::name, &api::core_v1::AttachedVolume::name))
    node_loop_.queue().add(name);
}

AttachmentPtr AttachDetachController::attachment_of(const rules::CsiVolume& volume, const std::string& node) {
  const std::string name = attachment_name(volume, node);
  if (const AttachmentPtr seen = attachments_.get(name)) return written_.newest(seen);
  for (const AttachmentPtr& made : written_.unseen(""))
    if (made->metadata.name == name) return made;
  return nullptr;
}

bool AttachDetachController::is_attachable(const rules::CsiVolume& volume) const {
  const auto driver = drivers_.get(volume.driver);
  return driver == nullptr || driver->spec.attach_required.value_or(true);
}

// Whether its attachment, which somebody else took away, is not to be made again yet.
bool AttachDetachController::waits_for_reconciliation(Place& place, bool there, rt::TimePoint now, std::optional<rt::Duration>& wait) const {
  if (there) place.vanished_at.reset();
  if (!place.vanished_at || place.pods.empty()) return false;
  if (deps_.options.disable_attach_detach_reconcile_sync) return true;
  const rt::Duration left = *place.vanished_at + deps_.options.attach_detach_reconcile_sync_period - now;
  if (left <= rt::Duration::zero()) return false;
  wait = std::min(wait.value_or(left), left);
  return true;
}

Observed AttachDetachController::observe(const std::string& unique, KnownVolume& known) {
  const rt::TimePoint now = deps_.runtime.clock().now();
  Observed seen{is_attachable(known.volume), known.volume.multi_attach, {}, !deps_.options.disable_force_detach_on_timeout};
  for (auto& [name, place] : known.places) {
    NodeView& view = seen.nodes[name];
    view.wanted = !place.pods.empty();
    view.known = place.known;
    view.confirmed = place.confirmed;
    if (const AttachmentPtr attachment = attachment_of(known.volume, name)) {
      view.attachment = AttachmentView{attachment->status.attached, attachment->metadata.deletion_timestamp.has_value(), ""};
      if (attachment->status.attach_error) view.attachment->error = attachment->status.attach_error->message;
      if (view.attachment->error.empty() && attachment->status.attach_error) view.attachment->error = "unknown error";
    }
    if (const NodePtr node = nodes_.get(name)) {
      view.in_use = std::ranges::find(node->status.volumes_in_use, unique) != node->status.volumes_in_use.end();
      view.healthy = is_healthy(*node);
      view.out_of_service = objects::has_out_of_service_taint(*node);
    }
    if (place.unwanted_since) view.unwanted_for = now - *place.unwanted_since;
    if (place.asked_at) view.asked_for = now - *place.asked_at;
  }
  return seen;
}

rt::Task<Result<Unit>> AttachDetachController::sync(rt::Context ctx, std::string key) {
  KnownVolume* known = world_.find(key);
  if (known == nullptr) co_return Unit{};
  const rules::CsiVolume volume = known->volume;
  CO_TRY_ASSIGN(Observed seen, contained([&] { return observe(key, *known); }));
  std::optional<rt::Duration> wait;
  const rt::TimePoint now = deps_.runtime.clock().now();
  for (auto& [name, place] : known->places)
    if (waits_for_reconciliation(place, seen.nodes.at(name).attachment.has_value(), now, wait)) seen.nodes.erase(name);
  CO_TRY_ASSIGN(const Plan plan, contained([&] { return plan_volume(seen); }));
  std::optional<Status> failure;
  for (const Step& step : plan.steps) {
    auto done = co_await apply(ctx, key, volume, step);
    if (!done && !failure) failure = std::move(done).error();
    count(key, volume, step.node);
  }
  if (plan.look_again) wait = std::min(wait.value_or(*plan.look_again), *plan.look_again);
  if (wait) loop_.queue().add_after(key, *wait);
  if (failure) co_return Unexpected(std::move(*failure));
  co_return Unit{};
}

rt::Task<Result<Unit>> AttachDetachController::apply(rt::Context ctx, std::string unique, rules::CsiVolume volume, Step step) {
  switch (step.kind) {
    case Step::Kind::Attach: co_return co_await attach(std::move(ctx), std::move(unique), std::move(volume), std::move(step.node));
    case Step::Kind::Detach: co_return co_await detach(std::move(ctx), std::move(unique), std::move(volume), std::move(step));
    case Step::Kind::Confirm: confirm(unique, volume, step.node); break;
    case Step::Kind::TellElsewhere: tell_elsewhere(unique, volume, step); break;
    case Step::Kind::TellTimeout:
      tell_failure(unique, volume, step.node,
                   "timed out waiting for external-attacher of " + volume.driver + " CSI driver to attach volume " + volume.handle, true);
      break;
    case Step::Kind::TellError:
      if (const AttachmentPtr attachment = attachment_of(volume, step.node); attachment != nullptr && attachment->status.attach_error)
        tell_failure(unique, volume, step.node, attachment->status.attach_error->message, false);
      break;
    case Step::Kind::Forget:
      if (const Place* place = world_.place(unique, step.node); place != nullptr && place->asked_at)
        metrics_.done(volume, "volume_detach", true, deps_.runtime.clock().now() - *place->asked_at);
      metrics_.place(volume, step.node, false, false);
      places_of_attachments_.erase(attachment_name(volume, step.node));
      world_.forget(unique, step.node);
      node_loop_.queue().add(step.node);
      break;
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> AttachDetachController::attach(rt::Context ctx, std::string unique, rules::CsiVolume volume, std::string node) {
  Place* place = world_.place(unique, node);
  if (place == nullptr || volume.persistent_volume.empty()) co_return Unit{};
  place->known = true;
  place->confirmed = false;
  place->vanished_at.reset();
  place->asked_at = deps_.runtime.clock().now();
  VolumeAttachment attachment;
  attachment.metadata.name = attachment_name(volume, node);
  attachment.spec.attacher = volume.driver;
  attachment.spec.node_name = node;
  attachment.spec.source.persistent_volume_name = volume.persistent_volume;
  log::info(1, "Attaching a volume", {{"volume", unique}, {"node", node}});
  auto made = co_await deps_.client.create<VolumeAttachment>(std::move(ctx), std::move(attachment));
  if (made) {
    written_.remember(std::move(*made));
    loop_.queue().add_after(unique, attach_wait_max);
    co_return Unit{};
  }
  if (made.error().reason == Reason::AlreadyExists) co_return Unit{};  // its event comes
  tell_failure(unique, volume, node, made.error().message, false);
  co_return Unexpected(std::move(made).error());
}

// The node's own word, fresh, unless it is not waited for: the informer may be behind a mount that has just begun.
rt::Task<Result<Unit>> AttachDetachController::detach(rt::Context ctx, std::string unique, rules::CsiVolume volume, Step step) {
  if (step.forced.empty()) {
    auto node = co_await deps_.client.get<Node>(ctx, "", step.node);
    if (!node && node.error().reason != Reason::NotFound) co_return Unexpected(std::move(node).error());
    if (node && std::ranges::find(node->status.volumes_in_use, unique) != node->status.volumes_in_use.end()) co_return Unit{};  // its event comes
  }
  Place* place = world_.place(unique, step.node);
  if (place == nullptr || !place->pods.empty()) co_return Unit{};  // needed again
  place->confirmed = false;
  place->asked_at = deps_.runtime.clock().now();
  CO_TRY(co_await tell_node(ctx, step.node));
  place = world_.place(unique, step.node);
  if (place == nullptr || !place->pods.empty()) co_return Unit{};
  log::info(1, "Detaching a volume", {{"volume", unique}, {"node", step.node}, {"forced", std::string(step.forced)}});
  if (!step.forced.empty()) metrics_.forced(step.forced);
  auto done = co_await deps_.client.remove<VolumeAttachment>(std::move(ctx), "", attachment_name(volume, step.node));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

void AttachDetachController::confirm(const std::string& unique, const rules::CsiVolume& volume, const std::string& node) {
  Place* place = world_.place(unique, node);
  if (place == nullptr) return;
  const rt::TimePoint now = deps_.runtime.clock().now();
  metrics_.done(volume, "volume_attach", true, now - place->asked_at.value_or(now));
  place->known = place->confirmed = true;
  place->asked_at.reset();
  place->told_error.clear();
  tell_pods(*place, false, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"" + volume.persistent_volume + "\" ");
  node_loop_.queue().add(node);
}

// Once for each failure, or each time that the attacher does not answer.
void AttachDetachController::tell_failure(const std::string& unique, const rules::CsiVolume& volume, const std::string& node, const std::string& why,
                                          bool again) {
  Place* place = world_.place(unique, node);
  if (place == nullptr) return;
  place->known = true;
  if (!again && place->told_error == why) return;
  const rt::TimePoint now = deps_.runtime.clock().now();
  metrics_.done(volume, "volume_attach", false, now - place->asked_at.value_or(now));
  place->told_error = why;
  if (again) place->asked_at = now;
  tell_pods(*place, true, "FailedAttachVolume", "AttachVolume.Attach failed for volume \"" + volume.persistent_volume + "\" : " + why);
}

// Users are not told the names of pods in other namespaces than their own.
void AttachDetachController::tell_elsewhere(const std::string& unique, const rules::CsiVolume& volume, const Step& step) {
  Place* place = world_.place(unique, step.node);
  if (place == nullptr || std::exchange(place->told_elsewhere, true)) return;
  std::vector<client::KeyParts> users;
  for (const std::string& other : step.others)
    if (const Place* there = world_.place(unique, other))
      for (const std::string& pod : there->pods) users.push_back(client::split_key(pod));
  const std::string head = "Multi-Attach error for volume \"" + volume.persistent_volume + "\" ";
  for (const std::string& key : place->pods) {
    const pods::PodPtr pod = deps_.pods.get(key);
    if (pod == nullptr) continue;
    std::string named;
    std::size_t unnamed = 0;
    for (const auto& user : users) {
      if (user.namespace_name == pod->metadata.namespace_) {
        named += (named.empty() ? "" : ", ") + std::string(user.name);
      } else {
        ++unnamed;
      }
    }
    std::string message = head;
    const std::string elsewhere = std::to_string(unnamed) + " pod(s) in different namespaces";
    if (users.empty()) {
      message += "Volume is already exclusively attached to one node and can't be attached to another";
    } else if (named.empty()) {
      message += "Volume is already used by " + elsewhere;
    } else {
      message += "Volume is already used by pod(s) " + named + (unnamed > 0 ? " and " + elsewhere : "");
    }
    deps_.events.warning(*pod, "FailedAttachVolume", std::move(message));
  }
}

void AttachDetachController::tell_pods(const Place& place, bool warning, std::string_view reason, const std::string& message) {
  for (const std::string& key : place.pods) {
    const pods::PodPtr pod = deps_.pods.get(key);
    if (pod == nullptr) continue;
    if (warning) {
      deps_.events.warning(*pod, std::string(reason), message);
    } else {
      deps_.events.normal(*pod, std::string(reason), message);
    }
  }
}

void AttachDetachController::count(const std::string& unique, const rules::CsiVolume& volume, const std::string& node) {
  const Place* place = world_.place(unique, node);
  metrics_.place(volume, node, place != nullptr && !place->pods.empty(), place != nullptr && place->known);
}

// What the kubelet goes by before it mounts.
rt::Task<Result<Unit>> AttachDetachController::tell_node(rt::Context ctx, std::string name) {
  NodePtr node = nodes_.get(name);
  if (node == nullptr) co_return Unit{};
  node = written_nodes_.newest(node);
  const std::vector<std::string> wanted = world_.reported_on(name);
  std::vector<std::string> has;
  for (const auto& volume : node->status.volumes_attached) has.push_back(volume.name);
  std::ranges::sort(has);
  if (has == wanted) co_return Unit{};
  std::string body = R"({"status":{"volumesAttached":)";
  if (wanted.empty()) {
    body += "null";
  } else {
    for (const std::string& unique : wanted)
      body += (unique == wanted.front() ? R"([{"devicePath":"","name":)" : R"(,{"devicePath":"","name":)") + objects::json_string(unique) + "}";
    body += "]";
  }
  client::PatchOptions options;
  options.subresource = "status";
  auto done = co_await deps_.client.patch<Node>(std::move(ctx), "", name, client::PatchType::Strategic, body + "}}", std::move(options));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  if (done) written_nodes_.remember(std::move(*done));
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_attach_detach_controller(ControllerDeps deps) { return std::make_unique<AttachDetachController>(std::move(deps)); }

}  // namespace pintle::controller::attach_detach

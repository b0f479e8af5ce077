#include "controller/resource_claim/controller.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "client/work_queue.h"
#include "codec/json.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_store.h"
#include "controller/resource_claim/plan.h"
#include "rules/resource_claims.h"

namespace pintle::controller::resource_claim {

namespace {

constexpr std::string_view index_by_claim = "resource-claim";              // pods, by "namespace/claim"
constexpr std::string_view index_by_template = "resource-claim-template";  // pods, by "namespace/template"
constexpr std::string_view index_by_owner = "owning-pod";                  // claims, by the pod's uid
constexpr std::size_t gone_pods_max = 500;                                 // remembered: of others the API server is asked

// The uids of pods that were deleted last.
class GonePods {
 public:
  void add(const std::string& uid) {
    if (!uids_.insert(uid).second) return;
    order_.push_back(uid);
    if (order_.size() <= gone_pods_max) return;
    uids_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(const std::string& uid) const { return uids_.contains(uid); }

 private:
  std::set<std::string> uids_;
  std::deque<std::string> order_;
};

std::string_view text_of(bool value) { return value ? "true" : "false"; }

// As the metrics name a claim's kind.
std::vector<std::string> claim_labels(const ResourceClaim& claim) {
  const auto& annotations = claim.metadata.annotations;
  std::string_view source;
  if (const std::string* extended = annotations.get(rules::extended_resource_claim_annotation); extended != nullptr && *extended == "true") {
    source = "extended_resource";
  } else if (const std::string* made = annotations.get(rules::pod_resource_claim_annotation); made != nullptr && !made->empty()) {
    source = "resource_claim_template";
  }
  return {std::string(text_of(static_cast<bool>(claim.status.allocation))), std::string(text_of(rules::has_admin_access(claim.spec))),
          std::string(source)};
}

class ResourceClaimController final : public Controller {
 public:
  explicit ResourceClaimController(ControllerDeps deps)
      : deps_(deps),
        claims_(deps.informers.of<ResourceClaim>()),
        templates_(deps.informers.of<ResourceClaimTemplate>()),
        written_(claims_),
        loop_(deps.loop("resource_claim"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    index();
    client::Informer<Pod>::Handler pods;
    pods.on_add = [this](const pods::PodPtr& pod, bool) { on_pod(*pod, false); };
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
      if (before->metadata.uid != after->metadata.uid) on_pod(*before, true);
      on_pod(*after, false);
    };
    pods.on_delete = [this](const pods::PodPtr& pod) { on_pod(*pod, true); };
    deps_.pods.informer().add_handler(std::move(pods));
    client::Informer<ResourceClaim>::Handler claims;
    claims.on_add = [this](const ClaimPtr& claim, bool) { on_claim(*claim, false); };
    claims.on_update = [this](const ClaimPtr&, const ClaimPtr& claim) { on_claim(*claim, false); };
    claims.on_delete = [this](const ClaimPtr& claim) { on_claim(*claim, true); };
    claims_.add_handler(std::move(claims));
    client::Informer<ResourceClaimTemplate>::Handler templates;
    const auto on_template = [this](const std::shared_ptr<const ResourceClaimTemplate>& t) {
      for (const pods::PodPtr& pod : deps_.pods.informer().by_index(index_by_template, client::object_key(t->metadata.namespace_, t->metadata.name)))
        on_pod(*pod, false);
    };
    templates.on_add = [on_template](const auto& t, bool) { on_template(t); };
    templates.on_update = [on_template](const auto&, const auto& t) { on_template(t); };
    templates_.add_handler(std::move(templates));
  }
  void start() override { loop_.start(deps_.workers(50)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void index();
  void on_pod(const Pod& pod, bool deleted);
  void on_claim(const ResourceClaim& claim, bool deleted);
  void look_at_claim(const std::string& namespace_name, const std::string& name) {
    loop_.queue().add("claim:" + client::object_key(namespace_name, name));
  }
  ClaimPtr find_claim(const std::string& namespace_name, const std::string& name) const { return claims_.get(namespace_name, name); }
  // The one that was made for this entry of the pod, be it that the informer has not seen it.
  ClaimPtr find_made(const Pod& pod, const std::string& pod_claim);

  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync_pod(rt::Context ctx, pods::PodPtr pod);
  // The name of the claim that the entry got, "": the pod knows it, or there is none to make.
  rt::Task<Result<std::string>> ensure(rt::Context ctx, pods::PodPtr pod, api::core_v1::PodResourceClaim entry);
  rt::Task<Result<Unit>> tell_pod(rt::Context ctx, pods::PodPtr pod, std::map<std::string, std::string> names);
  rt::Task<Result<Unit>> reserve(rt::Context ctx, pods::PodPtr pod);

  rt::Task<Result<Unit>> sync_claim(rt::Context ctx, ClaimPtr claim);
  rt::Task<Result<bool>> uses(rt::Context ctx, ClaimPtr claim, api::resource_v1::ResourceClaimConsumerReference consumer);
  // Writes the status, and takes the finalizer off a claim that is not allocated.
  rt::Task<Result<Unit>> write(rt::Context ctx, ResourceClaim claim, bool status_changed);
  rt::Task<Result<Unit>> remove_unused(rt::Context ctx, ClaimPtr claim);

  ControllerDeps deps_;
  client::Informer<ResourceClaim> claims_;
  client::Informer<ResourceClaimTemplate> templates_;
  objects::Written<ResourceClaim> written_;
  GonePods gone_;
  component::metrics::CounterVec& creates_ = deps_.families.counters(
      "resourceclaim_controller_creates_total", "Claims that were to be made for pods, by how it ended.", {"status", "admin_access"});
  Tally kinds_{deps_.families.gauges("resourceclaim_controller_resource_claims", "Claims, by what they have and where they come from.",
                                     {"allocated", "admin_access", "source"})};
  client::ControlLoop loop_;
};

void ResourceClaimController::index() {
  auto& pods = deps_.pods.informer();
  pods.add_index(std::string(index_by_claim), [](const Pod& pod) {
    std::vector<std::string> keys;
    for (const std::string& name : used_claims(pod)) keys.push_back(client::object_key(pod.metadata.namespace_, name));
    return keys;
  });
  pods.add_index(std::string(index_by_template), [](const Pod& pod) {
    std::vector<std::string> keys;
    for (const auto& entry : pod.spec.resource_claims)
      if (entry.resource_claim_template_name) keys.push_back(client::object_key(pod.metadata.namespace_, *entry.resource_claim_template_name));
    return keys;
  });
  claims_.add_index(std::string(index_by_owner), [](const ResourceClaim& claim) {
    const auto* owner = rules::owning_pod(claim);
    return owner == nullptr ? std::vector<std::string>() : std::vector<std::string>{owner->uid};
  });
}

void ResourceClaimController::on_pod(const Pod& pod, bool deleted) {
  const auto& extended = pod.status.extended_resource_claim_status;
  if (pod.spec.resource_claims.empty() && !extended) return;
  if (deleted) gone_.add(pod.metadata.uid);
  if (deleted || is_done(pod)) {
    for (const std::string& name : used_claims(pod)) look_at_claim(pod.metadata.namespace_, name);
    if (extended) look_at_claim(pod.metadata.namespace_, extended->resource_claim_name);
  }
  if (deleted) return;
  const auto find = [&](const std::string& name) { return find_claim(pod.metadata.namespace_, name); };
  if (needs_work(pod, find)) loop_.queue().add("pod:" + client::object_key(pod.metadata.namespace_, pod.metadata.name));
}

void ResourceClaimController::on_claim(const ResourceClaim& claim, bool deleted) {
  if (!deleted) look_at_claim(claim.metadata.namespace_, claim.metadata.name);
  const std::string key = client::object_key(claim.metadata.namespace_, claim.metadata.name);
  if (deleted) {
    kinds_.erase(key);
  } else {
    kinds_.put(key, claim_labels(claim));
  }
  for (const pods::PodPtr& pod : deps_.pods.informer().by_index(index_by_claim, key)) on_pod(*pod, false);
}

ClaimPtr ResourceClaimController::find_made(const Pod& pod, const std::string& pod_claim) {
  const auto is_it = [&](const ClaimPtr& claim) {
    const auto* owner = rules::owning_pod(*claim);
    const std::string* name = claim->metadata.annotations.get(rules::pod_resource_claim_annotation);
    return owner != nullptr && owner->uid == pod.metadata.uid && name != nullptr && *name == pod_claim;
  };
  for (const ClaimPtr& claim : claims_.by_index(index_by_owner, pod.metadata.uid))
    if (is_it(claim)) return claim;
  for (const ClaimPtr& claim : written_.unseen(pod.metadata.namespace_))
    if (is_it(claim)) return claim;
  return nullptr;
}

rt::Task<Result<Unit>> ResourceClaimController::sync(rt::Context ctx, std::string key) {
  const std::size_t colon = key.find(':');
  const auto [namespace_name, name] = client::split_key(std::string_view(key).substr(colon + 1));
  if (key.starts_with("claim:")) {
    const ClaimPtr claim = claims_.get(namespace_name, name);
    if (!claim) co_return Unit{};
    co_return co_await sync_claim(std::move(ctx), claim);
  }
  const pods::PodPtr pod = deps_.pods.get(std::string_view(key).substr(colon + 1));
  if (!pod || pod->metadata.deletion_timestamp || is_done(*pod)) co_return Unit{};
  co_return co_await sync_pod(std::move(ctx), pod);
}

// --- pods -----------------------------------------------------------------------------------------------------------------

rt::Task<Result<std::string>> ResourceClaimController::ensure(rt::Context ctx, pods::PodPtr pod, api::core_v1::PodResourceClaim entry) {
  const auto named = rules::resource_claim_name(*pod, entry);
  if (!named && named.error().reason != Reason::NotFound)
    co_return error(named.error().reason, "checking for claim before creating it: " + named.error().message);
  if (named && named->name.empty()) co_return std::string();
  if (named) {
    // One that is another's by now, or was deleted, is made again.
    const ClaimPtr there = find_claim(pod->metadata.namespace_, named->name);
    if (there && (!named->check_owner || rules::not_made_for(*pod, *there).empty())) co_return std::string();
  }
  if (!entry.resource_claim_template_name) co_return std::string();
  if (const ClaimPtr made = find_made(*pod, entry.name)) co_return made->metadata.name;
  const std::string& template_name = *entry.resource_claim_template_name;
  const auto from = templates_.get(pod->metadata.namespace_, template_name);
  if (!from)
    co_return error(Reason::NotFound,
                    "resource claim template \"" + template_name + "\": resourceclaimtemplate.resource.k8s.io \"" + template_name + "\" not found");
  const auto& requests = from->spec.spec.devices.requests;
  const bool lists = std::ranges::any_of(requests, [](const auto& request) { return !request.first_available.empty(); });
  if (lists && !deps_.options.feature_gates.enabled("DRAPrioritizedList"))
    co_return error(Reason::Forbidden, "template includes a prioritized list of subrequests, but the feature is disabled");
  ResourceClaim claim = claim_from(*from, *pod, entry.name);
  const std::string admin(text_of(rules::has_admin_access(claim.spec)));
  auto created = co_await deps_.client.create<ResourceClaim>(std::move(ctx), std::move(claim));
  creates_.with({created ? "success" : "failure", admin}).add();
  if (!created) co_return error(created.error().reason, "create ResourceClaim : " + created.error().message);
  std::string name = created->metadata.name;
  written_.remember(std::move(*created));
  co_return name;
}

rt::Task<Result<Unit>> ResourceClaimController::tell_pod(rt::Context ctx, pods::PodPtr pod, std::map<std::string, std::string> names) {
  codec::Value patch;
  patch["apiVersion"] = "v1";
  patch["kind"] = "Pod";
  patch["metadata"]["name"] = pod->metadata.name;
  patch["metadata"]["namespace"] = pod->metadata.namespace_;
  codec::Value::Array statuses;
  for (const auto& [pod_claim, claim] : names) {
    codec::Value status;
    status["name"] = pod_claim;
    status["resourceClaimName"] = claim;
    statuses.push_back(std::move(status));
  }
  patch["status"]["resourceClaimStatuses"] = std::move(statuses);
  std::string body = codec::to_json(patch);
  client::PatchOptions options;
  options.subresource = "status";
  options.field_manager = "ResourceClaimController";
  options.force = true;
  auto patched = co_await deps_.client.patch<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, client::PatchType::Apply,
                                                  std::move(body), std::move(options));
  if (!patched)
    co_return error(patched.error().reason,
                    "update pod " + pod->metadata.namespace_ + "/" + pod->metadata.name + " ResourceClaimStatuses: " + patched.error().message);
  co_return Unit{};
}

// Of pods that were bound by others than the scheduler, which reserves before it binds.
rt::Task<Result<Unit>> ResourceClaimController::reserve(rt::Context ctx, pods::PodPtr pod) {
  for (const auto& entry : pod->spec.resource_claims) {
    const auto named = rules::resource_claim_name(*pod, entry);
    if (!named) co_return Unexpected(named.error());
    if (named->name.empty()) continue;
    const ClaimPtr claim = find_claim(pod->metadata.namespace_, named->name);
    if (!claim) co_return Unit{};
    if (named->check_owner)
      if (std::string why = rules::not_made_for(*pod, *claim); !why.empty()) co_return error(Reason::Conflict, std::move(why));
    if (!claim->status.allocation || rules::is_reserved_for(*claim, *pod)) continue;
    ResourceClaim reserved = *claim;
    reserved.status.reserved_for.push_back(rules::consumer_reference(*pod));
    auto updated = co_await deps_.client.update_status<ResourceClaim>(ctx, std::move(reserved));
    if (!updated)
      co_return error(updated.error().reason,
                      "reserve claim " + claim->metadata.namespace_ + "/" + claim->metadata.name + ": " + updated.error().message);
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> ResourceClaimController::sync_pod(rt::Context ctx, pods::PodPtr pod) {
  std::map<std::string, std::string> made;
  for (const auto& entry : pod->spec.resource_claims) {
    auto name = co_await ensure(ctx, pod, entry);
    if (!name) {
      const std::string what = "PodResourceClaim " + entry.name + ": " + name.error().message;
      deps_.events.warning(*pod, "FailedResourceClaimCreation", what);
      co_return error(name.error().reason, "pod " + pod->metadata.namespace_ + "/" + pod->metadata.name + ", " + what);
    }
    if (!name->empty()) made[entry.name] = std::move(*name);
  }
  if (!made.empty()) {
    // All of them: what is left out of an apply goes.
    for (const auto& status : pod->status.resource_claim_statuses)
      if (status.resource_claim_name) made.try_emplace(status.name, *status.resource_claim_name);
    CO_TRY(co_await tell_pod(ctx, pod, std::move(made)));
  }
  if (pod->spec.node_name.empty()) co_return Unit{};
  co_return co_await reserve(std::move(ctx), pod);
}

// --- claims ---------------------------------------------------------------------------------------------------------------

rt::Task<Result<bool>> ResourceClaimController::uses(rt::Context ctx, ClaimPtr claim, api::resource_v1::ResourceClaimConsumerReference consumer) {
  if (is_pod(consumer) && gone_.contains(consumer.uid)) co_return false;
  const pods::PodPtr pod = is_pod(consumer) ? deps_.pods.informer().get(claim->metadata.namespace_, consumer.name) : nullptr;
  const Consumer state = consumer_state(consumer, pod.get());
  if (state != Consumer::Unknown) co_return state == Consumer::Uses;
  // Perhaps it is only not seen yet: taking the claim from a pod that is being scheduled would be bad.
  auto asked = co_await deps_.client.get<Pod>(std::move(ctx), claim->metadata.namespace_, consumer.name);
  if (!asked && asked.error().reason != Reason::NotFound) co_return Unexpected(std::move(asked).error());
  co_return asked && asked->metadata.uid == consumer.uid;
}

rt::Task<Result<Unit>> ResourceClaimController::write(rt::Context ctx, ResourceClaim claim, bool status_changed) {
  if (status_changed) {
    auto updated = co_await deps_.client.update_status<ResourceClaim>(ctx, std::move(claim));
    if (!updated) co_return Unexpected(std::move(updated).error());
    claim = std::move(*updated);
  }
  if (claim.status.allocation || std::erase(claim.metadata.finalizers, rules::resource_claim_finalizer) == 0) co_return Unit{};
  auto updated = co_await deps_.client.update<ResourceClaim>(ctx, std::move(claim));
  if (!updated) co_return Unexpected(std::move(updated).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> ResourceClaimController::remove_unused(rt::Context ctx, ClaimPtr claim) {
  const auto* owner = rules::owning_pod(*claim);
  if (owner == nullptr) co_return Unit{};
  // A pod that is not known: the garbage collector sees to it.
  const pods::PodPtr pod = deps_.pods.informer().get(claim->metadata.namespace_, owner->name);
  if (!pod || (pod->metadata.uid == owner->uid && !is_done(*pod))) co_return Unit{};
  auto removed = co_await deps_.client.remove<ResourceClaim>(std::move(ctx), claim->metadata.namespace_, claim->metadata.name);
  if (removed || removed.error().reason == Reason::NotFound) co_return Unit{};
  co_return error(removed.error().reason,
                  "delete unused generated claim " + claim->metadata.namespace_ + "/" + claim->metadata.name + ": " + removed.error().message);
}

rt::Task<Result<Unit>> ResourceClaimController::sync_claim(rt::Context ctx, ClaimPtr claim) {
  std::vector<api::resource_v1::ResourceClaimConsumerReference> remaining;
  for (const auto& consumer : claim->status.reserved_for) {
    auto stays = co_await uses(ctx, claim, consumer);
    if (!stays) co_return Unexpected(std::move(stays).error());
    if (*stays) remaining.push_back(consumer);
  }
  const bool unused = remaining.empty();
  const bool guarded = std::ranges::find(claim->metadata.finalizers, rules::resource_claim_finalizer) != claim->metadata.finalizers.end();
  if (remaining.size() < claim->status.reserved_for.size()) {
    // With the last consumer the allocation goes: the next one may want the claim elsewhere, and others the devices. A claim that was
    // allocated for nobody stays so.
    ResourceClaim next = *claim;
    next.status.reserved_for = std::move(remaining);
    if (unused && guarded) next.status.allocation.reset();
    CO_TRY(co_await write(ctx, std::move(next), true));
  } else if (guarded && claim->metadata.deletion_timestamp && unused) {
    ResourceClaim next = *claim;
    const bool allocated = next.status.allocation.has_value();
    next.status.allocation.reset();
    CO_TRY(co_await write(ctx, std::move(next), allocated));
  }
  if (!unused) co_return Unit{};
  co_return co_await remove_unused(std::move(ctx), claim);
}

}  // namespace

std::unique_ptr<Controller> make_resource_claim_controller(ControllerDeps deps) { return std::make_unique<ResourceClaimController>(std::move(deps)); }

}  // namespace pintle::controller::resource_claim

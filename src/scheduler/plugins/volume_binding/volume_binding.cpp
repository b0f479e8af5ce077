#include "scheduler/plugins/volume_binding/volume_binding.h"

#include <algorithm>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "codec/json.h"
#include "rt/sync.h"
#include "rules/pod_claims.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/volume_binding/plan.h"

namespace pintle::scheduler::plugins {

namespace {

using api::storage_v1::CSIDriver;
using api::storage_v1::CSIStorageCapacity;

constexpr std::string_view selected_node = "volume.kubernetes.io/selected-node";
constexpr std::string_view no_provisioner = "kubernetes.io/no-provisioner";
constexpr std::string_view reason_bind = "node(s) didn't find available persistent volumes to bind";
constexpr std::string_view reason_affinity = "node(s) didn't match PersistentVolume's node affinity";
constexpr std::string_view reason_space = "node(s) did not have enough free storage";
constexpr std::string_view reason_lost = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

struct State : StateOf<State> {
  std::vector<ClaimPtr> bound;
  std::vector<ClaimPtr> waiting;  // for this pod's node; the smallest request first
  VolumePlan plan;                // of the node that was reserved
};

class VolumeBinding final : public Plugin, public PreFilterPlugin, public FilterPlugin, public ReservePlugin, public PreBindPlugin {
 public:
  VolumeBinding(const PluginDeps& deps, rt::Duration timeout)
      : client_(deps.client),
        known_(deps.informers),
        drivers_(deps.informers.of<CSIDriver>()),
        capacities_(deps.informers.of<CSIStorageCapacity>()),
        timeout_(timeout),
        nodes_(deps.cache) {
    known_.claims.on_any([this](const PersistentVolumeClaim&) { changed_.set(); });
    known_.volumes.on_any([this](const PersistentVolume&) { changed_.set(); });
  }

  std::vector<EventInterest> interests() const override {
    HintFunction on_claim = [](const PodInfo& pod, const EventInstance& event) {
      const auto& claim = *event.after<PersistentVolumeClaim>();
      if (claim.metadata.namespace_ != pod.pod->metadata.namespace_) return QueueingHint::Skip;
      const auto uses = claims_of(*pod.pod);
      return std::ranges::find(uses, claim.metadata.name, &ClaimUse::name) != uses.end() ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::PersistentVolumeClaim, action::add | action::update, on_claim},
            {EventResource::PersistentVolume, action::add | action::update, nullptr},
            {EventResource::StorageClass, action::add | action::update, nullptr},
            {EventResource::CSIStorageCapacity, action::add | action::update, nullptr},
            {EventResource::CSIDriver, action::update, nullptr},
            {EventResource::CSINode, action::add | action::update, nullptr},
            {EventResource::Node, action::add | action::update_node_label, nullptr}};
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    auto data = std::make_unique<State>();
    bool immediate = false;
    for (const ClaimUse& use : claims_of(*pod.pod)) {
      const ClaimPtr claim = known_.claims.get(pod.pod->metadata.namespace_, use.name);
      if (const std::string why = unusable(claim, use, *pod.pod); !why.empty()) return PluginStatus::of(Code::UnschedulableAndUnresolvable, why);
      if (is_bound(*claim))
        data->bound.push_back(claim);
      else if (claim->spec.volume_name.empty() && known_.waits_for_consumer(*claim))
        data->waiting.push_back(claim);
      else
        immediate = true;
    }
    if (immediate) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "pod has unbound immediate PersistentVolumeClaims");
    if (data->bound.empty() && data->waiting.empty()) return PluginStatus::skip();
    std::ranges::stable_sort(data->waiting, {}, [](const ClaimPtr& claim) { return requested_bytes(*claim); });
    state.put(index, std::move(data));
    return {};
  }

  Code filter(const CycleState& state, const PodInfo&, const NodeInfo& node, Reasons& reasons) const override {
    const State& data = *state.get<State>(index);
    for (const ClaimPtr& claim : data.bound) {
      const VolumePtr volume = known_.volumes.get(claim->spec.volume_name);
      if (volume && reaches(*volume, *node.node)) continue;
      reasons.add(volume ? reason_affinity : reason_lost);
      return Code::UnschedulableAndUnresolvable;
    }
    VolumePlan plan;
    const std::string_view why = plan_node(data, *node.node, plan);
    if (why.empty()) return Code::Success;
    reasons.add(why);
    return Code::UnschedulableAndUnresolvable;
  }

  PluginStatus reserve(CycleState& state, const PodInfo&, const std::string& node) override {
    State* data = state.get<State>(index);
    if (data == nullptr || data->waiting.empty()) return {};
    const auto found = nodes_.find(node);
    if (found == nullptr) return PluginStatus::of(Code::Error, "node \"" + node + "\" not found");
    data->plan = VolumePlan();
    const std::string_view why = plan_node(*data, *found->node, data->plan);
    if (!why.empty()) return PluginStatus::of(Code::UnschedulableAndUnresolvable, std::string(why));
    for (const auto& match : data->plan.matches) assumed_[match.volume->metadata.name] = match.claim->metadata.uid;
    return {};
  }
  void unreserve(CycleState& state, const PodInfo&, const std::string&) override {
    if (State* data = state.get<State>(index)) release(data->plan);
  }

  bool has_work(CycleState& state) const override {
    const State* data = state.get<State>(index);
    return data != nullptr && !data->waiting.empty();
  }
  rt::Task<PluginStatus> pre_bind(rt::Context ctx, CycleState& state, PodInfoPtr, std::string node, BindingPlace& place) override {
    State* data = state.get<State>(index);
    if (data == nullptr || (data->plan.matches.empty() && data->plan.provisions.empty())) co_return PluginStatus();
    const rt::Context limited = ctx.with_timeout(timeout_);
    auto asked = co_await ask(limited, &data->plan, node);
    if (!asked) co_return PluginStatus::failure(asked.error());
    place.leave();
    auto waited = co_await wait_bound(limited, &data->plan, node);
    place.take();
    if (!waited) co_return PluginStatus::failure(waited.error());
    release(data->plan);
    co_return PluginStatus();
  }

 private:
  // Why the pod cannot be placed for this claim, anywhere; "": it can be looked at.
  std::string unusable(const ClaimPtr& claim, const ClaimUse& use, const Pod& pod) const {
    if (!claim)
      return use.ephemeral ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"" + use.name + "\""
                           : "persistentvolumeclaim \"" + use.name + "\" not found";
    if (claim->status.phase == "Lost")
      return "persistentvolumeclaim \"" + use.name + "\" bound to non-existent persistentvolume \"" + claim->spec.volume_name + "\"";
    if (claim->metadata.deletion_timestamp) return "persistentvolumeclaim \"" + use.name + "\" is being deleted";
    if (use.ephemeral && !rules::is_claim_of(*claim, pod))
      return "PVC " + claim->metadata.namespace_ + "/" + use.name + " was not created for pod " + pod_key(pod) + " (pod is not owner)";
    return "";
  }

  // "": `plan` serves every waiting claim on the node; else why not.
  std::string_view plan_node(const State& data, const Node& node, VolumePlan& plan) const {
    if (data.waiting.empty()) return {};
    const auto volumes = known_.volumes.list();
    Assumed taken = assumed_;
    for (const ClaimPtr& claim : data.waiting) {
      const std::string* chosen = claim->metadata.annotations.get(selected_node);
      if (chosen != nullptr && *chosen != node.metadata.name) return reason_bind;  // it is being made elsewhere
      VolumePtr volume = chosen == nullptr ? find_volume(*claim, node, volumes, taken) : nullptr;
      if (volume) {
        taken[volume->metadata.name] = claim->metadata.uid;
        plan.matches.push_back({std::move(volume), claim});
        continue;
      }
      if (const std::string_view why = cannot_provision(*claim, node); !why.empty()) return why;
      plan.provisions.push_back(claim);
    }
    return {};
  }

  std::string_view cannot_provision(const PersistentVolumeClaim& claim, const Node& node) const {
    const auto storage_class = known_.classes.get(class_of(claim));
    if (!storage_class || storage_class->provisioner.empty() || storage_class->provisioner == no_provisioner || !allows(*storage_class, node))
      return reason_bind;
    const auto driver = drivers_.get(storage_class->provisioner);
    if (!driver || !driver->spec.storage_capacity.value_or(false)) return {};
    const int64_t wanted = requested_bytes(claim);
    for (const auto& capacity : capacities_.list()) {
      if (capacity->storage_class_name != storage_class->metadata.name) continue;
      const auto& most = capacity->maximum_volume_size ? capacity->maximum_volume_size : capacity->capacity;
      if (!most || most->value() < wanted) continue;
      const auto topology = apimachinery::to_label_selector(capacity->node_topology.get());
      if (topology && topology->matches(node.metadata.labels)) return {};
    }
    return reason_space;
  }

  void release(const VolumePlan& plan) {
    for (const auto& match : plan.matches) assumed_.erase(match.volume->metadata.name);
  }

  // Tells the volume controller and the provisioners what was decided.
  rt::Task<Result<Unit>> ask(rt::Context ctx, const VolumePlan* plan, std::string node) {
    for (const auto& match : plan->matches) {
      codec::Value patch;
      patch["metadata"]["resourceVersion"] = match.volume->metadata.resource_version;
      if (!match.volume->spec.claim_ref) patch["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes";
      codec::Value& ref = patch["spec"]["claimRef"];
      ref["apiVersion"] = "v1";
      ref["kind"] = "PersistentVolumeClaim";
      ref["namespace"] = match.claim->metadata.namespace_;
      ref["name"] = match.claim->metadata.name;
      ref["uid"] = match.claim->metadata.uid;
      ref["resourceVersion"] = match.claim->metadata.resource_version;
      std::string body = codec::to_json(patch);
      CO_TRY(co_await client_.patch<PersistentVolume>(ctx, std::string(), match.volume->metadata.name, client::PatchType::Merge, std::move(body)));
    }
    for (const ClaimPtr& claim : plan->provisions) {
      codec::Value patch;
      patch["metadata"]["resourceVersion"] = claim->metadata.resource_version;
      patch["metadata"]["annotations"][std::string(selected_node)] = node;
      std::string body = codec::to_json(patch);
      CO_TRY(co_await client_.patch<PersistentVolumeClaim>(ctx, claim->metadata.namespace_, claim->metadata.name, client::PatchType::Merge,
                                                           std::move(body)));
    }
    co_return Unit{};
  }

  // True when all are bound; an error when one never will be.
  Result<bool> all_bound(const VolumePlan& plan, const std::string& node) {
    bool all = true;
    const auto look = [&](const ClaimPtr& then) -> Result<Unit> {
      const ClaimPtr now = known_.claims.get(then->metadata.namespace_, then->metadata.name);
      if (!now || now->metadata.uid != then->metadata.uid)
        return error(Reason::NotFound, "persistentvolumeclaim \"" + then->metadata.name + "\" not found");
      all &= is_bound(*now);
      return Unit{};
    };
    for (const auto& match : plan.matches) TRY(look(match.claim));
    for (const ClaimPtr& claim : plan.provisions) {
      TRY(look(claim));
      const ClaimPtr now = known_.claims.get(claim->metadata.namespace_, claim->metadata.name);
      const std::string* chosen = now->metadata.annotations.get(selected_node);
      const bool seen = now->metadata.resource_version != claim->metadata.resource_version;  // our own patch has come back
      if (!is_bound(*now) && seen && chosen == nullptr)
        return error(Reason::Conflict, "selectedNode annotation reset for PVC \"" + claim->metadata.name + "\"");
      if (!is_bound(*now) && seen && *chosen != node) return error(Reason::Conflict, "provisioning failed for PVC \"" + claim->metadata.name + "\"");
    }
    return all;
  }
  rt::Task<Result<Unit>> wait_bound(rt::Context ctx, const VolumePlan* plan, std::string node) {
    while (true) {
      changed_.reset();
      auto bound = all_bound(*plan, node);
      if (!bound) co_return Unexpected(std::move(bound).error());
      if (*bound) co_return Unit{};
      auto woken = co_await changed_.wait(ctx);
      if (!woken) co_return error(woken.error().reason, "binding volumes: " + woken.error().message);
    }
  }

  client::Client& client_;
  VolumeInformers known_;
  client::Informer<CSIDriver> drivers_;
  client::Informer<CSIStorageCapacity> capacities_;
  const rt::Duration timeout_;
  const cache::Cache& nodes_;
  Assumed assumed_;
  rt::Event changed_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_volume_binding(const PluginDeps& deps, const std::string& args) {
  TRY_ASSIGN(const auto parsed, parse_args<api::kubeschedulerconfig_v1::VolumeBindingArgs>(args));
  const int64_t seconds = parsed.bind_timeout_seconds.value_or(600);
  if (seconds < 0)
    return bad_request("bindTimeoutSeconds: Invalid value: " + std::to_string(seconds) +
                       ": invalid BindTimeoutSeconds, should not be a negative value");
  return std::make_unique<VolumeBinding>(deps, std::chrono::seconds(seconds));
}

}  // namespace pintle::scheduler::plugins

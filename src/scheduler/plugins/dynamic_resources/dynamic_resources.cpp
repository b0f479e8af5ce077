#include "scheduler/plugins/dynamic_resources/dynamic_resources.h"

#include <algorithm>

#include "api/codec.h"
#include "api/gen/kubeschedulerconfig_v1.h"
#include "component/log.h"
#include "rt/seconds.h"
#include "rt/uid.h"
#include "rules/owner_references.h"
#include "rules/resource_claims.h"
#include "scheduler/framework/metrics.h"
#include "scheduler/framework/normalize.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/dynamic_resources/binding_conditions.h"
#include "scheduler/plugins/dynamic_resources/claim_writer.h"
#include "scheduler/plugins/dynamic_resources/cycle_claims.h"
#include "scheduler/plugins/dynamic_resources/extended_resources.h"

namespace pintle::scheduler::plugins {

namespace {

namespace log = component::log;
namespace v1 = api::resource_v1;

constexpr auto unresolvable = Code::UnschedulableAndUnresolvable;
constexpr std::size_t alternatives_max = 8;  // of a request: scores count down from it

struct DynamicResourcesOptions {
  rt::Duration filter_timeout{};  // of one node; 0: none
  rt::Duration binding_timeout{};
};

devices::Features device_features(const component::FeatureGates& gates) {
  devices::Features out;
  out.prioritized_list = gates.enabled("DRAPrioritizedList");
  out.partitionable_devices = gates.enabled("DRAPartitionableDevices");
  out.device_taints = gates.enabled("DRADeviceTaints");
  out.binding_conditions = gates.enabled("DRADeviceBindingConditions") && gates.enabled("DRAResourceClaimDeviceStatus");
  out.consumable_capacity = gates.enabled("DRAConsumableCapacity");
  return out;
}

class DynamicResources final : public Plugin,
                               public PreEnqueuePlugin,
                               public PreFilterPlugin,
                               public FilterPlugin,
                               public PostFilterPlugin,
                               public ScorePlugin,
                               public ReservePlugin,
                               public PreBindPlugin {
 public:
  DynamicResources(const PluginDeps& deps, DynamicResourcesOptions options)
      : runtime_(deps.runtime),
        ledger_(deps.devices),
        tasks_(deps.tasks),
        events_(deps.events),
        metrics_(deps.metrics),
        try_again_(deps.try_again),
        options_(options),
        features_(device_features(deps.gates)),
        extended_resources_(deps.gates.enabled("DRAExtendedResource")),
        selectors_(features_.consumable_capacity),
        writer_({deps.runtime, deps.client, deps.devices, deps.metrics, features_.binding_conditions}) {
    ledger_.follow(deps.informers, deps.gates);
  }

  std::vector<EventInterest> interests() const override {
    HintFunction on_claim = [this](const PodInfo& pod, const EventInstance& event) { return after_claim(*pod.pod, event); };
    HintFunction on_pod = [this](const PodInfo& pod, const EventInstance& event) {
      const Pod& after = *event.after<Pod>();
      return after.metadata.uid == pod.uid() && claims_of_pod(ledger_, after) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Node, action::add | action::update_node_label | action::update_node_allocatable, nullptr},
            {EventResource::ResourceClaim, action::add | action::update, on_claim},
            {EventResource::Pod, action::update_pod_generated_resource_claim, on_pod},
            {EventResource::DeviceClass, action::add | action::update, nullptr},
            {EventResource::ResourceSlice, action::add | action::update, nullptr}};
  }

  PluginStatus pre_enqueue(const PodInfo& pod) override {
    if (pod.pod->spec.resource_claims.empty()) return {};
    const auto claims = claims_of_pod(ledger_, *pod.pod);
    return claims ? PluginStatus() : PluginStatus::of(unresolvable, claims.error().message);
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    CycleClaims& found = *state.put(index, std::make_unique<CycleClaimsState>()).found;
    auto claims = claims_of_pod(ledger_, *pod.pod);
    if (!claims) return PluginStatus::of(unresolvable, claims.error().message);
    std::vector<CycleClaim> all;
    for (devices::ClaimPtr& claim : *claims) all.emplace_back().claim = std::move(claim);
    if (devices::ClaimPtr extended = extended_claim(pod)) {
      all.emplace_back().claim = std::move(extended);
      all.back().extended = true;
    }
    if (all.empty()) return PluginStatus::skip();
    bool allocates = false;
    for (CycleClaim& claim : all) {
      if (claim.is_allocated()) {
        if (claim.claim->status.allocation->node_selector) claim.nodes.emplace(*claim.claim->status.allocation->node_selector);
        continue;
      }
      allocates = true;
      if (PluginStatus status = may_be_allocated(pod, claim); !status.ok()) return status;
    }
    if (allocates)
      found.allocator = std::make_unique<devices::Allocator>(devices::Allocator::Deps{
          features_, ledger_.pools(), ledger_.allocated(), [this](const std::string& name) { return ledger_.find_class(name); }, selectors_,
          [this] { return rt::new_uid(runtime_.random()); }});
    found.claims = std::move(all);
    return {};
  }

  Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    CycleClaims& found = *state.get<CycleClaimsState>(index)->found;
    if (found.claims.empty()) return Code::Success;
    const auto refuse = [&](Code code, std::string_view why) {
      reasons.add(why);
      return code;
    };
    NodeAllocation here;
    if (CycleClaim* extended = found.extended()) {
      if (!extended->claim->spec.devices.requests.empty()) return refuse(unresolvable, "cannot schedule extended resource claim");
      if (!find_extended(pod, node, *extended, here)) return refuse(unresolvable, "cannot fit resource");
      if (!here.extended && found.only_extended()) return Code::Success;
    }
    const bool usable = mark_unavailable(found, *node.node);
    if (found.allocator) {
      const devices::Allocation allocation = allocate(found, here, *node.node);
      switch (allocation.kind) {
        case devices::Allocation::Kind::Allocated: break;
        case devices::Allocation::Kind::Impossible: wait_for_others(pod); return refuse(unresolvable, "cannot allocate all claims");
        case devices::Allocation::Kind::InvalidPools: return refuse(unresolvable, found.text(allocation.message));
        case devices::Allocation::Kind::TimedOut:
          return refuse(Code::Error, found.text("node " + node.name() + ": timed out trying to allocate devices"));
        case devices::Allocation::Kind::Failed: return refuse(Code::Error, found.text(allocation.message));
      }
      here.results = allocation.results;
    }
    if (!usable) return refuse(unresolvable, "resourceclaim not available on the node");
    if (found.allocator) found.nodes[node.name()] = std::move(here);
    return Code::Success;
  }

  // Claims that keep the pod from its node are given back, if nobody else uses them.
  PostFilterResult post_filter(CycleState& state, const PodInfo& pod, const Diagnosis&) override {
    PostFilterResult out;
    const auto* data = state.get<CycleClaimsState>(index);
    if (data == nullptr) {
      out.status = PluginStatus::of(Code::Error, "not found");  // another PreFilter came first: no later plugin is asked
      return out;
    }
    CycleClaims& found = *data->found;
    out.status = PluginStatus::of(Code::Unschedulable, found.claims.empty() ? "no new claims to deallocate" : "still not schedulable");
    for (const std::size_t i : found.unavailable) {
      const CycleClaim& claim = found.claims[i];
      const auto& consumers = claim.claim->status.reserved_for;
      if (claim.extended || consumers.size() > 1 || (consumers.size() == 1 && consumers[0].uid != pod.uid())) continue;
      tasks_.spawn(deallocate(claim.claim));
      out.status = PluginStatus::of(Code::Unschedulable, "deallocation of ResourceClaim completed");
      return out;
    }
    const CycleClaim* extended = found.extended();
    if (extended == nullptr || !extended->is_written()) return out;
    tasks_.spawn(remove(extended->claim, pod.uid()));
    out.status = PluginStatus::of(Code::Unschedulable, "deletion of ResourceClaim completed");
    return out;
  }

  // The better the alternatives that a node could serve, the more.
  PluginStatus score(const CycleState& state, const PodInfo&, Nodes nodes, std::span<int64_t> scores) const override {
    const auto* data = state.get<CycleClaimsState>(index);
    if (data == nullptr || data->found->claims.empty() || !features_.prioritized_list) return {};
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (const auto here = data->found->nodes.find(nodes[i]->name()); here != data->found->nodes.end())
        scores[i] = score_of(*data->found, here->second);
    normalize_scores(scores, false, node_score_max);
    return {};
  }

  PluginStatus reserve(CycleState& state, const PodInfo&, const std::string& node) override {
    const auto* data = state.get<CycleClaimsState>(index);
    if (data == nullptr || !data->found->allocator) return {};
    CycleClaims& found = *data->found;
    found.allocator.reset();
    const auto here = found.nodes.find(node);
    if (here == found.nodes.end()) {
      if (found.only_extended()) return {};  // the node has the resources otherwise
      return PluginStatus::of(Code::Error, "claim allocation not found for node");
    }
    std::size_t next = 0;
    for (CycleClaim& claim : found.claims) {
      if (claim.is_allocated() || (claim.extended && !here->second.extended)) continue;
      claim.allocation = here->second.results[next++];
      claim.flight = claim.claim->metadata.uid;
      ledger_.begin(claim.flight, *claim.allocation);
    }
    return {};
  }

  void unreserve(CycleState& state, const PodInfo& pod, const std::string&) override {
    const auto* data = state.get<CycleClaimsState>(index);
    if (data == nullptr) return;
    for (CycleClaim& claim : data->found->claims) {
      if (const std::string flight = std::exchange(claim.flight, {}); !flight.empty()) ledger_.end(flight, false);
      if (claim.extended) {
        if (claim.is_written()) tasks_.spawn(remove(claim.claim, pod.uid()));
      } else if (claim.is_allocated() && rules::is_reserved_for(*claim.claim, *pod.pod)) {
        tasks_.spawn(withdraw(claim.claim, pod.uid()));
      }
    }
  }

  bool has_work(CycleState& state) const override {
    const auto* data = state.get<CycleClaimsState>(index);
    return data != nullptr && !data->found->claims.empty();
  }
  rt::Task<PluginStatus> pre_bind(rt::Context ctx, CycleState& state, PodInfoPtr pod, std::string node, BindingPlace& place) override {
    const auto* data = state.get<CycleClaimsState>(index);
    if (data == nullptr || data->found->claims.empty()) co_return PluginStatus();
    const std::shared_ptr<CycleClaims> found = data->found;
    auto written = co_await writer_.reserve(ctx, found.get(), pod->pod, node);
    if (!written) co_return PluginStatus::failure(written.error());
    const auto waits = [](const CycleClaim& claim) { return has_binding_conditions(*claim.claim); };
    if (!features_.binding_conditions || std::ranges::none_of(found->claims, waits)) co_return PluginStatus();
    events_.normal(
        {client::reference_to(*pod->pod), {}, "BindingConditionsPending", "Scheduling", "waiting for binding conditions for device on node " + node});
    place.leave();
    const rt::TimePoint start = runtime_.clock().now();
    auto ready = co_await wait_ready(ctx, found.get());
    place.take();
    tell_binding_conditions(*found, pod->pod->spec.scheduler_name, ready, runtime_.clock().now() - start);
    if (!ready) co_return PluginStatus::failure(ready.error());
    co_return PluginStatus();
  }

 private:
  QueueingHint after_claim(const Pod& pod, const EventInstance& event) const {
    const auto* before = event.before<v1::ResourceClaim>();
    const auto& after = *event.after<v1::ResourceClaim>();
    const bool freed = before != nullptr && before->status.allocation && !after.status.allocation;
    if (!freed && after.metadata.namespace_ != pod.metadata.namespace_) return QueueingHint::Skip;
    const auto claims = claims_of_pod(ledger_, pod);
    if (!claims) return QueueingHint::Skip;
    if (freed) return QueueingHint::Queue;
    const auto is_it = [&](const devices::ClaimPtr& claim) { return claim->metadata.uid == after.metadata.uid; };
    if (std::ranges::none_of(*claims, is_it)) return QueueingHint::Skip;
    if (before != nullptr && api::equal(api::type_of<v1::ResourceClaimStatus>(), &before->status, &after.status)) return QueueingHint::Skip;
    return QueueingHint::Queue;
  }

  // The one of a cycle before, which goes, or a new one that is not written yet; nullptr: no resource of the pod has a class.
  devices::ClaimPtr extended_claim(const PodInfo& pod) const {
    const auto has_class = [&](const auto& scalar) {
      return scalar.second != 0 && rules::is_device_resource(scalar.first) && ledger_.class_of_resource(scalar.first) != nullptr;
    };
    if (!extended_resources_ || std::ranges::none_of(pod.requests().scalars, has_class)) return nullptr;
    if (devices::ClaimPtr before = ledger_.extended_claim_of(pod.uid())) return before;
    auto claim = std::make_shared<v1::ResourceClaim>();
    claim->metadata.namespace_ = pod.pod->metadata.namespace_;
    claim->metadata.name = unwritten_claim_name;
    claim->metadata.uid = rt::new_uid(runtime_.random());
    claim->metadata.generate_name = pod.pod->metadata.name + "-extended-resources-";
    claim->metadata.annotations[rules::extended_resource_claim_annotation] = "true";
    auto& owner = claim->metadata.owner_references.emplace_back();
    owner.api_version = "v1";
    owner.kind = "Pod";
    owner.name = pod.pod->metadata.name;
    owner.uid = pod.uid();
    owner.controller = true;
    return claim;
  }

  PluginStatus may_be_allocated(const PodInfo& pod, const CycleClaim& entry) const {
    const v1::ResourceClaim& claim = *entry.claim;
    const std::string name = "resource claim " + claim.metadata.namespace_ + "/" + claim.metadata.name;
    if (ledger_.in_flight(claim.metadata.uid)) {
      wait_for_others(pod);
      return PluginStatus::of(unresolvable, name + " is in the process of being allocated");
    }
    if (entry.extended) return {};
    const auto has_class = [&](const std::string& device_class, const std::string& request) {
      if (device_class.empty()) return PluginStatus::of(Code::Error, "request " + request + ": unsupported request type");
      if (ledger_.find_class(device_class)) return PluginStatus();
      return PluginStatus::of(unresolvable, "request " + request + ": device class " + device_class + " does not exist");
    };
    for (const auto& request : claim.spec.devices.requests) {
      if (request.exactly) {
        if (PluginStatus status = has_class(request.exactly->device_class_name, request.name); !status.ok()) return status;
      } else if (request.first_available.empty()) {
        return PluginStatus::of(unresolvable, name + ", request " + request.name + ": unknown request type");
      } else if (!features_.prioritized_list) {
        return PluginStatus::of(unresolvable,
                                name + ", request " + request.name + ": has subrequests, but the DRAPrioritizedList feature is disabled");
      }
      for (const auto& alternative : request.first_available)
        if (PluginStatus status = has_class(alternative.device_class_name, request.name + "/" + alternative.name); !status.ok()) return status;
    }
    return {};
  }

  // Devices that are being given to other pods may be free again, should those not be bound.
  void wait_for_others(const PodInfo& pod) const {
    ledger_.if_given_up(pod.uid(), [uid = pod.uid(), try_again = try_again_] { try_again(uid); });
  }

  // What the node does not have itself of the pod's extended resources, as a claim. false: it has not, and no class stands for it.
  bool find_extended(const PodInfo& pod, const NodeInfo& node, const CycleClaim& claim, NodeAllocation& here) const {
    std::vector<ResourceClass> resources;
    for (const auto& [name, amount] : pod.requests().scalars) {
      if (amount == 0 || !rules::is_device_resource(name)) continue;
      const devices::ClassPtr device_class = ledger_.class_of_resource(name);
      if (device_class && node.allocatable.get(name) == 0)
        resources.push_back({name, device_class->metadata.name});
      else if (!node.allocatable.scalars.contains(name))
        return false;
    }
    if (resources.empty()) return true;
    ExtendedRequests wanted = extended_requests(pod.pod->spec, resources);
    auto extended = std::make_shared<v1::ResourceClaim>(*claim.claim);
    extended->spec.devices.requests = std::move(wanted.requests);
    here.extended = std::move(extended);
    here.mappings = std::move(wanted.mappings);
    return true;
  }

  // false: some claims that are allocated cannot be used on the node.
  bool mark_unavailable(CycleClaims& found, const Node& node) const {
    bool usable = true;
    for (std::size_t i = 0; i < found.claims.size(); ++i) {
      const CycleClaim& claim = found.claims[i];
      if (!claim.is_allocated()) continue;
      bool good = !claim.nodes || claim.nodes->matches(node);
      if (good && features_.binding_conditions) {
        const auto ready = is_ready_to_bind(*claim.claim);
        good = ready && (*ready || !timed_out(*claim.claim, runtime_.clock().wall_now(), options_.binding_timeout));
      }
      if (good) continue;
      found.unavailable.insert(i);
      usable = false;
    }
    return usable;
  }

  devices::Allocation allocate(CycleClaims& found, const NodeAllocation& here, const Node& node) const {
    std::vector<const v1::ResourceClaim*> claims;
    for (const CycleClaim& claim : found.claims) {
      if (claim.is_allocated()) continue;
      if (!claim.extended)
        claims.push_back(claim.claim.get());
      else if (here.extended)
        claims.push_back(here.extended.get());
    }
    if (options_.filter_timeout.count() == 0) return found.allocator->allocate(node, claims);
    const rt::TimePoint end = runtime_.clock().now() + options_.filter_timeout;
    return found.allocator->allocate(node, claims, [this, end] { return runtime_.clock().now() >= end; });
  }

  static int64_t score_of(const CycleClaims& found, const NodeAllocation& here) {
    int64_t out = 0;
    std::size_t next = 0;
    for (const CycleClaim& claim : found.claims) {
      if (!claim.is_allocated() && next == here.results.size()) break;  // an extended one that the node does not need
      const auto& results = claim.is_allocated() ? claim.claim->status.allocation->devices.results : here.results[next++].devices.results;
      for (const auto& request : claim.claim->spec.devices.requests) {
        for (std::size_t i = 0; i < request.first_available.size() && i < alternatives_max; ++i) {
          const std::string name = request.name + "/" + request.first_available[i].name;
          if (std::ranges::find(results, name, &v1::DeviceRequestAllocationResult::request) != results.end())
            out += static_cast<int64_t>(alternatives_max - i);
        }
      }
    }
    return out;
  }

  // --- in the background ---
  rt::Task<void> deallocate(devices::ClaimPtr claim) {
    auto done = co_await writer_.deallocate(tasks_.context(), claim);
    tell_failure(done, "deallocated", *claim);
  }
  rt::Task<void> withdraw(devices::ClaimPtr claim, std::string pod) {
    auto done = co_await writer_.withdraw(tasks_.context(), claim, pod);
    tell_failure(done, "withdrawn from", *claim);
  }
  rt::Task<void> remove(devices::ClaimPtr claim, std::string pod) {
    auto done = co_await writer_.remove(tasks_.context(), claim);
    tell_failure(done, "deleted", *claim);
    if (done) try_again_(pod);
  }
  void tell_failure(const Result<Unit>& done, std::string_view what, const v1::ResourceClaim& claim) const {
    if (done || tasks_.context().done()) return;
    log::error("A claim was not " + std::string(what), done.error(), {{"claim", claim.metadata.namespace_ + "/" + claim.metadata.name}});
  }

  // Until the conditions of all devices are true.
  rt::Task<Result<Unit>> wait_ready(rt::Context ctx, CycleClaims* found) {
    const rt::Context limited = ctx.with_timeout(options_.binding_timeout);
    while (true) {
      ledger_.changed().reset();
      auto ready = all_ready(*found);
      if (!ready) co_return Unexpected(std::move(ready).error());
      if (*ready) co_return Unit{};
      auto woken = co_await ledger_.changed().wait(limited);
      if (woken) continue;
      if (ctx.done()) co_return Unexpected(std::move(woken).error());  // the pod went, or the scheduler ends
      co_return error(Reason::Timeout, "device binding timeout: " + woken.error().message);
    }
  }
  Result<bool> all_ready(CycleClaims& found) {
    for (CycleClaim& entry : found.claims) {
      if (!entry.is_written()) continue;
      const auto& meta = entry.claim->metadata;
      devices::ClaimPtr now = ledger_.find_claim(meta.namespace_, meta.name);
      if (!now || now->metadata.uid != meta.uid)
        return error(Reason::NotFound, "could not find ResourceClaim \"" + meta.namespace_ + "/" + meta.name + "\"");
      entry.claim = std::move(now);
      TRY_ASSIGN(const bool ready, is_ready_to_bind(*entry.claim));
      if (ready) continue;
      if (timed_out(*entry.claim, runtime_.clock().wall_now(), options_.binding_timeout))
        return error(Reason::Timeout, "device binding timeout: claim=" + entry.claim->metadata.name);
      return false;
    }
    return true;
  }
  void tell_binding_conditions(const CycleClaims& found, const std::string& profile, const Result<Unit>& ready, rt::Duration took) {
    std::string status = "success";
    if (!ready) status = ready.error().reason == Reason::Conflict ? "failure" : ready.error().reason == Reason::Timeout ? "timeout" : "error";
    for (const CycleClaim& claim : found.claims) {
      if (!claim.is_allocated()) continue;
      for (const auto& result : claim.claim->status.allocation->devices.results) {
        metrics_.binding_conditions_wait.with({profile, result.driver, status}).observe(rt::seconds(took));
        if (!result.binding_conditions.empty()) metrics_.binding_conditions.with({profile, result.driver, status}).add();
      }
    }
  }

  rt::Runtime& runtime_;
  devices::DeviceLedger& ledger_;
  rt::TaskGroup& tasks_;
  client::SeriesRecorder& events_;
  SchedulerMetrics& metrics_;
  const std::function<void(const std::string& uid)> try_again_;
  const DynamicResourcesOptions options_;
  const devices::Features features_;
  const bool extended_resources_;
  mutable rules::DeviceSelectors selectors_;
  ClaimWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_dynamic_resources(const PluginDeps& deps, const std::string& args) {
  TRY_ASSIGN(const auto parsed, parse_args<api::kubeschedulerconfig_v1::DynamicResourcesArgs>(args));
  DynamicResourcesOptions options;
  const bool limits_filters = deps.gates.enabled("DRASchedulerFilterTimeout");
  if (parsed.filter_timeout && !limits_filters) return bad_request("filterTimeout: Forbidden: DRASchedulingFilterTimeout feature gate is disabled");
  if (parsed.binding_timeout && !device_features(deps.gates).binding_conditions)
    return bad_request("bindingTimeout: Forbidden: DRADeviceBindingConditions or DRAResourceClaimDeviceStatus feature gate is disabled");
  if (parsed.filter_timeout && parsed.filter_timeout->nanos < 0)
    return bad_request("filterTimeout: Invalid value: \"" + api::format_duration(*parsed.filter_timeout) + "\": must be zero or positive");
  if (limits_filters) options.filter_timeout = parsed.filter_timeout ? rt::Duration(parsed.filter_timeout->nanos) : std::chrono::seconds(10);
  options.binding_timeout = parsed.binding_timeout ? rt::Duration(parsed.binding_timeout->nanos) : std::chrono::seconds(600);
  if (options.binding_timeout < std::chrono::seconds(1))
    return bad_request("bindingTimeout: Invalid value: \"" + api::format_duration(*parsed.binding_timeout) + "\": must be at least 1 second");
  return std::make_unique<DynamicResources>(deps, options);
}

}  // namespace pintle::scheduler::plugins

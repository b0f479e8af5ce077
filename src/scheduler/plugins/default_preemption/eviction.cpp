#include "scheduler/plugins/default_preemption/eviction.h"

#include "apimachinery/clock_time.h"
#include "component/log.h"
#include "scheduler/framework/pod_status.h"

namespace pintle::scheduler::plugins {

namespace log = component::log;

namespace {

codec::Value disruption_condition(const Pod& victim, const Pod& preemptor, rt::WallTime now) {
  codec::Value condition;
  condition["type"] = "DisruptionTarget";
  condition["status"] = "True";
  condition["reason"] = "PreemptionByScheduler";
  condition["message"] = preemptor.spec.scheduler_name + ": preempting to accommodate a higher priority pod";
  if (victim.metadata.generation != 0) condition["observedGeneration"] = victim.metadata.generation;
  condition["lastProbeTime"] = nullptr;
  condition["lastTransitionTime"] = api::format_time(apimachinery::to_api_time(now));
  codec::Value status;
  status["conditions"] = codec::Value::Array{std::move(condition)};
  return status;
}

rt::Task<Result<Unit>> evict(PluginDeps* deps, rt::Context ctx, PlacedPodPtr placed, const Preemption* preemption) {
  const PodPtr victim = deps->whole_pod(*placed);
  if (!victim) co_return error(Reason::NotFound, "the pod is gone");
  codec::Value why = disruption_condition(*victim, *preemption->preemptor->pod, deps->runtime.clock().wall_now());
  CO_TRY(co_await patch_status(deps->client, ctx, victim, std::move(why)));
  client::DeleteOptions options;
  options.precondition_uid = victim->metadata.uid;
  CO_TRY(co_await deps->client.remove<Pod>(ctx, victim->metadata.namespace_, victim->metadata.name, std::move(options)));
  deps->events.normal({client::reference_to(*victim), client::reference_to(*preemption->preemptor->pod), "Preempted", "Preempting",
                       "Preempted by pod " + preemption->preemptor->uid() + " on node " + preemption->node});
  co_return Unit{};
}

}  // namespace

rt::Task<void> carry_out(PluginDeps deps, Preemption preemption) {
  const rt::Context ctx = deps.tasks.context();
  for (const PodInfoPtr& pod : preemption.disappointed) {
    codec::Value status;
    status["nominatedNodeName"] = nullptr;
    auto cleared = co_await patch_status(deps.client, ctx, pod->pod, std::move(status));
    if (!cleared && cleared.error().reason != Reason::NotFound)
      log::error("A pod's nomination was not taken back", cleared.error(), {{"pod", pod_key(*pod->pod)}});
  }
  std::erase_if(preemption.victims, [](const PlacedPodPtr& victim) { return victim->going; });  // on their way out
  bool failed = false;
  for (std::size_t i = 0; i < preemption.victims.size(); ++i) {
    const PlacedPodPtr victim = preemption.victims[i];
    const bool last = i + 1 == preemption.victims.size();
    if (last) preemption.before_last();
    auto gone = co_await evict(&deps, ctx, victim, &preemption);
    if (gone || ctx.done()) continue;
    if (gone.error().reason == Reason::NotFound) {
      failed |= last;  // its end may have been told while nobody was to hear of it
      continue;
    }
    log::error("Tried to preempt pod", gone.error(), {{"pod", pod_key(*victim)}});
    failed = true;
  }
  if (preemption.victims.empty()) preemption.before_last();
  if (failed) deps.try_again(preemption.preemptor->uid());  // no event will wake it
}

}  // namespace pintle::scheduler::plugins

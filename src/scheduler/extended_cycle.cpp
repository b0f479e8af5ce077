// Scheduling cycles of pods in which extenders have a say. They wait for others, perhaps until a timeout, and so run beside the cycles of all other
// pods, one at a time: what extenders know of the pods before is then as complete as upstream's order makes it.
#include "component/log.h"
#include "scheduler/core.h"

namespace pintle::scheduler {

void Core::park(queue::QueuedPod& queued, const Member& member) {
  if (!wants_node(*queued.info, member)) return;
  queue_.settle(queued.info->uid());  // its cycle begins later, and sees what is then
  parked_.insert({queued.info->priority, next_parked_++, queued.info->uid()});
  if (extending_) return;
  extending_ = true;
  tasks_.spawn(schedule_parked());
}

rt::Task<void> Core::schedule_parked() {
  while (!parked_.empty() && !tasks_.context().done()) {
    std::string uid = std::move(parked_.extract(parked_.begin()).value().uid);
    co_await schedule_extended(std::move(uid));
    co_await rt::yield();
  }
  extending_ = false;
}

rt::Task<void> Core::schedule_extended(std::string uid) {
  queue::QueuedPod* queued = queue_.resume(uid);
  if (queued == nullptr) co_return;
  const PodInfoPtr pod = queued->info;
  const Member* member = member_of(*pod->pod);
  CHECK(member != nullptr, "the queue holds pods of our profiles");
  if (!wants_node(*pod, *member)) co_return;
  const rt::TimePoint start = clock_.now();
  const rt::Context ctx = tasks_.context();
  const int32_t percentage = setup_.config.percentage_of_nodes_to_score;
  const std::size_t first = algorithm_.next_start();
  auto state = std::make_unique<CycleState>();
  algorithm::Placement placement = algorithm_.find(*member->filters, *state, *pod, percentage);
  if (placement.error.ok() && placement.feasible > 0) {
    std::vector<NodePtr> nodes;
    for (const NodeInfo* node : algorithm_.feasible()) nodes.push_back(node->node);
    auto verdict = co_await extenders_->filter(ctx, pod->pod, std::move(nodes));
    std::map<std::string, int64_t> scores;
    if (verdict && verdict->passed.size() > 1) scores = co_await extenders_->prioritize(ctx, pod->pod, verdict->passed);
    // What they were shown may have changed: the same nodes once more, of which those count that they want.
    const PodPtr newest = whole_pod(*pod);
    if (!newest || newest->metadata.deletion_timestamp || cache_.has_pod(uid)) {
      queue_.done(uid);
      co_return;
    }
    if (verdict) {
      state = std::make_unique<CycleState>();
      const std::size_t next = algorithm_.next_start();
      algorithm_.set_next_start(first);
      placement = algorithm_.find(*member->filters, *state, *pod, percentage);
      algorithm_.set_next_start(next);
      if (placement.error.ok()) {
        algorithm_.narrow(*verdict);
        placement = algorithm_.choose(*member->filters, *state, *pod, std::move(placement), scores);
      }
    } else {
      placement.error = PluginStatus::failure(verdict.error());
    }
  }
  metrics_.algorithm_duration.with({}).observe(seconds(clock_.now() - start));
  if (placement.node != nullptr) {
    reserve_and_bind(*queued, *member, std::move(*state), *placement.node, start);
    co_return;
  }
  Failure failure = co_await extended_failure_of(std::move(placement), member, state.get(), pod);
  fail(pod, *member, std::move(failure), start);
}

rt::Task<Core::Failure> Core::extended_failure_of(algorithm::Placement placement, const Member* member, CycleState* state, PodInfoPtr pod) {
  Failure out;
  if (begin_failure(placement, *member, out)) co_return out;
  Diagnosis diagnosis = std::move(algorithm_.diagnosis());  // other pods have their cycles meanwhile
  const PhaseTimer timer(metrics_, clock_, Phase::PostFilter, member->profile->scheduler_name);
  for (const auto& placed : member->profile->post_filter) {
    PostFilterResult result = co_await placed.plugin->post_filter_with(tasks_.context(), *state, pod, diagnosis, *extenders_);
    if (take_post_filter(std::move(result), diagnosis, out)) break;
  }
  end_failure(diagnosis, out);
  co_return out;
}

}  // namespace pintle::scheduler

#include "scheduler/core.h"

#include "component/log.h"

namespace pintle::scheduler {

namespace log = component::log;

namespace {

queue::QueueOptions queue_options(const SchedulerSetup& setup) {
  queue::QueueOptions out;
  out.backoff_initial = setup.config.pod_initial_backoff;
  out.backoff_max = setup.config.pod_max_backoff;
  out.unschedulable_max = setup.config.pod_max_in_unschedulable;
  out.pop_from_backoff = setup.gates.enabled("SchedulerPopFromBackoffQ");
  return out;
}

}  // namespace

Core::Core(const SchedulerSetup& setup)
    : setup_(setup),
      runtime_(setup.runtime),
      clock_(setup.runtime.clock()),
      client_(setup.client),
      metrics_(setup.metrics),
      cache_(&metrics_),
      queue_(setup.runtime, queue_options(setup), metrics_,
             [this](const Pod& pod) {
               const Member* member = member_of(pod);
               return member == nullptr ? nullptr : member->profile.get();
             }),
      algorithm_(cache_, clock_, setup.runtime.random(), metrics_),
      informers_(setup.client, {"pods"}),
      binding_tasks_(metrics_.goroutines.with({"binding"})),
      expects_nominations_(setup_.gates.enabled("NominatedNodeNameForExpectation")) {
  queue_.set_nominator(nominator_);
  nominator_.on_change([this](const std::string& node) { cache_.touch(node); });
}

Core::~Core() = default;

Result<Unit> Core::prepare() {
  if (!setup_.config.extenders.empty()) {
    TRY_ASSIGN(extenders_, extenders::Extenders::make(runtime_, setup_.config.extenders));
  }
  for (const ProfileSpec& spec : setup_.config.profiles) {
    Member member;
    client::EventReporter reporter{spec.scheduler_name, spec.scheduler_name + "-" + setup_.hostname};
    member.events = std::make_unique<client::SeriesRecorder>(client_, std::move(reporter));
    member.filters = std::make_unique<algorithm::FilterRunner>(nominator_);
    const PluginDeps deps{runtime_,
                          client_,
                          informers_,
                          *member.events,
                          setup_.gates,
                          cache_,
                          devices_,
                          nominator_,
                          *member.filters,
                          tasks_,
                          metrics_,
                          [this](const std::string& uid) { queue_.activate({uid}); },
                          [this](const PlacedPod& pod) { return whole_pod(pod); }};
    TRY_ASSIGN(member.profile, make_profile(spec, deps));
    member.filters->set_profile(*member.profile);
    queue_.add_profile(*member.profile, extenders_ != nullptr);
    members_.push_back(std::move(member));
  }
  return Unit{};
}

const Core::Member* Core::member_of(const Pod& pod) const {
  for (const Member& member : members_)
    if (member.profile->scheduler_name == pod.spec.scheduler_name) return &member;
  return nullptr;
}

rt::Task<void> Core::run(rt::Context ctx) {
  follow_cluster();
  informers_.start();
  auto synced = co_await informers_.wait_synced(ctx);
  if (synced) {
    running_ = true;
    log::info(1, "Scheduling begins", {{"nodes", std::to_string(cache_.nodes().size())}});
    co_await schedule_all(ctx);
    running_ = false;
  }
  co_await tasks_.close();
  co_await informers_.stop();
  if (extenders_) co_await extenders_->close();
  for (Member& member : members_) co_await member.events->stop();
}

rt::Task<void> Core::schedule_all(rt::Context ctx) {
  rt::TimePoint slice_end = clock_.now() + cycle_slice;
  while (!ctx.done()) {
    if (places_.taken >= binding_cycles_max) {
      places_.left.reset();
      auto ended = co_await places_.left.wait(ctx);
      if (!ended) co_return;
      continue;
    }
    queue::QueuedPod* pod = queue_.pop();
    if (pod == nullptr) {
      auto ready = co_await queue_.wait_ready(ctx);
      if (!ready) co_return;
      continue;
    }
    if (extenders_ && extenders_->take_part(*pod->info->pod))
      park(*pod, *member_of(*pod->info->pod));
    else
      schedule_one(*pod);
    if (clock_.now() < slice_end) continue;
    co_await rt::yield();  // bindings, watches
    slice_end = clock_.now() + cycle_slice;
  }
}

bool Core::wants_node(const PodInfo& pod, const Member& member) {
  if (pod.pod->metadata.deletion_timestamp) {
    member.events->warning(
        {client::reference_to(*pod.pod), {}, "FailedScheduling", "Scheduling", "skip schedule deleting pod: " + pod_key(*pod.pod)});
  } else if (!cache_.has_pod(pod.uid())) {
    return true;
  }
  queue_.done(pod.uid());
  return false;
}

void Core::schedule_one(queue::QueuedPod& queued) {
  const PodInfoPtr pod = queued.info;
  const Member* member = member_of(*pod->pod);
  CHECK(member != nullptr, "the queue holds pods of our profiles");
  if (!wants_node(*pod, *member)) return;

  const rt::TimePoint start = clock_.now();
  CycleState state;
  const algorithm::Placement placement = algorithm_.schedule(*member->filters, state, *pod, setup_.config.percentage_of_nodes_to_score);
  if (placement.node == nullptr) {
    Failure failure = failure_of(placement, *member, state, *pod);
    metrics_.algorithm_duration.with({}).observe(seconds(clock_.now() - start));
    return fail(pod, *member, std::move(failure), start);
  }
  metrics_.algorithm_duration.with({}).observe(seconds(clock_.now() - start));
  reserve_and_bind(queued, *member, std::move(state), *placement.node, start);
}

bool Core::begin_failure(const algorithm::Placement& placement, const Member& member, Failure& out) {
  out.nominated_node = "";
  if (placement.no_nodes) {
    out.rejected = true;
    out.message = "no nodes available to schedule pods";
    for (const auto& placed : member.profile->filter) out.unschedulable_plugins |= uint64_t{1} << placed.index;  // one of them hears of a node
    return true;
  }
  if (!placement.error.ok()) {
    out.message = placement.error.message();
    return true;
  }
  out.rejected = true;
  out.nominated_node.reset();
  return false;
}

bool Core::take_post_filter(PostFilterResult result, Diagnosis& diagnosis, Failure& out) {
  if (result.nominated_node) out.nominated_node = std::move(result.nominated_node);
  if (result.status.ok()) {
    diagnosis.post_filter_message.clear();
    return true;
  }
  const bool failed = result.status.code == Code::Error;
  if (failed) diagnosis.post_filter_message.clear();  // it stands alone
  if (!diagnosis.post_filter_message.empty()) diagnosis.post_filter_message += ", ";
  diagnosis.post_filter_message += result.status.message();
  return failed;
}

void Core::end_failure(const Diagnosis& diagnosis, Failure& out) {
  out.message = diagnosis.message();
  out.unschedulable_plugins = diagnosis.unschedulable_plugins;
  out.pending_plugins = diagnosis.pending_plugins;
}

Core::Failure Core::failure_of(const algorithm::Placement& placement, const Member& member, CycleState& state, const PodInfo& pod) {
  Failure out;
  if (begin_failure(placement, member, out)) return out;
  Diagnosis& diagnosis = algorithm_.diagnosis();
  const PhaseTimer timer(metrics_, clock_, Phase::PostFilter, member.profile->scheduler_name);
  for (const auto& placed : member.profile->post_filter)
    if (take_post_filter(placed.plugin->post_filter(state, pod, diagnosis), diagnosis, out)) break;
  end_failure(diagnosis, out);
  return out;
}

void Core::reserve_and_bind(queue::QueuedPod& queued, const Member& member, CycleState state, const NodeInfo& node, rt::TimePoint start) {
  std::unique_ptr<Binding> binding(
      new Binding{queued.info, node.name(), std::move(state), &member, start, tasks_.context().child(), BindingPlace(places_)});
  cache_.assume(binding->pod, binding->node);
  const std::string nominated = nominator_.node_of(binding->pod->uid());
  nominator_.remove(binding->pod->uid());
  tell_nomination(binding->pod->pod, nominated, binding->node);
  PluginStatus status;
  for (const auto& placed : member.profile->reserve) {
    status = placed.plugin->reserve(binding->state, *binding->pod, binding->node);
    if (!status.ok()) {
      status.plugin = placed.index;
      return give_up(*binding, status);
    }
  }
  for (const auto& placed : member.profile->permit) {
    status = placed.plugin->permit(binding->state, *binding->pod, binding->node);
    if (!status.ok()) {
      status.plugin = placed.index;
      return give_up(*binding, status);
    }
  }
  queue_.settle(binding->pod->uid());  // minutes of events are not kept for it
  bindings_[binding->pod->uid()] = binding.get();
  tell_bindings();
  tasks_.spawn(bind(std::move(binding)));
}

}  // namespace pintle::scheduler

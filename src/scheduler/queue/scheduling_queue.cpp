#include "scheduler/queue/scheduling_queue.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "scheduler/framework/metrics.h"

namespace pintle::scheduler::queue {

namespace {

constexpr uint64_t no_events = UINT64_MAX;

rt::TimePoint window_of(rt::TimePoint time) { return time - time.time_since_epoch() % backoff_window; }

std::string_view queue_name(Place place) {
  switch (place) {
    case Place::Active: return "active";
    case Place::Backoff:
    case Place::ErrorBackoff: return "backoff";
    case Place::Unschedulable: return "unschedulable";
    case Place::Gated: return "gated";
    case Place::InFlight: break;
  }
  return "";
}

}  // namespace

bool SchedulingQueue::ActiveLess::operator()(const QueuedPod* a, const QueuedPod* b) const {
  const QueueSortPlugin& sort = *a->profile->queue_sort.front().plugin;  // the same plugin in every profile
  if (sort.less(*a, *b)) return true;
  if (sort.less(*b, *a)) return false;
  return a->sequence < b->sequence;
}
bool SchedulingQueue::BackoffLess::operator()(const QueuedPod* a, const QueuedPod* b) const {
  if (a->backoff_until != b->backoff_until) return a->backoff_until < b->backoff_until;
  return ActiveLess{}(a, b);
}

bool AgeLess::operator()(const QueuedPod* a, const QueuedPod* b) const {
  return a->queued_at != b->queued_at ? a->queued_at < b->queued_at : a->sequence < b->sequence;
}

// One timer of the executor; it may fire after the queue is gone.
struct SchedulingQueue::Timer {
  SchedulingQueue* queue;
  rt::Executor* executor = nullptr;
  rt::TimerId id = 0;
  rt::TimePoint at{};
};

SchedulingQueue::SchedulingQueue(rt::Runtime& runtime, QueueOptions options, SchedulerMetrics& metrics, ProfileOf profile_of)
    : clock_(runtime.clock()), options_(options), metrics_(metrics), profile_of_(std::move(profile_of)), timer_(std::make_shared<Timer>()) {
  timer_->queue = this;
  for (Place place : {Place::Active, Place::Backoff, Place::ErrorBackoff, Place::Unschedulable, Place::Gated})
    pending_[static_cast<std::size_t>(place)] = &metrics_.pending_pods.with({std::string(queue_name(place))});
}

void SchedulingQueue::count_incoming(std::string_view event, Place place) {
  if (event.empty()) return;
  component::metrics::Counter*& series = incoming_[{event, place}];
  if (series == nullptr) series = &metrics_.incoming_pods.with({std::string(event), std::string(queue_name(place))});
  series->add();
}

SchedulingQueue::~SchedulingQueue() {
  if (timer_->executor != nullptr) timer_->executor->cancel_timer(timer_->id);
  timer_->queue = nullptr;
}

void SchedulingQueue::add_profile(const Profile& profile, bool extenders) {
  Hints& hints = hints_[&profile];
  for (const auto& plugin : profile.plugins)
    for (EventInterest& interest : plugin->interests()) hints.push_back({plugin->index, std::move(interest)});
  if (!extenders) return;
  for (int resource = 0; resource < static_cast<int>(EventResource::Everything); ++resource)
    hints.push_back({extender_index, {static_cast<EventResource>(resource), action::all, nullptr}});
}

void SchedulingQueue::take_out(QueuedPod& pod) {
  const auto at = static_cast<std::size_t>(pod.place);
  --sizes_[at];
  if (pending_[at] != nullptr) pending_[at]->add(-1);
  if (pod.companions != nullptr) {
    const auto alike = pod.companions->find(pod.info->shape);
    alike->second.erase(&pod);
    if (alike->second.empty()) pod.companions->erase(alike);
    if (pod.companions->empty()) rejected_.erase(rejectors_of(pod));
    pod.companions = nullptr;
  }
  switch (pod.place) {
    case Place::Active: active_.erase(&pod); break;
    case Place::Backoff: backoff_.erase(&pod); break;
    case Place::ErrorBackoff: error_backoff_.erase(&pod); break;
    case Place::Unschedulable: unschedulable_.erase(&pod); break;
    case Place::Gated: gated_.erase(&pod); break;
    case Place::InFlight: forget_events(pod); break;
  }
}

void SchedulingQueue::put(QueuedPod& pod, Place place, std::string_view event) {
  pod.place = place;
  const auto at = static_cast<std::size_t>(place);
  ++sizes_[at];
  if (pending_[at] != nullptr) pending_[at]->add(1);
  if (place == Place::Unschedulable || place == Place::Gated) {
    pod.companions = &rejected_[rejectors_of(pod)];
    (*pod.companions)[pod.info->shape].insert(&pod);
  }
  switch (place) {
    case Place::Active: active_.insert(&pod); break;
    case Place::Backoff: backoff_.insert(&pod); break;
    case Place::ErrorBackoff: error_backoff_.insert(&pod); break;
    case Place::Unschedulable: unschedulable_.insert(&pod); break;
    case Place::Gated: gated_.insert(&pod); break;
    case Place::InFlight:
      pod.events_from = first_event_ + events_.size();
      in_flight_from_.insert(pod.events_from);
      break;
  }
  if (place == Place::Active || (place == Place::Backoff && options_.pop_from_backoff)) ready_.set();
  count_incoming(event, place);
  arm();
}

void SchedulingQueue::set_rejectors(QueuedPod& pod, uint64_t unschedulable, uint64_t pending) {
  const uint64_t before = pod.unschedulable_plugins | pod.pending_plugins, after = unschedulable | pending;
  pod.unschedulable_plugins = unschedulable;
  pod.pending_plugins = pending;
  for (uint64_t changed = before ^ after; changed != 0; changed &= changed - 1) {
    const int plugin = std::countr_zero(changed);
    metrics_.unschedulable_pods.with({std::string(plugin_name(plugin)), pod.profile->scheduler_name}).add((after >> plugin & 1) != 0 ? 1 : -1);
  }
}

bool SchedulingQueue::gated(QueuedPod& pod) {
  for (const auto& plugin : pod.profile->pre_enqueue) {
    const PluginStatus status = plugin.plugin->pre_enqueue(*pod.info);
    if (status.ok()) continue;
    set_rejectors(pod, pod.unschedulable_plugins | uint64_t{1} << plugin.index, pod.pending_plugins);
    return true;
  }
  return false;
}

rt::TimePoint SchedulingQueue::backoff_end(QueuedPod& pod) const {
  const int count = pod.consecutive_errors > 0 ? pod.consecutive_errors : pod.unschedulable_count;
  if (count == 0 || options_.backoff_max.count() == 0) return {};
  rt::Duration wait = options_.backoff_initial;
  for (int i = 1; i < count && wait < options_.backoff_max; ++i) wait *= 2;
  const rt::TimePoint end = pod.queued_at + std::min(wait, options_.backoff_max);
  return options_.pop_from_backoff ? window_of(end) + backoff_window : end;
}
bool SchedulingQueue::backing_off(QueuedPod& pod) const {
  pod.backoff_until = backoff_end(pod);
  return pod.backoff_until > clock_.now();
}

void SchedulingQueue::move_by(QueuedPod& pod, Strategy strategy, std::string_view event) {
  if (strategy == Strategy::Stay) return put(pod, pod.place == Place::Gated ? Place::Gated : Place::Unschedulable, event);
  if (strategy == Strategy::AfterBackoff && backing_off(pod))
    return put(pod, pod.consecutive_errors > 0 ? Place::ErrorBackoff : Place::Backoff, event);
  put(pod, gated(pod) ? Place::Gated : Place::Active, event);
}

SchedulingQueue::Strategy SchedulingQueue::strategy_for(const QueuedPod& pod, const EventInstance& event) const {
  const uint64_t rejectors = pod.rejectors();
  if (rejectors == 0 || event.event.resource == EventResource::Everything) return Strategy::AfterBackoff;
  Strategy out = Strategy::Stay;
  for (const Interest& hint : hints_.at(pod.profile)) {
    const uint64_t bit = uint64_t{1} << hint.plugin;
    if ((rejectors & bit) == 0 || hint.interest.resource != event.event.resource || (hint.interest.actions & event.event.actions) == 0) continue;
    if (hint.interest.hint && hint.interest.hint(*pod.info, event) == QueueingHint::Skip) continue;
    if (pod.pending_plugins & bit) return Strategy::Immediately;
    out = Strategy::AfterBackoff;
  }
  return out;
}

SchedulingQueue::Care SchedulingQueue::interested(const Profile* profile, const ClusterEvent& event) const {
  Care out;
  if (event.resource == EventResource::Everything) out.all = UINT64_MAX;
  for (const Interest& hint : hints_.at(profile)) {
    if (hint.interest.resource != event.resource || (hint.interest.actions & event.actions) == 0) continue;
    out.all |= uint64_t{1} << hint.plugin;
    if (!hint.interest.alike && hint.interest.hint) out.by_pod |= uint64_t{1} << hint.plugin;
  }
  return out;
}

void SchedulingQueue::add(PodInfoPtr pod) {
  const Profile* profile = profile_of_(*pod->pod);
  if (profile == nullptr) return;
  if (pods_.contains(pod->uid())) return update(std::move(pod));
  auto fresh = std::make_unique<QueuedPod>();
  QueuedPod& queued = *fresh;
  queued.info = std::move(pod);
  queued.profile = profile;
  queued.queued_at = clock_.now();
  queued.sequence = next_sequence_++;
  pods_.emplace(queued.info->uid(), std::move(fresh));
  put(queued, gated(queued) ? Place::Gated : Place::Active, "UnscheduledPodAdd");
}

void SchedulingQueue::update(PodInfoPtr pod) {
  auto it = pods_.find(pod->uid());
  if (it == pods_.end()) return add(std::move(pod));
  QueuedPod& queued = *it->second;
  EventInstance event{{EventResource::Pod, 0, "UnscheduledPodUpdate"}, queued.info->pod, pod->pod};
  const Pod& before = *queued.info->pod;
  const Pod& after = *pod->pod;
  if (before.metadata.labels != after.metadata.labels) event.event.actions |= action::update_pod_label;
  if (before.spec.tolerations.size() != after.spec.tolerations.size()) event.event.actions |= action::update_pod_toleration;
  if (before.spec.scheduling_gates.size() > after.spec.scheduling_gates.size()) event.event.actions |= action::update_pod_scheduling_gates_eliminated;
  if (!(queued.info->requests() == pod->requests())) event.event.actions |= action::update_pod_scale_down;
  const auto same_claim = [](const auto& a, const auto& b) { return a.name == b.name && a.resource_claim_name == b.resource_claim_name; };
  if (!std::ranges::equal(before.status.resource_claim_statuses, after.status.resource_claim_statuses, same_claim))
    event.event.actions |= action::update_pod_generated_resource_claim;
  if (event.event.actions == 0) event.event.actions = action::update_other;
  if (queued.place == Place::InFlight) {
    queued.info = std::move(pod);
    queued.gone = false;
    if (!in_flight_from_.empty()) events_.push_back(std::move(event));
    return;
  }
  const Place place = queued.place;
  take_out(queued);
  queued.info = std::move(pod);
  if (place == Place::Unschedulable || place == Place::Gated) {
    const Strategy strategy = strategy_for(queued, event);
    if (strategy != Strategy::Stay && place == Place::Gated) set_rejectors(queued, 0, queued.pending_plugins);
    return move_by(queued, strategy, strategy == Strategy::Stay ? std::string_view() : event.event.label);
  }
  put(queued, place, {});
}

void SchedulingQueue::remove(const std::string& uid) {
  auto it = pods_.find(uid);
  if (it == pods_.end()) return;
  if (it->second->place == Place::InFlight) {
    it->second->gone = true;
    return;
  }
  take_out(*it->second);
  set_rejectors(*it->second, 0, 0);
  pods_.erase(it);
  arm();
}

void SchedulingQueue::on_event(const EventInstance& event) {
  std::vector<std::pair<QueuedPod*, Strategy>> moving;
  const auto ask = [&](QueuedPod* pod) {
    if (const Strategy strategy = strategy_for(*pod, event); strategy != Strategy::Stay) moving.emplace_back(pod, strategy);
  };
  const std::string node = nominator_ == nullptr || nominator_->empty() ? std::string() : node_of_event(event);
  static const std::vector<PodInfoPtr> none;
  const std::vector<PodInfoPtr>& nominated = node.empty() ? none : nominator_->on(node);
  const auto hopes = [&](const QueuedPod* pod) {
    return std::ranges::any_of(nominated, [pod](const PodInfoPtr& other) { return other->uid() == pod->info->uid(); });
  };
  const Profile* profile = nullptr;
  Care care;
  for (const auto& [by, waiting] : rejected_) {
    if (by.profile != profile) care = interested(profile = by.profile, event.event);
    if (by.all() != 0 && (by.all() & care.all) == 0) continue;
    const bool one_by_one = (by.all() & care.by_pod) != 0;
    for (const auto& [shape, alike] : waiting) {
      if (one_by_one || shape.empty()) {
        std::ranges::for_each(alike, ask);
        continue;
      }
      // One speaks for all but those that hope for the event's node.
      const auto speaker = nominated.empty() ? alike.begin() : std::ranges::find_if_not(alike, hopes);
      if (speaker == alike.end()) continue;
      const Strategy strategy = strategy_for(**speaker, event);
      if (strategy == Strategy::Stay) continue;
      for (QueuedPod* pod : alike)
        if (nominated.empty() || !hopes(pod)) moving.emplace_back(pod, strategy);
    }
  }
  for (const PodInfoPtr& hopeful : nominated) {
    const auto found = pods_.find(hopeful->uid());
    if (found == pods_.end() || found->second->companions == nullptr) continue;
    QueuedPod* pod = found->second.get();
    if (std::ranges::find(moving, pod, &std::pair<QueuedPod*, Strategy>::first) == moving.end()) ask(pod);
  }
  for (auto& [pod, strategy] : moving) {
    take_out(*pod);
    move_by(*pod, strategy, event.event.label);
  }
  if (!in_flight_from_.empty()) events_.push_back(event);
}

void SchedulingQueue::activate(const std::vector<std::string>& uids) {
  for (const std::string& uid : uids) {
    auto it = pods_.find(uid);
    if (it == pods_.end() || it->second->place == Place::InFlight || it->second->place == Place::Active) continue;
    take_out(*it->second);
    move_by(*it->second, Strategy::Immediately, "ForceActivate");
  }
}

QueuedPod* SchedulingQueue::pop() {
  expire();
  QueuedPod* pod = nullptr;
  if (!active_.empty()) {
    pod = *active_.begin();
  } else if (options_.pop_from_backoff) {
    while (pod == nullptr && !backoff_.empty()) {
      QueuedPod* next = *backoff_.begin();
      take_out(*next);
      const bool held = gated(*next);
      put(*next, held ? Place::Gated : Place::Active, {});
      if (!held) pod = next;
    }
  }
  if (pod == nullptr) {
    ready_.reset();
    return nullptr;
  }
  take_out(*pod);
  put(*pod, Place::InFlight, {});
  set_rejectors(*pod, 0, 0);
  ++pod->attempts;
  if (!pod->first_attempt_at) pod->first_attempt_at = clock_.now();
  return pod;
}

rt::Task<Result<Unit>> SchedulingQueue::wait_ready(rt::Context ctx) { co_return co_await ready_.wait(std::move(ctx)); }

void SchedulingQueue::done(const std::string& uid) {
  auto it = pods_.find(uid);
  if (it == pods_.end() || it->second->place != Place::InFlight) return;
  take_out(*it->second);
  pods_.erase(it);
}

void SchedulingQueue::settle(const std::string& uid) {
  auto it = pods_.find(uid);
  if (it != pods_.end() && it->second->place == Place::InFlight) forget_events(*it->second);
}

QueuedPod* SchedulingQueue::resume(const std::string& uid) {
  auto it = pods_.find(uid);
  if (it == pods_.end() || it->second->place != Place::InFlight) return nullptr;
  QueuedPod& pod = *it->second;
  forget_events(pod);
  pod.events_from = first_event_ + events_.size();
  in_flight_from_.insert(pod.events_from);
  return &pod;
}

void SchedulingQueue::forget_events(QueuedPod& pod) {
  if (pod.events_from == no_events) return;
  in_flight_from_.erase(in_flight_from_.find(pod.events_from));
  pod.events_from = no_events;
  trim_events();
}

void SchedulingQueue::requeue(const std::string& uid, PodInfoPtr info, uint64_t unschedulable, uint64_t pending) {
  auto it = pods_.find(uid);
  CHECK(it != pods_.end() && it->second->place == Place::InFlight, "a pod in flight is put back");
  QueuedPod& pod = *it->second;
  pod.info = std::move(info);
  set_rejectors(pod, unschedulable, pending);
  pod.queued_at = clock_.now();
  const bool failed = (unschedulable | pending) == 0;
  if (failed) {
    ++pod.consecutive_errors;
  } else {
    pod.consecutive_errors = 0;
    ++pod.unschedulable_count;
  }
  Strategy strategy = failed || pod.events_from == no_events ? Strategy::AfterBackoff : Strategy::Stay;
  for (uint64_t i = pod.events_from == no_events ? events_.size() : pod.events_from - first_event_;
       i < events_.size() && strategy != Strategy::Immediately; ++i)
    strategy = std::max(strategy, strategy_for(pod, events_[i]));
  take_out(pod);
  pod.place = Place::Unschedulable;
  move_by(pod, strategy, "ScheduleAttemptFailure");
}

void SchedulingQueue::trim_events() {
  const uint64_t needed = in_flight_from_.empty() ? first_event_ + events_.size() : *in_flight_from_.begin();
  for (; first_event_ < needed; ++first_event_) events_.pop_front();
}

void SchedulingQueue::expire() {
  const rt::TimePoint now = clock_.now();
  for (auto* queue : {&backoff_, &error_backoff_})
    while (!queue->empty() && (*queue->begin())->backoff_until <= now) {
      QueuedPod& pod = **queue->begin();
      take_out(pod);
      move_by(pod, Strategy::Immediately, "BackoffComplete");
    }
  std::vector<QueuedPod*> stale;
  for (QueuedPod* pod : unschedulable_) {
    if (pod->queued_at + options_.unschedulable_max <= now)
      stale.push_back(pod);
    else
      break;
  }
  for (QueuedPod* pod : stale) {
    take_out(*pod);
    move_by(*pod, Strategy::AfterBackoff, "UnschedulableTimeout");
  }
}

// Sets the timer to the next moment at which expire() has something to do.
void SchedulingQueue::arm() {
  std::optional<rt::TimePoint> next;
  const auto consider = [&next](rt::TimePoint at) { next = next ? std::min(*next, at) : at; };
  if (!backoff_.empty()) consider((*backoff_.begin())->backoff_until);
  if (!error_backoff_.empty()) consider((*error_backoff_.begin())->backoff_until);
  if (!unschedulable_.empty()) consider((*unschedulable_.begin())->queued_at + options_.unschedulable_max);
  if (timer_->executor != nullptr) {
    if (next && timer_->at <= *next) return;  // it wakes early enough, and sets itself anew
    timer_->executor->cancel_timer(timer_->id);
    timer_->executor = nullptr;
  }
  if (!next) return;
  timer_->executor = &rt::Executor::current();
  timer_->at = *next;
  timer_->id = timer_->executor->post_at(*next, [timer = std::weak_ptr<Timer>(timer_)] {
    auto alive = timer.lock();
    if (!alive || alive->queue == nullptr) return;
    alive->executor = nullptr;
    alive->queue->expire();
    alive->queue->arm();
  });
}

const QueuedPod* SchedulingQueue::find(const std::string& uid) const {
  auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : it->second.get();
}

}  // namespace pintle::scheduler::queue

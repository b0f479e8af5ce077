#include "client/event_recorder.h"

#include <deque>

#include "api/codec.h"
#include "client/event_correlator.h"
#include "component/log.h"
#include "rt/backoff.h"
#include "rt/sync.h"

namespace pintle::client {

namespace {

using api::core_v1::Event;
using api::core_v1::ObjectReference;

constexpr std::size_t queued_events_max = 1000;                 // then new ones are dropped
constexpr int tries_max = 12;                                   // to reach the server with one event
constexpr rt::Duration retry_after = std::chrono::seconds(10);
constexpr rt::Duration stop_within = std::chrono::seconds(1);   // what is queued then is dropped

// The server was not reached, or could not answer: worth another try.
bool unreached(const Status& failure) { return failure.reason == Reason::ServiceUnavailable || failure.reason == Reason::Timeout; }

}  // namespace

ObjectReference reference_to(const api::Type& type, const void* object) {
  const api::KindInfo* kind = api::kind_of(type);
  CHECK(kind != nullptr && kind->metadata_offset >= 0, "only objects are referred to");
  const auto& meta = *reinterpret_cast<const api::meta_v1::ObjectMeta*>(static_cast<const char*>(object) + kind->metadata_offset);
  ObjectReference out;
  out.kind = kind->gvk.kind;
  out.api_version = api::api_version(kind->gvk);
  out.namespace_ = meta.namespace_;
  out.name = meta.name;
  out.uid = meta.uid;
  out.resource_version = meta.resource_version;
  return out;
}

struct EventRecorder::State {
  State(Client& c, EventSource s) : client(c), source(std::move(s)) {}

  void record(const ObjectReference& about, std::string_view type, std::string_view reason, std::string message, FlatMap<std::string> annotations = {});
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> deliver(rt::Context ctx, EventCorrelator::Verdict verdict);
  rt::Task<Result<Event>> write(rt::Context ctx, const EventCorrelator::Verdict& verdict);

  Client& client;
  const EventSource source;
  EventCorrelator correlator;
  std::deque<EventCorrelator::Verdict> queue;
  bool running = false;
  bool stopping = false;
  rt::Event drained;
  rt::TaskGroup tasks;
};

EventRecorder::EventRecorder(Client& client, EventSource source) : state_(std::make_shared<State>(client, std::move(source))) {}
EventRecorder::~EventRecorder() = default;

void EventRecorder::normal(const ObjectReference& about, std::string_view reason, std::string message) { state_->record(about, "Normal", reason, std::move(message)); }

void EventRecorder::warning(const ObjectReference& about, std::string_view reason, std::string message, FlatMap<std::string> annotations) {
  state_->record(about, "Warning", reason, std::move(message), std::move(annotations));
}

rt::Task<void> EventRecorder::stop() {
  auto state = state_;
  state->stopping = true;
  if (state->running) {
    const rt::Context bounded = rt::Context::background().with_timeout(stop_within);
    (void)co_await state->drained.wait(bounded);
  }
  co_await state->tasks.close();
}

void EventRecorder::State::record(const ObjectReference& about, std::string_view type, std::string_view reason, std::string message, FlatMap<std::string> annotations) {
  if (stopping) return;
  const auto now = client.runtime().clock().wall_now();
  Event event;
  event.metadata.namespace_ = about.namespace_.empty() ? "default" : about.namespace_;
  event.metadata.name = event_name(about.name, now);
  event.metadata.annotations = std::move(annotations);
  event.involved_object = about;
  event.reason = reason;
  event.message = std::move(message);
  event.type = type;
  event.source.component = event.reporting_component = source.component;
  event.source.host = event.reporting_instance = source.host;
  event.first_timestamp = event.last_timestamp = to_time(now);
  event.count = 1;
  if (queue.size() >= queued_events_max) {
    component::log::info(2, "Too many events are waiting to be sent, one is dropped", {{"reason", event.reason}, {"object", about.name}});
    return;
  }
  auto verdict = correlator.observe(std::move(event), now);
  if (!verdict) return;
  queue.push_back(std::move(*verdict));
  if (running) return;
  // A task lives while there is something to send, and no longer.
  running = true;
  drained.reset();
  tasks.spawn(run(tasks.context()));
}

rt::Task<void> EventRecorder::State::run(rt::Context ctx) {
  while (!queue.empty() && !ctx.done()) {
    auto verdict = std::move(queue.front());
    queue.pop_front();
    co_await deliver(ctx, std::move(verdict));
  }
  running = false;
  drained.set();
}

rt::Task<void> EventRecorder::State::deliver(rt::Context ctx, EventCorrelator::Verdict verdict) {
  for (int attempt = 1;; ++attempt) {
    auto stored = co_await write(ctx, verdict);
    if (stored) {
      correlator.sent(verdict.key, *stored);
      co_return;
    }
    if (ctx.done()) co_return;
    const Status& failure = stored.error();
    if (!unreached(failure) || attempt == tries_max || stopping) {
      component::log::info(failure.reason == Reason::Forbidden || failure.reason == Reason::NotFound ? 4 : 2, "The server did not take an event",
                           {{"reason", verdict.event.reason}, {"object", verdict.event.involved_object.name}, {"err", failure.message}});
      co_return;
    }
    auto slept = co_await rt::sleep_for(ctx, retry_after);
    if (!slept) co_return;
  }
}

rt::Task<Result<Event>> EventRecorder::State::write(rt::Context ctx, const EventCorrelator::Verdict& verdict) {
  if (verdict.event.count > 1) {
    std::string body = verdict.patch();
    auto patched = co_await client.patch<Event>(ctx, verdict.event.metadata.namespace_, verdict.event.metadata.name, PatchType::Strategic, std::move(body));
    if (patched || patched.error().reason != Reason::NotFound) co_return patched;
  }
  Event copy = verdict.event;
  co_return co_await client.create(ctx, std::move(copy));
}

}  // namespace pintle::client

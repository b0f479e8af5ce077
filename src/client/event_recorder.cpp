#include "client/event_recorder.h"

#include "api/codec.h"
#include "client/event_correlator.h"
#include "client/event_sender.h"
#include "component/log.h"

namespace pintle::client {

using api::core_v1::Event;
using api::core_v1::ObjectReference;

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

  void record(const ObjectReference& about, std::string_view type, std::string_view reason, std::string message,
              FlatMap<std::string> annotations = {});

  Client& client;
  const EventSource source;
  EventCorrelator correlator;
  EventSender sender{client};
};

EventRecorder::EventRecorder(Client& client, EventSource source) : state_(std::make_shared<State>(client, std::move(source))) {}
EventRecorder::~EventRecorder() = default;

void EventRecorder::normal(const ObjectReference& about, std::string_view reason, std::string message) {
  state_->record(about, "Normal", reason, std::move(message));
}

void EventRecorder::warning(const ObjectReference& about, std::string_view reason, std::string message, FlatMap<std::string> annotations) {
  state_->record(about, "Warning", reason, std::move(message), std::move(annotations));
}

rt::Task<void> EventRecorder::stop() {
  auto state = state_;
  co_await state->sender.stop();
}

void EventRecorder::State::record(const ObjectReference& about, std::string_view type, std::string_view reason, std::string message,
                                  FlatMap<std::string> annotations) {
  if (sender.stopping()) return;
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
  if (sender.full()) {
    component::log::info(2, "Too many events are waiting to be sent, one is dropped", {{"reason", event.reason}, {"object", about.name}});
    return;
  }
  auto verdict = correlator.observe(std::move(event), now);
  if (!verdict) return;
  EventWrite write;
  if (verdict->event.count > 1) write.patch = verdict->patch();
  write.event = std::move(verdict->event);
  write.stored = [this, key = verdict->key](const Event& stored) { correlator.sent(key, stored); };
  sender.send(std::move(write));
}

}  // namespace pintle::client

#include "client/series_recorder.h"

#include "client/event_sender.h"
#include "client/event_series.h"
#include "component/log.h"

namespace pintle::client {

using api::core_v1::Event;

struct SeriesRecorder::State {
  State(Client& c, EventReporter r) : client(c), reporter(std::move(r)) {}

  void record(std::string_view type, SeriesReport report);
  void send(EventSeries::Send verdict);
  rt::Task<void> finish_series(rt::Context ctx);

  Client& client;
  const EventReporter reporter;
  EventSeries series;
  EventSender sender{client};
  bool finishing = false;
  rt::TaskGroup tasks;
};

SeriesRecorder::SeriesRecorder(Client& client, EventReporter reporter) : state_(std::make_shared<State>(client, std::move(reporter))) {}
SeriesRecorder::~SeriesRecorder() = default;

void SeriesRecorder::normal(SeriesReport report) { state_->record("Normal", std::move(report)); }
void SeriesRecorder::warning(SeriesReport report) { state_->record("Warning", std::move(report)); }

rt::Task<void> SeriesRecorder::stop() {
  auto state = state_;
  co_await state->tasks.close();
  co_await state->sender.stop();
}

void SeriesRecorder::State::send(EventSeries::Send verdict) {
  if (sender.full()) {
    component::log::info(2, "Too many events are waiting to be sent, one is dropped",
                         {{"reason", verdict.event.reason}, {"object", verdict.event.involved_object.name}});
    return;
  }
  EventWrite write;
  if (verdict.again) write.patch = verdict.patch();
  write.event = std::move(verdict.event);
  sender.send(std::move(write));
}

void SeriesRecorder::State::record(std::string_view type, SeriesReport report) {
  if (sender.stopping()) return;
  const auto now = client.runtime().clock().wall_now();
  Event event;
  event.metadata.namespace_ = report.about.namespace_.empty() ? "default" : report.about.namespace_;
  event.metadata.name = event_name(report.about.name, now);
  event.involved_object = std::move(report.about);
  if (report.related) event.related = std::move(*report.related);
  event.type = type;
  event.reason = std::move(report.reason);
  event.action = std::move(report.action);
  event.message = std::move(report.note);
  if (event.message.size() > event_note_bytes_max) event.message = event.message.substr(0, event_note_bytes_max - 4) + " ...";
  event.reporting_component = reporter.controller;
  event.reporting_instance = reporter.instance;
  auto verdict = series.observe(std::move(event), now);
  if (verdict) send(std::move(*verdict));
  if (finishing || !series.next_due()) return;
  finishing = true;
  tasks.spawn(finish_series(tasks.context()));
}

// Lives while a series is open.
rt::Task<void> SeriesRecorder::State::finish_series(rt::Context ctx) {
  const auto& clock = client.runtime().clock();
  while (const auto due = series.next_due()) {
    auto slept = co_await rt::sleep_for(ctx, std::max(rt::Duration::zero(), rt::Duration(*due - clock.wall_now())));
    if (!slept) break;
    for (auto& verdict : series.due(clock.wall_now())) send(std::move(verdict));
  }
  finishing = false;
}

}  // namespace pintle::client

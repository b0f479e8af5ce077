// SeriesRecorder: Events in the way of events.k8s.io, as the scheduler tells: with an action, a second object and the instance that
// reports; what is told again becomes a series (event_series.h). Belongs to one executor; nothing waits for it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "client/event_recorder.h"

namespace pintle::client {

constexpr std::size_t event_note_bytes_max = 1024;  // the API's limit: a longer note is cut, and ends in " ..."

struct EventReporter {
  std::string controller;  // "default-scheduler"
  std::string instance;    // "default-scheduler-HOST"
};

struct SeriesReport {
  api::core_v1::ObjectReference about;
  std::optional<api::core_v1::ObjectReference> related;
  std::string reason;  // "Scheduled"
  std::string action;  // "Binding"
  std::string note;
};

class SeriesRecorder {
 public:
  SeriesRecorder(Client& client, EventReporter reporter);
  ~SeriesRecorder();
  SeriesRecorder(const SeriesRecorder&) = delete;
  SeriesRecorder& operator=(const SeriesRecorder&) = delete;

  void normal(SeriesReport report);
  void warning(SeriesReport report);
  // Sends what is queued (at most a short while), then ends. Counts of open series are not sent.
  rt::Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pintle::client

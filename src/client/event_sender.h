// EventSender: brings Events to the API server in the background, one after another: a new one is created; one that is told again is
// patched, and created if it has gone. Belongs to one executor; nothing waits for it.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "rt/sync.h"

namespace pintle::client {

constexpr std::size_t queued_events_max = 1000;  // then new ones are dropped

struct EventWrite {
  api::core_v1::Event event;
  std::string patch;                                       // of the event that was sent before; "": it is new
  std::function<void(const api::core_v1::Event&)> stored;  // gets what the server made of it; may be empty
};

class EventSender {
 public:
  explicit EventSender(Client& client) : client_(client) {}

  bool full() const { return queue_.size() >= queued_events_max; }
  // Not when it is full, nor once stop() was called.
  void send(EventWrite write);
  // Sends what is queued (at most a short while), then ends.
  rt::Task<void> stop();
  bool stopping() const { return stopping_; }

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> deliver(rt::Context ctx, EventWrite one);
  rt::Task<Result<api::core_v1::Event>> write(rt::Context ctx, const EventWrite& one);

  Client& client_;
  std::deque<EventWrite> queue_;
  bool running_ = false;
  bool stopping_ = false;
  rt::Event drained_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::client

// EventSender: brings Events to the API server in the background: a new one is created; one that is told again is patched, and created if it
// has gone. A few are under way at once, so that a burst does not wait for each answer, nor all for one that the server does not take; what
// is sent of one event arrives in its order. Belongs to one executor; nothing waits for it.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "rt/sync.h"

namespace pintle::client {

constexpr std::size_t queued_events_max = 10'000;  // then new ones are dropped
constexpr std::size_t events_under_way_max = 8;

struct EventWrite {
  api::core_v1::Event event;
  std::string patch;                                       // of the event that was sent before; "": it is new
  std::function<void(const api::core_v1::Event&)> stored;  // gets what the server made of it; may be empty
};

class EventSender {
 public:
  explicit EventSender(Client& client) : client_(client) {}

  bool full() const { return queued_ >= queued_events_max; }
  // Not when it is full, nor once stop() was called.
  void send(EventWrite write);
  // Sends what is queued (at most a short while), then ends.
  rt::Task<void> stop();
  bool stopping() const { return stopping_; }

 private:
  // Writes of one event share a lane.
  struct Lane {
    std::deque<EventWrite> queue;
    bool running = false;
  };

  rt::Task<void> run(rt::Context ctx, Lane& lane);
  rt::Task<void> deliver(rt::Context ctx, EventWrite one);
  rt::Task<Result<api::core_v1::Event>> write(rt::Context ctx, const EventWrite& one);

  Client& client_;
  std::array<Lane, events_under_way_max> lanes_;
  std::size_t queued_ = 0;
  std::size_t running_ = 0;  // lanes
  bool stopping_ = false;
  rt::Event drained_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::client

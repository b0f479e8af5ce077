#include "client/event_sender.h"

#include <functional>
#include <string_view>

#include "component/log.h"

namespace pintle::client {

namespace {

using api::core_v1::Event;

constexpr int tries_max = 12;  // to reach the server with one event
constexpr rt::Duration retry_after = std::chrono::seconds(10);
constexpr rt::Duration stop_within = std::chrono::seconds(1);  // what is queued then is dropped

// The server was not reached, or could not answer: worth another try.
bool unreached(const Status& failure) { return failure.reason == Reason::ServiceUnavailable || failure.reason == Reason::Timeout; }

}  // namespace

void EventSender::send(EventWrite write) {
  CHECK(!full() && !stopping_, "whoever sends has asked");
  Lane& lane = lanes_[std::hash<std::string_view>{}(write.event.metadata.name) % lanes_.size()];
  lane.queue.push_back(std::move(write));
  ++queued_;
  if (lane.running) return;
  // A task lives while there is something to send, and no longer.
  lane.running = true;
  ++running_;
  drained_.reset();
  tasks_.spawn(run(tasks_.context(), lane));
}

rt::Task<void> EventSender::stop() {
  stopping_ = true;
  if (running_ > 0) {
    const rt::Context bounded = rt::Context::background().with_timeout(stop_within);
    (void)co_await drained_.wait(bounded);
  }
  co_await tasks_.close();
}

rt::Task<void> EventSender::run(rt::Context ctx, Lane& lane) {
  while (!lane.queue.empty() && !ctx.done()) {
    auto write = std::move(lane.queue.front());
    lane.queue.pop_front();
    --queued_;
    co_await deliver(ctx, std::move(write));
  }
  lane.running = false;
  if (--running_ == 0) drained_.set();
}

rt::Task<void> EventSender::deliver(rt::Context ctx, EventWrite one) {
  for (int attempt = 1;; ++attempt) {
    auto stored = co_await write(ctx, one);
    if (stored) {
      if (one.stored) one.stored(*stored);
      co_return;
    }
    if (ctx.done()) co_return;
    const Status& failure = stored.error();
    if (!unreached(failure) || attempt == tries_max || stopping_) {
      component::log::info(failure.reason == Reason::Forbidden || failure.reason == Reason::NotFound ? 4 : 2, "The server did not take an event",
                           {{"reason", one.event.reason}, {"object", one.event.involved_object.name}, {"err", failure.message}});
      co_return;
    }
    auto slept = co_await rt::sleep_for(ctx, retry_after);
    if (!slept) co_return;
  }
}

rt::Task<Result<Event>> EventSender::write(rt::Context ctx, const EventWrite& one) {
  if (!one.patch.empty()) {
    std::string body = one.patch;
    auto patched = co_await client_.patch<Event>(ctx, one.event.metadata.namespace_, one.event.metadata.name, PatchType::Strategic, std::move(body));
    if (patched || patched.error().reason != Reason::NotFound) co_return patched;
  }
  Event copy = one.event;
  co_return co_await client_.create(ctx, std::move(copy));
}

}  // namespace pintle::client

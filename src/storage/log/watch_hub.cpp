#include "storage/log/watch_hub.h"

#include <algorithm>
#include <utility>

#include "base/mutex.h"

namespace pintle::storage {

bool WatchHub::State::covers(std::string_view key) const {
  if (end.empty()) return start.empty() || key == start;
  return key >= start && key < end;
}

class WatchHub::Handle final : public Watch {
 public:
  Handle(std::shared_ptr<WatchHub> hub, StatePtr state) : hub_(std::move(hub)), state_(std::move(state)) {}
  ~Handle() override {
    state_->ended = true;
    if (state_->running.load() != std::this_thread::get_id()) {
      ThreadLock wait_for_running_call(state_->mutex);
    }
    hub_->remove(state_);
  }

 private:
  std::shared_ptr<WatchHub> hub_;
  StatePtr state_;
};

std::unique_ptr<Watch> WatchHub::add(const std::shared_ptr<WatchHub>& self, StatePtr state) {
  {
    ThreadLock lock(self->mutex_);
    self->watches_.push_back(state);
  }
  return std::make_unique<Handle>(self, std::move(state));
}

void WatchHub::remove(const StatePtr& state) {
  ThreadLock lock(mutex_);
  std::erase(watches_, state);
}

bool WatchHub::wants_previous() const {
  ThreadLock lock(mutex_);
  return std::ranges::any_of(watches_, [](const StatePtr& state) { return state->options.previous; });
}

bool WatchHub::has_lagging() const {
  ThreadLock lock(mutex_);
  return std::ranges::any_of(watches_, [](const StatePtr& state) { return !state->live; });
}

std::vector<WatchHub::StatePtr> WatchHub::watches() const {
  ThreadLock lock(mutex_);
  return watches_;
}

void WatchHub::send(const StatePtr& state, Result<std::vector<WatchEvent>> events) {
  const bool failed = !events.has_value();
  {
    ThreadLock lock(state->mutex);
    if (state->ended) return;
    state->running = std::this_thread::get_id();
    state->sink(std::move(events));
    state->running = std::thread::id();
    if (failed) state->ended = true;
  }
  if (failed) remove(state);
}

void WatchHub::deliver(std::vector<WatchEvent> events, int64_t through) {
  const std::vector<StatePtr> all = watches();
  for (std::size_t i = 0; i < all.size(); ++i) {
    State& state = *all[i];
    if (!state.live) continue;
    const bool everything = state.start.empty() && state.end.empty() && !events.empty() && events.front().kv.mod_revision >= state.next;
    std::vector<WatchEvent> own;
    if (everything && i + 1 == all.size()) {
      own = std::exchange(events, {});
    } else {
      for (const WatchEvent& event : events) {
        if (event.kv.mod_revision < state.next || !state.covers(event.kv.key)) continue;
        own.push_back(event);
        if (!state.options.previous) own.back().previous.reset();
      }
    }
    state.next = std::max(state.next, through + 1);
    if (!own.empty()) send(all[i], std::move(own));
  }
}

void WatchHub::tell_progress(int64_t revision) {
  for (const StatePtr& state : watches()) {
    if (!state->live || state->next > revision + 1) continue;  // one that starts in the future
    WatchEvent event;
    event.type = WatchType::Progress;
    event.kv.mod_revision = revision;
    std::vector<WatchEvent> events;
    events.push_back(std::move(event));
    send(state, std::move(events));
  }
}

void WatchHub::fail_all(const Status& status) {
  for (const StatePtr& state : watches()) send(state, Unexpected(status));
}

}  // namespace pintle::storage

// WatchHub: the watches on one LogStore. A live watch gets each batch as it is committed; one that starts in the past is
// lagging: the writer feeds it from the log in slices until it has caught up. The writer alone delivers; watches are added
// and destroyed from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "storage/store.h"

namespace pintle::storage {

class WatchHub {
 public:
  struct State {
    std::string start;
    std::string end;
    WatchOptions options;
    WatchSink sink;
    int64_t next = 0;   // the first revision not delivered; the writer's, once added
    bool live = false;  // the writer's, once added
    ThreadMutex mutex;  // held while the sink runs
    std::atomic<std::thread::id> running{};
    std::atomic<bool> ended = false;

    bool covers(std::string_view key) const;
  };
  using StatePtr = std::shared_ptr<State>;

  // `hub` outlives the watch or is gone when it is destroyed, as `self` tells.
  static std::unique_ptr<Watch> add(const std::shared_ptr<WatchHub>& self, StatePtr state);
  // Whether any watch wants previous states.
  bool wants_previous() const;
  bool has_lagging() const;
  std::vector<StatePtr> watches() const;

  // Gives the events that it covers to each live watch. `events` are whole revisions up to `through`.
  void deliver(std::vector<WatchEvent> events, int64_t through);
  // Tells every live watch that it has been given everything up to `revision`.
  void tell_progress(int64_t revision);
  // One call of a watch's sink; an error ends the watch.
  void send(const StatePtr& state, Result<std::vector<WatchEvent>> events);
  // Ends every watch.
  void fail_all(const Status& status);

 private:
  class Handle;
  void remove(const StatePtr& state);

  mutable ThreadMutex mutex_;
  std::vector<StatePtr> watches_ GUARDED_BY(mutex_);
};

}  // namespace pintle::storage

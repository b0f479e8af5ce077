// StoreFanout: the one watch on a store that feeds all its watch caches in revision order. It routes each event to the
// cache of its key's prefix, and advances one revision for all of them: a quiet resource's cache answers "revision >= N"
// as soon as the store's commit N has been delivered anywhere. A lost store watch is resumed where it stopped; if that is
// compacted, every cache lists again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"
#include "storage/cache_budget.h"
#include "storage/store.h"

namespace pintle::storage {

constexpr rt::Duration give_back_interval = std::chrono::seconds(30);
constexpr rt::Duration history_age = std::chrono::minutes(5);  // older changes go, but for the newest few of each resource

class StoreFanout {
 public:
  // What a cache gives the fanout. Calls come in revision order, one at a time, on no particular thread; must not block.
  class Feed {
   public:
    virtual ~Feed() = default;
    virtual void apply(std::vector<WatchEvent> events) = 0;
    // Events were lost: from now on keep what apply() brings, list again and show the difference.
    virtual void lost() = 0;
    // The listing after lost(), on an executor's task; returns when the cache is current again. Called again on an error.
    virtual rt::Task<Result<Unit>> relist() = 0;

    // What its window of history holds.
    virtual int64_t history_bytes() const = 0;
    // The oldest of the window go until it holds at most `bytes`, but for what it always keeps.
    virtual void shrink_history(int64_t bytes) = 0;
    // Encodings are more than they may be: only those of the newest changes are kept for watchers.
    virtual void shrink_encodings() = 0;
    // Once in a while: of the window the changes up to `revision` go, but for what it always keeps, and so do the encodings that nobody has
    // used since the last call. True if there is more that will go in time. On an executor's task.
    virtual bool give_back(int64_t revision) = 0;
  };

  virtual ~StoreFanout() = default;
  // Follows keys that start with `prefix` ("" : all of the store's, which is best where the store is ours alone). The store
  // outlives the fanout.
  static rt::Task<Result<std::unique_ptr<StoreFanout>>> start(rt::Runtime& runtime, Store& store, std::string prefix = "",
                                                              CacheBudgetOptions budget = {});
  // Await it, after all caches have stopped, before destroying the fanout.
  virtual rt::Task<void> stop() = 0;

  virtual Store& store() = 0;
  // Of all caches that it feeds: kept to after every batch of events, and what is not needed is given back every give_back_interval for as
  // long as there is any.
  virtual const std::shared_ptr<CacheBudget>& budget() const = 0;
  // Everything up to this revision has been applied to every attached feed.
  virtual int64_t revision() const = 0;
  // Waits until revision() >= `revision`; Timeout or Cancelled from `ctx`.
  virtual rt::Task<Result<Unit>> wait_for(rt::Context ctx, int64_t revision) = 0;

  // From the call on, `feed` gets the events of keys under `prefix`. Prefixes do not overlap. Not from within apply().
  virtual void attach(std::string prefix, std::shared_ptr<Feed> feed) = 0;
  virtual void detach(const std::shared_ptr<Feed>& feed) = 0;
};

}  // namespace pintle::storage

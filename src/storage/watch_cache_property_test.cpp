// The watch cache against a model, in simulation: writers write at random, clients list and watch at random as reflectors
// do, and the store's watch breaks now and then. A client's replica must equal the model at every revision it reaches.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rt/sync.h"
#include "rt/testing.h"
#include "storage/cache/flaky_store.h"
#include "storage/cache/test_codec.h"
#include "storage/memory_store.h"
#include "storage/watch_cache.h"

namespace pintle::storage {
namespace {

constexpr int seeds = 150;
constexpr int clients = 6;
constexpr int writers = 3;
constexpr int writes_per_writer = 60;

const rt::Context background = rt::Context::background();

struct Dice {
  rt::Random& random;
  uint64_t operator()(uint64_t bound) { return random.below(bound); }
};

using State = std::map<std::string, std::string>;  // key to "revision|value"

// Every change of the store in order, told by a watch of its own.
struct Model {
  struct Change {
    int64_t revision;
    std::string key;
    std::string value;
    bool deleted;
  };
  std::vector<Change> changes;
  std::unique_ptr<Watch> watch;

  void follow(Store& store) {
    auto made = store.watch("", "", 0, [this](Result<std::vector<WatchEvent>> events) {
      for (const WatchEvent& event : *events) {
        changes.push_back({event.kv.mod_revision, event.kv.key, std::string(event.kv.value.view()), event.type == WatchType::Delete});
      }
    });
    watch = std::move(*made);
  }
};

// What a client selects.
struct Selection {
  std::string prefix;
  bool red = false;
  std::string node;  // "" : any
  bool matches(const ObjectHeader& header) const {
    const std::string_view* color = header.labels.get("color");
    const std::string_view* on = header.fields.get("node");
    return (!red || (color != nullptr && *color == "red")) && (node.empty() || (on != nullptr && *on == node));
  }
};

// The state of a selection at a growing revision.
class Replay {
 public:
  Replay(const Model& model, Selection selection) : model_(model), selection_(std::move(selection)) {}
  const State& at(int64_t revision) {
    for (; next_ < model_.changes.size() && model_.changes[next_].revision <= revision; ++next_) {
      const Model::Change& change = model_.changes[next_];
      state_.erase(change.key);
      if (change.deleted || !change.key.starts_with(selection_.prefix)) continue;
      KeyValue stored;
      stored.key = change.key;
      stored.value = Bytes(change.value);
      stored.mod_revision = change.revision;
      auto loaded = codec_.load(stored);
      if (selection_.matches(loaded->header)) state_[change.key] = loaded->wire.view();
    }
    return state_;
  }

 private:
  const Model& model_;
  const Selection selection_;
  const std::shared_ptr<const TestCodec> shared_codec_ = std::make_shared<const TestCodec>();
  const TestCodec& codec_ = *shared_codec_;
  std::size_t next_ = 0;
  State state_;
};

struct World {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  Dice dice{runtime.random()};
  std::unique_ptr<Store> base = make_memory_store(runtime);
  FlakyStore store{*base};
  const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>();
  const TestCodec& codec = *shared_codec;
  Model model;
  std::unique_ptr<StoreFanout> fanout;
  std::unique_ptr<WatchCache> pods;
  std::unique_ptr<WatchCache> services;
  bool writing = true;
  bool gaps = false;  // histories were lost: replicas converge, but not event by event
  int64_t events = 0;
  int64_t expired = 0;
};

rt::Task<void> write(World* world) {
  for (int i = 0; i < writes_per_writer; ++i) {
    Dice& dice = world->dice;
    const char* resource = dice(4) == 0 ? "services" : "pods";
    const std::string key = std::string("/registry/") + resource + "/ns" + std::to_string(dice(3)) + "/" + std::to_string(dice(6));
    std::string value = dice(2) == 0 ? "color=red " : "color=blue ";
    if (dice(8) != 0) value += ".node=n" + std::to_string(dice(3)) + " ";
    value += "|" + std::to_string(dice(1'000'000));
    Result<KeyValue> done = KeyValue{};
    const CachedObjectPtr known = world->pods->get(key);
    const uint64_t what = dice(10);
    if (what < 3) {
      done = co_await world->base->remove(background, key, 0);
    } else if (known && what < 9) {
      done = co_await world->base->update(background, key, Bytes(value), known->revision());
    } else {
      done = co_await world->base->create(background, key, Bytes(value));
    }
    if (dice(3) == 0) (void)co_await rt::sleep_for(background, std::chrono::milliseconds(dice(50)));
  }
}

Selection any_selection(Dice& dice) {
  Selection selection;
  selection.prefix = dice(2) == 0 ? "/registry/pods/" : "/registry/pods/ns" + std::to_string(dice(3)) + "/";
  selection.red = dice(3) == 0;
  if (dice(3) == 0) selection.node = "n" + std::to_string(dice(3));
  return selection;
}

State state_of(const CacheList& list) {
  State state;
  for (const CachedObjectPtr& object : list.items) state[std::string(object->key())] = object->wire().view();
  return state;
}

// Applies one event to a replica, which must fit.
void apply(State& replica, const CacheEvent& event) {
  const std::string key(event.object->key());
  const bool there = replica.contains(key);
  EXPECT_EQ(there, event.type != CacheEventType::Added) << key << " at " << event.revision;
  EXPECT_EQ(event.object->revision(), event.revision);
  EXPECT_TRUE(event.object->wire().view().starts_with(std::to_string(event.object->revision()) + "|"));
  if (event.type == CacheEventType::Deleted) {
    replica.erase(key);
  } else {
    replica[key] = event.object->wire().view();
  }
}

// Lists, watches, resumes, lists again; ends when the writers have ended and it has seen everything.
rt::Task<void> reflect(World* world) {
  Dice& dice = world->dice;
  const Selection selection = any_selection(dice);
  Replay replay(world->model, selection);
  State replica;
  int64_t revision = 0;
  bool listed = false;
  CacheListOptions list_options;
  list_options.prefix = selection.prefix;
  list_options.match = [&selection](const ObjectHeader& header) { return selection.matches(header); };
  if (!selection.node.empty() && dice(2) == 0) {
    list_options.index_field = "node";
    list_options.index_value = selection.node;
  }
  while (true) {
    CacheWatchOptions options;
    options.prefix = selection.prefix;
    options.match = list_options.match;
    options.bookmarks = dice(2) == 0;
    if (!selection.node.empty() && dice(2) == 0) {
      options.index_field = "node";
      options.index_value = selection.node;
    }
    bool streaming = false;
    if (!listed && dice(2) == 0) {
      streaming = true;
      options.send_initial = true;
      options.bookmarks = true;
      replica.clear();
    } else if (!listed) {
      const CacheList list = world->pods->list(list_options);
      EXPECT_GE(list.revision, revision);
      revision = list.revision;
      replica = state_of(list);
      if (!world->gaps) {
        EXPECT_EQ(replica, replay.at(revision)) << "listed at " << revision;
      }
    }
    options.revision = revision;
    if (revision == 0) streaming = true;
    auto watcher = world->pods->watch(options);
    if (!watcher) {
      EXPECT_EQ(watcher.error().reason, Reason::Expired);
      ++world->expired;
      listed = false;
      continue;
    }
    listed = true;
    const uint64_t patience = 1 + dice(20);
    for (uint64_t n = 0; n < patience || streaming; ++n) {
      const rt::Context brief = background.with_timeout(std::chrono::milliseconds(200));
      auto events = co_await (*watcher)->next(brief);
      if (!events && events.error().reason == Reason::Timeout) {
        if (streaming && !options.send_initial) {  // these initial events have no end of their own
          streaming = false;
          revision = (*watcher)->revision();
        }
        if (!world->writing && !streaming && (*watcher)->revision() >= world->model.changes.back().revision) {
          if (!world->gaps) {
            EXPECT_EQ(replica, replay.at(INT64_MAX));
          }
          const CacheList list = world->pods->list(list_options);
          EXPECT_EQ(replica, state_of(list));
          co_return;
        }
        continue;
      }
      if (!events) {
        EXPECT_EQ(events.error().reason, Reason::Expired) << events.error().message;
        ++world->expired;
        listed = false;
        break;
      }
      for (const CacheEvent& event : *events) {
        ++world->events;
        if (event.type == CacheEventType::Bookmark) {
          EXPECT_GE(event.revision, revision);
          revision = event.revision;
          if (event.initial_events_end) streaming = false;
        } else {
          apply(replica, event);
          if (!streaming) {
            EXPECT_GE(event.revision, revision);
            revision = event.revision;
          }
        }
        if (!streaming && !world->gaps && revision > 0 && event.type != CacheEventType::Bookmark) {
          EXPECT_EQ(replica, replay.at(revision)) << "after the event of " << revision;
        }
      }
      if (::testing::Test::HasFailure()) co_return;
      if (!streaming && dice(10) == 0) (void)co_await rt::sleep_for(background, std::chrono::milliseconds(dice(400)));
    }
    if (listed && streaming) listed = false;
    if (listed && dice(2) == 0) revision = std::max(revision, (*watcher)->revision());
    if (listed && dice(4) == 0) listed = false;
  }
}

rt::Task<void> break_things(World* world, bool lose_history) {
  while (world->writing) {
    (void)co_await rt::sleep_for(background, std::chrono::milliseconds(50 + world->dice(300)));
    if (lose_history) {
      // Nothing reaches the cache while writes go on and history is compacted: it must list again.
      world->store.refuse_watches(Reason::ServiceUnavailable);
      world->store.break_watches({Reason::ServiceUnavailable, 0, "broken", {}});
      (void)co_await rt::sleep_for(background, std::chrono::milliseconds(world->dice(200)));
      auto now = co_await world->base->current_revision(background);
      (void)co_await world->base->compact(background, *now);
      world->store.refuse_watches(Reason::Unknown);
    } else {
      world->store.break_watches({Reason::ServiceUnavailable, 0, "broken", {}});
    }
  }
}

rt::Task<void> run_world(World* world, WatchCacheOptions options, bool breaking, bool lose_history) {
  world->gaps = lose_history;
  world->model.follow(*world->base);
  auto fanout = co_await StoreFanout::start(world->runtime, world->store);
  world->fanout = std::move(*fanout);
  if (world->dice(2) == 0) options.indexed_fields = {"node"};
  auto pods = co_await WatchCache::start(world->runtime, *world->fanout, "/registry/pods/", world->codec, options);
  world->pods = std::move(*pods);
  auto services = co_await WatchCache::start(world->runtime, *world->fanout, "/registry/services/", world->codec, options);
  world->services = std::move(*services);
  rt::TaskGroup writing, reflecting, breaking_group;
  for (int i = 0; i < writers; ++i) writing.spawn(write(world));
  for (int i = 0; i < clients; ++i) reflecting.spawn(reflect(world));
  if (breaking) breaking_group.spawn(break_things(world, lose_history));
  co_await writing.join();
  world->writing = false;
  co_await breaking_group.join();
  auto now = co_await world->base->current_revision(background);
  auto reached = co_await world->pods->wait_for(background, *now);
  EXPECT_TRUE(reached.has_value());
  co_await reflecting.join();
  RangeRequest everything;
  everything.start = "/registry/services/";
  everything.end = prefix_end(everything.start);
  auto range = co_await world->base->range(background, everything);
  CacheListOptions all;
  all.prefix = everything.start;
  const CacheList list = world->services->list(all);
  EXPECT_EQ(list.items.size(), range->items.size());
  for (std::size_t i = 0; i < list.items.size() && i < range->items.size(); ++i) EXPECT_EQ(list.items[i]->revision(), range->items[i].mod_revision);
  world->model.watch.reset();
  co_await world->pods->stop();
  co_await world->services->stop();
  co_await world->fanout->stop();
}

void check_seeds(WatchCacheOptions options, bool breaking, bool lose_history) {
  int64_t events = 0;
  int64_t expired = 0;
  for (uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    rt::testing::run_sim(
        [&]() -> rt::Task<void> {
          auto world = std::make_unique<World>();
          co_await run_world(world.get(), options, breaking, lose_history);
          events += world->events;
          expired += world->expired;
        },
        seed);
  }
  std::printf("%lld events, %lld watches expired\n", static_cast<long long>(events), static_cast<long long>(expired));
  EXPECT_GT(events, seeds * 100);
}

TEST(WatchCacheProperty, ReplicasEqualTheModelAtEveryRevision) { check_seeds({}, false, false); }

TEST(WatchCacheProperty, SmallWindowsExpireButNeverLie) {
  WatchCacheOptions options;
  options.history_events_max = 12;
  options.bookmark_interval = std::chrono::milliseconds(70);
  check_seeds(options, false, false);
}

TEST(WatchCacheProperty, ABrokenStoreWatchIsResumedWithoutLoss) { check_seeds({}, true, false); }

TEST(WatchCacheProperty, AfterLostHistoryReplicasConverge) { check_seeds({}, true, true); }

}  // namespace
}  // namespace pintle::storage

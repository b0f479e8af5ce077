#include "storage/store_fanout.h"

#include <gtest/gtest.h>

#include "rt/sync.h"
#include "rt/testing.h"
#include "storage/cache/flaky_store.h"
#include "storage/cache/test_codec.h"
#include "storage/memory_store.h"
#include "storage/watch_cache.h"

namespace pintle::storage {
namespace {

const rt::Context background = rt::Context::background();

struct World {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  std::unique_ptr<Store> base = make_memory_store(runtime);
  FlakyStore store{*base};
  const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>();
  const TestCodec& codec = *shared_codec;
  std::unique_ptr<StoreFanout> fanout;
  std::unique_ptr<WatchCache> pods;

  rt::Task<void> start() {
    auto made = co_await StoreFanout::start(runtime, store);
    fanout = std::move(*made);
    auto cache = co_await WatchCache::start(runtime, *fanout, "/registry/pods/", codec);
    pods = std::move(*cache);
  }
  rt::Task<void> stop() {
    co_await pods->stop();
    co_await fanout->stop();
  }
  rt::Task<int64_t> create(Store* where, std::string name) {
    auto done = co_await where->create(background, "/registry/pods/x/" + name, Bytes::literal("|"));
    EXPECT_TRUE(done.has_value());
    co_return done ? done->mod_revision : 0;
  }
  std::string names() const {
    std::string text;
    CacheListOptions all;
    for (const CachedObjectPtr& object : pods->list(all).items) text += std::string(object->header().name) + " ";
    return text;
  }
};

void run(rt::Task<void> (*body)(World&)) {
  rt::testing::run_sim([body]() -> rt::Task<void> {
    World world;
    co_await world.start();
    co_await body(world);
    co_await world.stop();
  });
}

const Status broken{Reason::ServiceUnavailable, 0, "broken", {}};

TEST(StoreFanout, ALostWatchIsResumedWhereItStopped) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create(world.base.get(), "a");
    const int64_t before = world.store.ranges_made();
    world.store.refuse_watches(Reason::ServiceUnavailable);
    world.store.break_watches(broken);
    const int64_t missed = co_await world.create(world.base.get(), "b");
    const rt::Context brief = background.with_timeout(std::chrono::seconds(30));
    auto late = co_await world.pods->wait_for(brief, missed);
    EXPECT_FALSE(late.has_value());
    world.store.refuse_watches(Reason::Unknown);
    auto reached = co_await world.pods->wait_for(background, missed);
    EXPECT_TRUE(reached.has_value());
    EXPECT_EQ(world.names(), "a b ");
    EXPECT_EQ(world.store.ranges_made(), before);  // nothing was listed again
  });
}

TEST(StoreFanout, LostHistoryIsListedAgainAndShown) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create(world.base.get(), "gone");
    const int64_t kept = co_await world.create(world.base.get(), "kept");
    auto reached = co_await world.pods->wait_for(background, kept);
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.revision = kept;
    auto watcher = world.pods->watch(options);
    world.store.refuse_watches(Reason::ServiceUnavailable);
    world.store.break_watches(broken);
    co_await world.create(world.base.get(), "new");
    auto removed = co_await world.base->remove(background, "/registry/pods/x/gone", 0);
    auto compacted = co_await world.base->compact(background, removed->mod_revision);
    world.store.refuse_watches(Reason::Unknown);
    reached = co_await world.pods->wait_for(background, removed->mod_revision);
    EXPECT_TRUE(reached && compacted);
    EXPECT_EQ(world.names(), "kept new ");
    std::string seen;
    while (seen.size() < 8) {
      auto events = co_await (*watcher)->next(background);
      EXPECT_TRUE(events.has_value());
      if (!events) co_return;
      for (const CacheEvent& event : *events) {
        seen += event.type == CacheEventType::Added ? "+" : event.type == CacheEventType::Modified ? "*" : "-";
        seen += event.object->header().name;
      }
    }
    EXPECT_EQ(seen, "+new-gone");
    auto too_old = world.pods->watch(options);  // what was between is not known
    EXPECT_FALSE(too_old.has_value());
  });
}

TEST(StoreFanout, AStoreThatWentBackIsTakenAsItIs) {
  run([](World& world) -> rt::Task<void> {
    for (const char* name : {"a", "b", "c"}) co_await world.create(world.base.get(), name);
    auto now = co_await world.base->current_revision(background);
    auto reached = co_await world.pods->wait_for(background, *now);
    int removed = 0;
    world.pods->on_event([&removed](const CacheEvent& event) { removed += event.type == CacheEventType::Deleted ? 1 : 0; });
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.revision = *now;
    auto watcher = world.pods->watch(options);
    auto restored = make_memory_store(world.runtime);
    co_await world.create(restored.get(), "a");
    world.store.switch_to(*restored);
    world.store.break_watches({Reason::Expired, 0, "restored", {}});
    auto ended = co_await (*watcher)->next(background);
    EXPECT_FALSE(ended.has_value());
    if (!ended) {
      EXPECT_EQ(ended.error().reason, Reason::Expired);
    }
    const int64_t next = co_await world.create(restored.get(), "d");
    while (world.pods->revision() != next) (void)co_await rt::sleep_for(background, std::chrono::milliseconds(10));
    EXPECT_EQ(world.names(), "a d ");
    EXPECT_EQ(removed, 2);
    world.store.switch_to(*world.base);
    co_await world.stop();  // before the store that feeds it
    restored.reset();
  });
}

}  // namespace
}  // namespace pintle::storage

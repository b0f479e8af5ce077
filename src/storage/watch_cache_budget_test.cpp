// What caches hold together, and how it is given back.
#include <gtest/gtest.h>

#include "rt/sync.h"
#include "rt/testing.h"
#include "storage/cache/test_codec.h"
#include "storage/memory_store.h"
#include "storage/watch_cache.h"

namespace pintle::storage {
namespace {

const rt::Context background = rt::Context::background();
constexpr std::size_t value_bytes = 5000;
constexpr CacheBudgetOptions small_budget{.base_bytes = 400'000, .stored_part = 1'000'000};  // windows: 200,000
constexpr WatchCacheOptions small_windows{.history_events_min = 3, .history_bytes_min = 12'000};

struct World {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  std::unique_ptr<Store> store = make_memory_store(runtime);
  std::unique_ptr<StoreFanout> fanout;
  std::shared_ptr<TestCodec> codec;
  std::unique_ptr<WatchCache> pods;
  std::unique_ptr<WatchCache> services;

  rt::Task<void> start() {
    auto made = co_await StoreFanout::start(runtime, *store, "", small_budget);
    fanout = std::move(*made);
    codec = std::make_shared<TestCodec>(fanout->budget());
    for (const auto& [prefix, cache] : {std::pair{"/registry/pods/", &pods}, std::pair{"/registry/services/", &services}}) {
      auto begun = co_await WatchCache::start(runtime, *fanout, prefix, *codec, small_windows);
      *cache = std::move(*begun);
    }
  }
  rt::Task<void> stop() {
    co_await pods->stop();
    co_await services->stop();
    co_await fanout->stop();
  }
  // Writes `key` so many times, `bytes` each; returns the revision of the last.
  rt::Task<int64_t> write(std::string key, int times, std::size_t bytes = value_bytes) {
    int64_t revision = 0;
    for (int i = 0; i < times; ++i) {
      RangeRequest request;
      request.start = key;
      auto now = co_await store->range(background, request);
      Bytes value("|" + std::string(bytes, 'x'));
      const int64_t before = now->items.empty() ? 0 : now->items[0].mod_revision;
      Result<KeyValue> done = KeyValue{};
      if (before == 0) {
        done = co_await store->create(background, key, value);
      } else {
        done = co_await store->update(background, key, value, before);
      }
      EXPECT_TRUE(done.has_value());
      revision = done ? done->mod_revision : 0;
    }
    EXPECT_TRUE((co_await fanout->wait_for(background, revision)).has_value());
    co_return revision;
  }
  // The oldest revision that a watch of this cache can start from.
  int64_t floor(WatchCache& cache) const {
    CacheWatchOptions watch;
    for (watch.revision = 1; !cache.watch(watch); ++watch.revision) EXPECT_LE(watch.revision, fanout->revision());
    return watch.revision;
  }
  CacheUse together() const {
    const CacheUse a = pods->use(), b = services->use();
    return {a.objects + b.objects, a.history + b.history, codec->memo_bytes()};
  }
};

void run(rt::Task<void> (*body)(World&)) {
  rt::testing::run_sim([body]() -> rt::Task<void> {
    World world;
    co_await world.start();
    co_await body(world);
    EXPECT_EQ(world.fanout->budget()->history(), world.together().history);
    EXPECT_EQ(world.fanout->budget()->objects(), world.together().objects);
    EXPECT_EQ(world.fanout->budget()->encodings(), world.together().encodings);
    const std::shared_ptr<CacheBudget> budget = world.fanout->budget();
    co_await world.stop();
    world.pods.reset();
    world.services.reset();
    EXPECT_EQ(budget->history(), 0);
    EXPECT_EQ(budget->objects(), 0);
    EXPECT_EQ(budget->encodings(), 0);
  });
}

TEST(WatchCacheBudget, TheLargestWindowGives) {
  run([](World& world) -> rt::Task<void> {
    co_await world.write("/registry/services/x/s", 8);
    const int64_t quiet_floor = world.floor(*world.services);
    const int64_t last = co_await world.write("/registry/pods/x/p", 500);
    EXPECT_LE(world.together().history, world.fanout->budget()->share());
    EXPECT_GT(world.together().history, world.fanout->budget()->share() / 2);
    EXPECT_EQ(world.floor(*world.services), quiet_floor);  // it has not lost one change
    const int64_t floor = world.floor(*world.pods);
    EXPECT_GT(floor, last - 40);
    EXPECT_LT(floor, last - 20);
  });
}

TEST(WatchCacheBudget, StatesThatOnlyTheWindowHoldsCount) {
  run([](World& world) -> rt::Task<void> {
    co_await world.write("/registry/pods/x/a", 1);
    co_await world.write("/registry/pods/x/b", 1);
    EXPECT_LT(world.pods->use().history, 1000);  // both are the present state
    EXPECT_GT(world.pods->use().objects, static_cast<int64_t>(2 * value_bytes));
    co_await world.write("/registry/pods/x/a", 1);
    EXPECT_GT(world.pods->use().history, static_cast<int64_t>(value_bytes));
    EXPECT_LT(world.pods->use().history, static_cast<int64_t>(2 * value_bytes));
    auto removed = co_await world.store->remove(background, "/registry/pods/x/a", 0);
    EXPECT_TRUE((co_await world.fanout->wait_for(background, removed->mod_revision)).has_value());
    EXPECT_GT(world.pods->use().history, static_cast<int64_t>(3 * value_bytes));  // and the last state, with the deletion's revision
    EXPECT_LT(world.pods->use().objects, static_cast<int64_t>(2 * value_bytes));
  });
}

TEST(WatchCacheBudget, AWindowAlwaysKeepsItsNewestChanges) {
  run([](World& world) -> rt::Task<void> {
    co_await world.write("/registry/services/x/s", 10, 1000);
    co_await world.write("/registry/services/x/large", 10, 100'000);
    const int64_t last = co_await world.write("/registry/pods/x/p", 10, 100'000);
    EXPECT_EQ(world.floor(*world.pods), last - 1);  // 12,000 bytes do not hold two of these
    EXPECT_TRUE(co_await rt::sleep_for(background, 2 * history_age));
    EXPECT_EQ(world.floor(*world.pods), last - 1);
  });
}

TEST(WatchCacheBudget, OldChangesGoWhenTheirTimeHasCome) {
  run([](World& world) -> rt::Task<void> {
    const int64_t first = co_await world.write("/registry/pods/x/p", 1);
    const int64_t last = co_await world.write("/registry/pods/x/p", 20);
    EXPECT_TRUE(co_await rt::sleep_for(background, history_age - give_back_interval));
    EXPECT_LE(world.floor(*world.pods), first);
    EXPECT_TRUE(co_await rt::sleep_for(background, 3 * give_back_interval));
    EXPECT_EQ(world.floor(*world.pods), last - 2);  // two superseded states, 12,000 bytes
    CacheWatchOptions watch;
    watch.revision = last;
    EXPECT_TRUE(world.pods->watch(watch).has_value());
  });
}

TEST(WatchCacheBudget, EncodingsGoWhenNobodyAsksForThem) {
  run([](World& world) -> rt::Task<void> {
    co_await world.write("/registry/pods/x/used", 2);
    co_await world.write("/registry/pods/x/unused", 2);
    const CachedObjectPtr used = world.pods->get("/registry/pods/x/used");
    (void)world.pods->get("/registry/pods/x/unused")->encoded(1);
    const Bytes kept = used->encoded(1);
    const int64_t both = world.codec->memo_bytes();
    EXPECT_GT(both, static_cast<int64_t>(2 * value_bytes));
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(co_await rt::sleep_for(background, give_back_interval));
      EXPECT_EQ(used->encoded(1).data(), kept.data());
    }
    EXPECT_EQ(world.codec->memo_bytes(), both / 2);
    EXPECT_TRUE(co_await rt::sleep_for(background, 3 * give_back_interval));
    EXPECT_EQ(world.codec->memo_bytes(), 0);
    // All is given back, nobody works any more; a new use begins it again.
    EXPECT_TRUE(co_await rt::sleep_for(background, 3 * history_age));
    (void)used->encoded(1);
    EXPECT_GT(world.codec->memo_bytes(), 0);
    EXPECT_TRUE(co_await rt::sleep_for(background, 3 * give_back_interval));
    EXPECT_EQ(world.codec->memo_bytes(), 0);
  });
}

TEST(WatchCacheBudget, PastTheBudgetOnlyTheNewestKeepTheirEncodings) {
  run([](World& world) -> rt::Task<void> {
    CacheWatchOptions watch;
    watch.revision = co_await world.write("/registry/services/x/first", 1);
    auto watcher = world.services->watch(watch);
    constexpr int changes = 300;  // more than watcher_batch_max
    int seen = 0;
    for (int i = 0; i < changes; ++i) {
      co_await world.write("/registry/services/x/" + std::to_string(i), 1, 1000);
      auto events = co_await (*watcher)->next(background);
      for (const CacheEvent& event : *events) {
        ++seen;
        EXPECT_EQ(event.object->encoded(1).data(), event.object->encoded(1).data());  // shared, whatever the budget says
      }
    }
    EXPECT_EQ(seen, changes);
    EXPECT_GT(world.codec->memo_bytes(), world.fanout->budget()->share());  // the newest alone are more
    const CachedObjectPtr oldest = world.services->get("/registry/services/x/0");
    const Bytes one = oldest->encoded(1);
    EXPECT_NE(oldest->encoded(1).data(), one.data());
  });
}

TEST(WatchCacheBudget, EncodingsAreKeptWithinTheBudget) {
  const auto budget = std::make_shared<CacheBudget>(CacheBudgetOptions{.base_bytes = 2000});
  const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>(budget);
  const TestCodec& codec = *shared_codec;
  std::vector<CachedObjectPtr> objects;
  for (int i = 0; i < 20; ++i) {
    KeyValue stored;
    stored.key = "/registry/pods/x/" + std::to_string(i);
    stored.mod_revision = i + 1;
    stored.value = Bytes("|" + std::string(100, 'x'));
    objects.push_back(std::make_shared<CachedObject>(codec, stored, *codec.load(stored)));
  }
  for (const auto& object : objects) EXPECT_EQ(object->encoded(1).view(), "f1:" + std::string(object->wire().view()));
  EXPECT_LE(codec.memo_bytes(), 1000);
  EXPECT_GT(codec.memo_bytes(), 0);
  EXPECT_EQ(objects[0]->encoded(0).data(), objects[0]->wire().data());  // a slice of the wire bytes is free
  objects[19]->set_recent(true);
  const Bytes hot = objects[19]->encoded(2);
  EXPECT_EQ(objects[19]->encoded(2).data(), hot.data());
  objects[19]->set_recent(false);
  objects.clear();
  EXPECT_EQ(codec.memo_bytes(), 0);
  EXPECT_EQ(budget->encodings(), 0);
}

}  // namespace
}  // namespace pintle::storage

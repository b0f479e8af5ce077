#include "storage/watch_cache.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "rt/sync.h"
#include "rt/testing.h"
#include "storage/cache/test_codec.h"
#include "storage/memory_store.h"

namespace pintle::storage {
namespace {

using Events = std::vector<CacheEvent>;
const rt::Context background = rt::Context::background();

// A store, its fanout and the cache of one resource.
struct World {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  std::unique_ptr<Store> store = make_memory_store(runtime);
  const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>();
  const TestCodec& codec = *shared_codec;
  std::unique_ptr<StoreFanout> fanout;
  std::unique_ptr<WatchCache> pods;

  rt::Task<void> start(WatchCacheOptions options) {
    auto made = co_await StoreFanout::start(runtime, *store);
    EXPECT_TRUE(made.has_value());
    fanout = std::move(*made);
    auto cache = co_await WatchCache::start(runtime, *fanout, "/registry/pods/", codec, options);
    EXPECT_TRUE(cache.has_value());
    pods = std::move(*cache);
  }
  rt::Task<void> stop() {
    co_await pods->stop();
    co_await fanout->stop();
  }

  rt::Task<int64_t> create(std::string key, std::string value) {
    auto done = co_await store->create(background, "/registry/" + key, Bytes(value));
    EXPECT_TRUE(done.has_value()) << key;
    co_return done ? done->mod_revision : 0;
  }
  rt::Task<int64_t> update(std::string key, std::string value) {
    RangeRequest request;
    request.start = "/registry/" + key;
    auto now = co_await store->range(background, request);
    const int64_t expected = now && !now->items.empty() ? now->items[0].mod_revision : 0;
    auto done = co_await store->update(background, "/registry/" + key, Bytes(value), expected);
    EXPECT_TRUE(done.has_value()) << key;
    co_return done ? done->mod_revision : 0;
  }
  rt::Task<int64_t> remove(std::string key) {
    auto done = co_await store->remove(background, "/registry/" + key, 0);
    EXPECT_TRUE(done.has_value()) << key;
    co_return done ? done->mod_revision : 0;
  }
  rt::Task<void> caught_up() {
    auto now = co_await store->current_revision(background);
    auto done = co_await pods->wait_for(background, *now);
    EXPECT_TRUE(done.has_value());
  }
  std::unique_ptr<CacheWatcher> watch(CacheWatchOptions options) {
    auto watcher = pods->watch(std::move(options));
    EXPECT_TRUE(watcher.has_value()) << watcher.error().message;
    return watcher ? std::move(*watcher) : nullptr;
  }
};

using Body = rt::Task<void> (*)(World&);

rt::Task<void> run_body(Body body, WatchCacheOptions options) {
  World world;
  co_await world.start(options);
  co_await body(world);
  co_await world.stop();
}

// On both backends: a virtual clock and a real one.
void run(Body body, WatchCacheOptions options = {}, bool real_too = true) {
  const auto main = [&] { return run_body(body, options); };
  rt::testing::run_sim(main, 11);
  if (real_too) rt::testing::run_task(main, {.threads = 1});
}

std::string short_key(std::string_view key) { return std::string(key.substr(std::string_view("/registry/pods/").size())); }

std::string text_of(const Events& events) {
  std::string text;
  for (const CacheEvent& event : events) {
    if (!text.empty()) text += " ";
    if (event.type == CacheEventType::Bookmark) {
      text += event.initial_events_end ? "E" : "B";
      continue;
    }
    text += event.type == CacheEventType::Added ? "+" : event.type == CacheEventType::Modified ? "*" : "-";
    text += short_key(event.object->key());
  }
  return text;
}

rt::Task<std::string> next_text(CacheWatcher* watcher, std::size_t n) {
  Events events;
  while (events.size() < n) {
    auto more = co_await watcher->next(background);
    if (!more) co_return "error: " + more.error().message;
    events.insert(events.end(), more->begin(), more->end());
  }
  co_return text_of(events);
}

std::string keys_of(const CacheList& list) {
  std::string text;
  for (const CachedObjectPtr& object : list.items) text += (text.empty() ? "" : " ") + short_key(object->key());
  return text;
}

CacheListOptions under(std::string prefix, std::size_t limit = 0, std::string after = "") {
  CacheListOptions options;
  options.prefix = std::move(prefix);
  options.limit = limit;
  options.after = std::move(after);
  return options;
}

bool is_red(const ObjectHeader& header) {
  const std::string_view* color = header.labels.get("color");
  return color != nullptr && *color == "red";
}

TEST(WatchCache, ShowsWhatIsStoredAndFollows) {
  run([](World& world) -> rt::Task<void> {
    const int64_t a = co_await world.create("pods/x/a", "color=red .spec.nodeName=n1|body");
    co_await world.create("services/x/s", "|");
    co_await world.caught_up();
    const CachedObjectPtr object = world.pods->get("/registry/pods/x/a");
    EXPECT_TRUE(object);
    if (!object) co_return;
    EXPECT_EQ(object->revision(), a);
    EXPECT_EQ(object->header().ns, "x");
    EXPECT_EQ(object->header().name, "a");
    EXPECT_EQ(*object->header().labels.get("color"), "red");
    EXPECT_EQ(*object->header().fields.get("spec.nodeName"), "n1");
    EXPECT_EQ(object->wire().view(), std::to_string(a) + "|color=red .spec.nodeName=n1|body");
    EXPECT_EQ(world.pods->get("/registry/pods/x/b"), nullptr);
    EXPECT_EQ(world.pods->revision(), a + 1);  // the other resource's write moves this cache's revision too
    co_await world.remove("pods/x/a");
    co_await world.caught_up();
    EXPECT_EQ(world.pods->get("/registry/pods/x/a"), nullptr);
  });
}

TEST(WatchCache, ListsByPrefixInPages) {
  run([](World& world) -> rt::Task<void> {
    for (const char* key : {"pods/b/2", "pods/a/1", "pods/b/1", "pods/c/1", "pods/b/3"}) co_await world.create(key, "|");
    co_await world.caught_up();
    const CacheList all = world.pods->list(under("/registry/pods/"));
    EXPECT_EQ(keys_of(all), "a/1 b/1 b/2 b/3 c/1");
    EXPECT_FALSE(all.more);
    EXPECT_EQ(all.remaining, 0);
    EXPECT_EQ(all.revision, world.pods->revision());
    EXPECT_EQ(keys_of(world.pods->list(under("/registry/pods/b/"))), "b/1 b/2 b/3");
    EXPECT_EQ(world.pods->count("/registry/pods/b/"), 3u);
    const CacheList first = world.pods->list(under("/registry/pods/b/", 2));
    EXPECT_EQ(keys_of(first), "b/1 b/2");
    EXPECT_TRUE(first.more);
    EXPECT_EQ(first.remaining, 1);
    const CacheList rest = world.pods->list(under("/registry/pods/b/", 2, "/registry/pods/b/2"));
    EXPECT_EQ(keys_of(rest), "b/3");
    EXPECT_FALSE(rest.more);
    EXPECT_EQ(keys_of(world.pods->list(under("/registry/pods/b/", 1, "/registry/pods/b/1x"))), "b/2");
    EXPECT_EQ(keys_of(world.pods->list(under("/registry/pods/nobody/"))), "");
  });
}

TEST(WatchCache, ListsWhatMatches) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create("pods/x/a", "color=red|");
    co_await world.create("pods/x/b", "color=blue|");
    co_await world.create("pods/x/c", "color=red|");
    co_await world.caught_up();
    CacheListOptions options = under("/registry/pods/", 1);
    options.match = is_red;
    const CacheList list = world.pods->list(options);
    EXPECT_EQ(keys_of(list), "x/a");
    EXPECT_TRUE(list.more);
    EXPECT_EQ(list.remaining, 2);  // matching or not
  });
}

TEST(WatchCache, WatchFromTheListMissesNothing) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create("pods/x/a", "|");
    co_await world.caught_up();
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.revision = world.pods->list(under("/registry/pods/")).revision;
    auto watcher = world.watch(options);
    co_await world.update("pods/x/a", "|2");
    co_await world.create("pods/x/b", "|");
    const int64_t gone = co_await world.remove("pods/x/a");
    Events events;
    while (events.size() < 3) {
      auto more = co_await watcher->next(background);
      EXPECT_TRUE(more.has_value());
      if (!more) co_return;
      events.insert(events.end(), more->begin(), more->end());
    }
    EXPECT_EQ(text_of(events), "*x/a +x/b -x/a");
    EXPECT_EQ(events[2].revision, gone);
    EXPECT_EQ(events[2].object->wire().view(), std::to_string(gone) + "||2");  // the last state, with the deletion's revision
    EXPECT_EQ(watcher->revision(), world.pods->revision());
  });
}

TEST(WatchCache, WatchersShareOneObject) {
  run([](World& world) -> rt::Task<void> {
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.revision = world.pods->revision();
    if (options.revision == 0) options.revision = co_await world.create("pods/x/0", "|");
    auto one = world.watch(options);
    auto two = world.watch(options);
    co_await world.create("pods/x/a", "|");
    auto seen_one = co_await one->next(background);
    auto seen_two = co_await two->next(background);
    EXPECT_EQ(seen_one->back().object.get(), seen_two->back().object.get());
    const Bytes first = seen_one->back().object->encoded(1);
    const Bytes second = seen_two->back().object->encoded(1);
    EXPECT_EQ(first.data(), second.data());
    EXPECT_EQ(world.codec.encodes, 1);
  });
}

TEST(WatchCache, InitialEventsThenWhatFollows) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create("pods/x/a", "|");
    co_await world.create("pods/y/b", "|");
    co_await world.caught_up();
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    auto plain = world.watch(options);
    options.send_initial = true;
    options.bookmarks = true;
    auto streaming = world.watch(options);
    options.prefix = "/registry/pods/none/";
    auto empty = world.watch(options);
    co_await world.create("pods/x/c", "|");
    EXPECT_EQ(co_await next_text(plain.get(), 3), "+x/a +y/b +x/c");
    EXPECT_EQ(co_await next_text(streaming.get(), 4), "+x/a +y/b E +x/c");
    EXPECT_EQ(co_await next_text(empty.get(), 1), "E");
  });
}

TEST(WatchCache, InitialEventsComeInBatches) {
  run([](World& world) -> rt::Task<void> {
    const int n = 1000;
    for (int i = 0; i < n; ++i) {
      const std::string value = i % 2 == 0 ? "color=red|" : "|";
      co_await world.create("pods/x/" + std::to_string(i), value);
    }
    co_await world.caught_up();
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.send_initial = options.bookmarks = true;
    options.match = is_red;
    auto watcher = world.watch(options);
    Events events;
    while (events.empty() || events.back().type != CacheEventType::Bookmark) {
      auto more = co_await watcher->next(background);
      EXPECT_TRUE(more && !more->empty() && more->size() <= watcher_batch_max + 1);
      if (!more) co_return;
      events.insert(events.end(), more->begin(), more->end());
    }
    EXPECT_EQ(events.size(), static_cast<std::size_t>(n / 2 + 1));
    EXPECT_TRUE(
        std::is_sorted(events.begin(), events.end() - 1, [](const CacheEvent& a, const CacheEvent& b) { return a.object->key() < b.object->key(); }));
  });
}

TEST(WatchCache, SelectionsAreEnteredAndLeft) {
  run([](World& world) -> rt::Task<void> {
    const int64_t start = co_await world.create("pods/x/a", "color=blue|0");
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.revision = start;
    options.match = is_red;
    auto watcher = world.watch(options);
    co_await world.update("pods/x/a", "color=red|1");
    co_await world.update("pods/x/a", "color=red|2");
    const int64_t left = co_await world.update("pods/x/a", "color=blue|3");
    co_await world.remove("pods/x/a");
    co_await world.create("pods/x/b", "color=red|4");
    const int64_t gone = co_await world.remove("pods/x/b");
    Events events;
    while (events.size() < 5) {
      auto more = co_await watcher->next(background);
      if (!more) break;
      events.insert(events.end(), more->begin(), more->end());
    }
    EXPECT_EQ(text_of(events), "+x/a *x/a -x/a +x/b -x/b");
    if (events.size() != 5) co_return;
    // The last state that matched, with the revision of the change that ended the match.
    EXPECT_EQ(events[2].object->wire().view(), std::to_string(left) + "|color=red|2");
    EXPECT_EQ(events[4].object->wire().view(), std::to_string(gone) + "|color=red|4");
  });
}

TEST(WatchCache, IndexedAndNamespacedWatchersAreWokenForTheirOwn) {
  run([](World& world) -> rt::Task<void> {
    const int64_t start = co_await world.create("pods/x/a", ".spec.nodeName=n1|");
    CacheWatchOptions node;
    node.prefix = "/registry/pods/";
    node.revision = start;
    node.index_field = "spec.nodeName";
    node.index_value = "n2";
    node.match = [](const ObjectHeader& header) {
      const std::string_view* name = header.fields.get("spec.nodeName");
      return name != nullptr && *name == "n2";
    };
    auto on_node = world.watch(node);
    CacheWatchOptions named;
    named.prefix = "/registry/pods/x/";
    named.revision = start;
    named.index_field = "metadata.name";
    named.index_value = "c";
    named.match = [](const ObjectHeader& header) { return header.name == "c"; };
    auto by_name = world.watch(named);
    CacheWatchOptions space;
    space.prefix = "/registry/pods/y/";
    space.revision = start;
    auto in_namespace = world.watch(space);
    rt::TaskGroup group;
    std::string node_text, name_text, space_text;
    const auto collect = [](CacheWatcher* watcher, std::size_t n, std::string* out) -> rt::Task<void> { *out = co_await next_text(watcher, n); };
    group.spawn(collect(on_node.get(), 3, &node_text));
    group.spawn(collect(by_name.get(), 1, &name_text));
    group.spawn(collect(in_namespace.get(), 2, &space_text));
    co_await world.update("pods/x/a", ".spec.nodeName=n2|");
    co_await world.update("pods/x/a", ".spec.nodeName=n2|again");
    co_await world.create("pods/y/b", "|");
    co_await world.create("pods/y/c", "|");
    co_await world.update("pods/x/a", ".spec.nodeName=n3|");
    co_await world.create("pods/x/c", "|");
    co_await group.join();
    EXPECT_EQ(node_text, "+x/a *x/a -x/a");
    EXPECT_EQ(name_text, "+x/c");
    EXPECT_EQ(space_text, "+y/b +y/c");
  });
}

TEST(WatchCache, AnIndexFindsPagesAndInitialStates) {
  WatchCacheOptions options;
  options.indexed_fields = {"spec.nodeName"};
  run(
      [](World& world) -> rt::Task<void> {
        for (const char* key : {"pods/x/a", "pods/x/b", "pods/y/a", "pods/y/b", "pods/z/a"}) co_await world.create(key, "|");
        for (const char* key : {"pods/x/b", "pods/y/a", "pods/y/b"}) co_await world.update(key, ".spec.nodeName=n1|");
        co_await world.update("pods/z/a", ".spec.nodeName=n2|");
        co_await world.caught_up();

        CacheListOptions on_node;
        on_node.prefix = "/registry/pods/";
        on_node.index_field = "spec.nodeName";
        on_node.index_value = "n1";
        EXPECT_EQ(keys_of(world.pods->list(on_node)), "x/b y/a y/b");
        on_node.limit = 2;
        CacheList page = world.pods->list(on_node);
        EXPECT_EQ(keys_of(page), "x/b y/a");
        EXPECT_TRUE(page.more);
        EXPECT_EQ(page.remaining, 1);
        on_node.after = page.items.back()->key();
        page = world.pods->list(on_node);
        EXPECT_EQ(keys_of(page), "y/b");
        EXPECT_FALSE(page.more);
        on_node.after = "";
        on_node.limit = 0;
        on_node.prefix = "/registry/pods/y/";
        EXPECT_EQ(keys_of(world.pods->list(on_node)), "y/a y/b");
        on_node.match = [](const ObjectHeader& header) { return header.name == "b"; };
        EXPECT_EQ(keys_of(world.pods->list(on_node)), "y/b");

        CacheWatchOptions watched;
        watched.prefix = "/registry/pods/";
        watched.send_initial = watched.bookmarks = true;
        watched.index_field = "spec.nodeName";
        watched.index_value = "n1";
        watched.match = [](const ObjectHeader& header) {
          const std::string_view* name = header.fields.get("spec.nodeName");
          return name != nullptr && *name == "n1";
        };
        auto watcher = world.watch(watched);
        co_await world.update("pods/x/b", ".spec.nodeName=n2|");
        co_await world.remove("pods/y/b");
        EXPECT_EQ(co_await next_text(watcher.get(), 6), "+x/b +y/a +y/b E -x/b -y/b");
        co_await world.caught_up();
        on_node = {};
        on_node.prefix = "/registry/pods/";
        on_node.index_field = "spec.nodeName";
        on_node.index_value = "n2";
        EXPECT_EQ(keys_of(world.pods->list(on_node)), "x/b z/a");
        // One that is not indexed is a hint only; and so is no value.
        on_node.index_field = "spec.other";
        EXPECT_EQ(keys_of(world.pods->list(on_node)), "x/a x/b y/a z/a");
        on_node.index_field = "spec.nodeName";
        on_node.index_value = "";
        EXPECT_EQ(keys_of(world.pods->list(on_node)), "x/a x/b y/a z/a");
      },
      options);
}

TEST(WatchCache, PastTheWindowIsExpired) {
  WatchCacheOptions options;
  options.history_events_max = 10;
  run(
      [](World& world) -> rt::Task<void> {
        const int64_t first = co_await world.create("pods/x/0", "|");
        CacheWatchOptions watch;
        watch.prefix = "/registry/pods/";
        watch.revision = first;
        auto slow = world.watch(watch);
        for (int i = 1; i <= 11; ++i) co_await world.create("pods/x/" + std::to_string(i), "|");
        co_await world.caught_up();
        auto expired = co_await slow->next(background);
        EXPECT_FALSE(expired.has_value());
        if (!expired) {
          EXPECT_EQ(expired.error().reason, Reason::Expired);
        }
        auto still = co_await slow->next(background);
        EXPECT_FALSE(still.has_value());
        auto too_old = world.pods->watch(watch);
        EXPECT_FALSE(too_old.has_value());
        if (!too_old) {
          EXPECT_EQ(too_old.error().reason, Reason::Expired);
        }
        watch.revision = first + 1;
        auto oldest = world.watch(watch);
        EXPECT_EQ(co_await next_text(oldest.get(), 10), "+x/2 +x/3 +x/4 +x/5 +x/6 +x/7 +x/8 +x/9 +x/10 +x/11");
      },
      options);
}

TEST(WatchCache, AWatcherTooFarBehindIsExpired) {
  WatchCacheOptions options;
  options.watcher_events_max = 5;
  run(
      [](World& world) -> rt::Task<void> {
        CacheWatchOptions watch;
        watch.prefix = "/registry/pods/";
        watch.revision = co_await world.create("pods/x/first", "|");
        auto slow = world.watch(watch);
        for (int i = 0; i < 6; ++i) co_await world.create("pods/x/" + std::to_string(i), "|");
        co_await world.caught_up();
        auto expired = co_await slow->next(background);
        EXPECT_FALSE(expired.has_value());
        if (!expired) {
          EXPECT_EQ(expired.error().reason, Reason::Expired);
        }
      },
      options);
}

TEST(WatchCache, BookmarksTellHowFarTheCacheIs) {
  run(
      [](World& world) -> rt::Task<void> {
        CacheWatchOptions watch;
        watch.prefix = "/registry/pods/";
        watch.revision = co_await world.create("pods/x/a", "|");
        watch.bookmarks = true;
        auto watcher = world.watch(watch);
        const int64_t other = co_await world.create("services/x/s", "|");
        auto events = co_await watcher->next(background);
        EXPECT_EQ(text_of(*events), "B");
        EXPECT_EQ(events->back().revision, other);
        EXPECT_EQ(events->back().object, nullptr);
        // Nothing new: nothing is sent until there is.
        const rt::Context five_minutes = background.with_timeout(std::chrono::minutes(5));
        auto quiet = co_await watcher->next(five_minutes);
        EXPECT_FALSE(quiet.has_value());
        if (!quiet) {
          EXPECT_EQ(quiet.error().reason, Reason::Timeout);
        }
        co_await world.create("pods/x/b", "|");
        EXPECT_EQ(co_await next_text(watcher.get(), 1), "+x/b");
      },
      {}, false);
}

TEST(WatchCache, WaitForEndsWithTheContext) {
  run(
      [](World& world) -> rt::Task<void> {
        const int64_t now = co_await world.create("pods/x/a", "|");
        const rt::Context brief = background.with_timeout(std::chrono::seconds(3));
        auto late = co_await world.pods->wait_for(brief, now + 1);
        EXPECT_FALSE(late.has_value());
        if (!late) {
          EXPECT_EQ(late.error().reason, Reason::Timeout);
        }
        rt::TaskGroup group;
        bool reached = false;
        const auto wait = [](WatchCache* cache, int64_t revision, bool* out) -> rt::Task<void> {
          auto done = co_await cache->wait_for(background, revision);
          *out = done.has_value();
        };
        group.spawn(wait(world.pods.get(), now + 2, &reached));
        co_await world.create("services/x/a", "|");
        co_await world.create("services/x/b", "|");
        co_await group.join();
        EXPECT_TRUE(reached);
      },
      {}, false);
}

TEST(WatchCache, ListenersSeeEverythingInOrderFirst) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create("pods/x/a", "|");
    co_await world.caught_up();
    Events seen;
    WatchCache* pods = world.pods.get();
    bool current = true;
    world.pods->on_event([&](const CacheEvent& event) {
      if (event.type == CacheEventType::Modified) current = current && pods->get(event.object->key()) == event.object;
      seen.push_back(event);
    });
    co_await world.update("pods/x/a", "|2");
    co_await world.remove("pods/x/a");
    co_await world.caught_up();
    EXPECT_EQ(text_of(seen), "+x/a *x/a -x/a");
    EXPECT_TRUE(current);
    if (seen.size() == 3) {
      EXPECT_EQ(seen[1].previous, seen[0].object);
    }
  });
}

TEST(WatchCache, UnreadableObjectsAreLeftOut) {
  run([](World& world) -> rt::Task<void> {
    co_await world.create("pods/x/a", "|");
    CacheWatchOptions watch;
    watch.prefix = "/registry/pods/";
    auto watcher = world.watch(watch);
    co_await world.create("pods/x/bad", "unreadable");
    co_await world.update("pods/x/a", "unreadable");
    co_await world.update("pods/x/a", "|back");
    EXPECT_EQ(co_await next_text(watcher.get(), 3), "+x/a -x/a +x/a");
    EXPECT_EQ(world.pods->unreadable(), 2);
  });
}

TEST(WatchCache, StopEndsWatchersAndWaiters) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    auto world = std::make_unique<World>();
    WatchCacheOptions options;
    co_await world->start(options);
    CacheWatchOptions watch;
    watch.prefix = "/registry/pods/";
    watch.bookmarks = true;
    auto watcher = world->watch(watch);
    rt::TaskGroup group;
    Reason reason = Reason::Unknown;
    const auto wait = [](CacheWatcher* w, Reason* out) -> rt::Task<void> {
      auto ended = co_await w->next(background);
      if (!ended) *out = ended.error().reason;
    };
    group.spawn(wait(watcher.get(), &reason));
    co_await rt::yield();
    co_await world->stop();
    co_await group.join();
    EXPECT_EQ(reason, Reason::Gone);
    EXPECT_FALSE(world->pods->watch(watch).has_value());
    world.reset();  // a watcher may outlive its cache
    watcher.reset();
  });
}

TEST(WatchCache, WhatHappenedBeforeItStoppedIsTold) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    World world;
    WatchCacheOptions options;
    co_await world.start(options);
    CacheWatchOptions watch;
    watch.prefix = "/registry/pods/";
    watch.revision = co_await world.create("pods/x/a", "|");
    co_await world.caught_up();
    auto watcher = world.watch(watch);
    for (int i = 0; i < 200; ++i) (void)co_await world.create("pods/x/" + std::to_string(i), "|");
    co_await world.caught_up();
    co_await world.stop();
    std::size_t told = 0;
    while (true) {
      auto events = co_await watcher->next(background);
      if (!events) {
        EXPECT_EQ(events.error().reason, Reason::Gone);
        break;
      }
      told += events->size();
    }
    EXPECT_EQ(told, 200U);
  });
}

constexpr int stress_writes = 400;

rt::Task<void> write_pods(Store* store, int writer) {
  for (int i = 0; i < stress_writes; ++i) {
    auto done = co_await store->create(background, "/registry/pods/x/" + std::to_string(writer) + "-" + std::to_string(i), Bytes::literal("|"));
    EXPECT_TRUE(done.has_value());
  }
}

rt::Task<void> follow_pods(WatchCache* cache, int64_t from, std::size_t n, std::size_t* seen) {
  CacheWatchOptions options;
  options.prefix = "/registry/pods/";
  options.revision = from;
  options.bookmarks = true;
  auto watcher = cache->watch(options);
  int64_t last = from;
  while (watcher && *seen < n) {
    auto events = co_await (*watcher)->next(background);
    EXPECT_TRUE(events.has_value());
    if (!events) co_return;
    for (const CacheEvent& event : *events) {
      if (event.type == CacheEventType::Bookmark) continue;
      EXPECT_EQ(event.revision, last + 1);  // nothing else is written
      last = event.revision;
      EXPECT_FALSE(event.object->encoded(1).empty());
      ++*seen;
    }
  }
}

rt::Task<void> list_pods(WatchCache* cache, Store* store, std::size_t n) {
  std::size_t size = 0;
  while (size < n) {
    auto now = co_await store->current_revision(background);
    auto reached = co_await cache->wait_for(background, *now);
    EXPECT_TRUE(reached.has_value());
    const CacheList list = cache->list(under("/registry/pods/"));
    EXPECT_GE(list.revision, *now);
    EXPECT_EQ(list.items.size(), static_cast<std::size_t>(list.revision));  // each revision made one pod
    size = list.items.size();
    co_await rt::yield();
  }
}

TEST(WatchCache, ThreadsWriteListAndWatchAtOnce) {
  rt::testing::run_task(
      []() -> rt::Task<void> {
        rt::Runtime& runtime = rt::Executor::current().runtime();
        auto store = make_memory_store(runtime, {.on_executor = false});
        const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>();
        const TestCodec& codec = *shared_codec;
        auto fanout = co_await StoreFanout::start(runtime, *store);
        auto cache = co_await WatchCache::start(runtime, **fanout, "/registry/pods/", codec);
        constexpr int writers = 4;
        constexpr std::size_t all = writers * stress_writes;
        std::vector<std::size_t> seen(12);
        rt::TaskGroup group;
        std::size_t turn = 0;
        const auto next_executor = [&]() -> rt::Executor& { return runtime.executor(turn++ % runtime.executor_count()); };
        // Revision 0 would mean "from the current state".
        auto first = co_await store->create(background, "/registry/pods/x/first", Bytes::literal("|"));
        for (std::size_t& n : seen) group.spawn_on(next_executor(), follow_pods(cache->get(), first->mod_revision, all, &n));
        for (int i = 0; i < 3; ++i) group.spawn_on(next_executor(), list_pods(cache->get(), store.get(), all + 1));
        for (int i = 0; i < writers; ++i) group.spawn_on(next_executor(), write_pods(store.get(), i));
        co_await group.join();
        for (const std::size_t n : seen) EXPECT_EQ(n, all);
        co_await (*cache)->stop();
        co_await (*fanout)->stop();
      },
      {.threads = 3});
}

}  // namespace
}  // namespace pintle::storage

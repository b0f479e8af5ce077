#include "storage/store_contract.h"

#include <algorithm>
#include <map>
#include <optional>

namespace pintle::storage {
namespace {

const rt::Context background = rt::Context::background();

Bytes bytes(std::string_view text) { return Bytes::copy(text); }

// A write that must succeed; the zero KeyValue if it does not.
rt::Task<KeyValue> created(Store& store, std::string key, std::string value, PutOptions options = {}) {
  auto done = co_await store.create(background, key, bytes(value), options);
  EXPECT_TRUE(done.has_value()) << key << ": " << done.error().message;
  if (!done) co_return KeyValue{};
  co_return *done;
}
rt::Task<KeyValue> updated(Store& store, std::string key, std::string value, int64_t expected) {
  auto done = co_await store.update(background, key, bytes(value), expected);
  EXPECT_TRUE(done.has_value()) << key << ": " << done.error().message;
  if (!done) co_return KeyValue{};
  co_return *done;
}
rt::Task<KeyValue> removed(Store& store, std::string key, int64_t expected = 0) {
  auto done = co_await store.remove(background, key, expected);
  EXPECT_TRUE(done.has_value()) << key << ": " << done.error().message;
  if (!done) co_return KeyValue{};
  co_return *done;
}
rt::Task<RangeResult> range_of(Store& store, RangeRequest request) {
  auto done = co_await store.range(background, request);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  if (!done) co_return RangeResult{};
  co_return std::move(*done);
}
// Requests are made by functions: g++ 12 destroys an aggregate-initialised argument of an awaited call twice.
RangeRequest single(std::string key) { return {.start = std::move(key)}; }
RangeRequest between(std::string start, std::string end, int64_t revision = 0) {
  return {.start = std::move(start), .end = std::move(end), .revision = revision};
}
RangeRequest page(std::string start, std::string end, std::size_t limit) {
  return {.start = std::move(start), .end = std::move(end), .limit = limit};
}
RangeRequest single_at(std::string key, int64_t revision) { return {.start = std::move(key), .revision = revision}; }
RangeRequest counting(std::string start, std::string end) { return {.start = std::move(start), .end = std::move(end), .count_only = true}; }

rt::Task<int64_t> revision_of(Store& store) {
  auto revision = co_await store.current_revision(background);
  EXPECT_TRUE(revision.has_value());
  co_return revision ? *revision : -1;
}

template <class T>
void expect_error(const Result<T>& result, Reason reason) {
  ASSERT_FALSE(result.has_value()) << "expected " << reason_name(reason);
  EXPECT_EQ(reason_name(result.error().reason), reason_name(reason)) << result.error().message;
  EXPECT_NE(result.error().message, "");
}

std::string keys_of(const std::vector<KeyValue>& items) {
  std::string text;
  for (const KeyValue& item : items) text += (text.empty() ? "" : " ") + item.key;
  return text;
}

// "+a=1" put, "-a" deleted.
std::string text_of(const std::vector<WatchEvent>& events) {
  std::string text;
  for (const WatchEvent& event : events) {
    if (!text.empty()) text += " ";
    text += event.type == WatchType::Put ? "+" + event.kv.key + "=" + std::string(event.kv.value.view()) : "-" + event.kv.key;
  }
  return text;
}

TEST_P(StoreContract, CreateAnswersTheNewState) {
  run([](Store& store) -> rt::Task<void> {
    const int64_t before = co_await revision_of(store);
    const KeyValue made = co_await created(store, "/registry/a", "one");
    EXPECT_EQ(made.key, "/registry/a");
    EXPECT_EQ(made.value.view(), "one");
    EXPECT_EQ(made.create_revision, before + 1);
    EXPECT_EQ(made.mod_revision, before + 1);
    EXPECT_EQ(made.version, 1);
    const int64_t after = co_await revision_of(store);
    EXPECT_EQ(after, before + 1);
  });
}

TEST_P(StoreContract, CreateRefusesAKeyThatIsThere) {
  run([](Store& store) -> rt::Task<void> {
    co_await created(store, "/registry/a", "one");
    const int64_t before = co_await revision_of(store);
    auto again = co_await store.create(background, "/registry/a", bytes("two"));
    expect_error(again, Reason::AlreadyExists);
    const int64_t after = co_await revision_of(store);
    EXPECT_EQ(after, before);  // a refused write takes no revision
    const RangeResult range = co_await range_of(store, single("/registry/a"));
    if (range.items.size() == 1) {
      EXPECT_EQ(range.items[0].value.view(), "one");
    }
  });
}

TEST_P(StoreContract, UpdateIsGuardedByTheRevision) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue one = co_await created(store, "/registry/a", "one");
    auto absent = co_await store.update(background, "/registry/b", bytes("x"), one.mod_revision);
    expect_error(absent, Reason::NotFound);
    const KeyValue two = co_await updated(store, "/registry/a", "two", one.mod_revision);
    EXPECT_EQ(two.mod_revision, one.mod_revision + 1);
    EXPECT_EQ(two.create_revision, one.mod_revision);
    EXPECT_EQ(two.version, 2);
    EXPECT_EQ(two.value.view(), "two");
    auto stale = co_await store.update(background, "/registry/a", bytes("three"), one.mod_revision);
    expect_error(stale, Reason::Conflict);
    auto zero = co_await store.update(background, "/registry/a", bytes("three"), 0);
    expect_error(zero, Reason::Conflict);
  });
}

TEST_P(StoreContract, RemoveIsGuardedAndAnswersTheLastState) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue one = co_await created(store, "/registry/a", "one");
    const KeyValue two = co_await updated(store, "/registry/a", "two", one.mod_revision);
    auto stale = co_await store.remove(background, "/registry/a", one.mod_revision);
    expect_error(stale, Reason::Conflict);
    const KeyValue last = co_await removed(store, "/registry/a", two.mod_revision);
    EXPECT_EQ(last.value.view(), "two");
    EXPECT_EQ(last.create_revision, one.mod_revision);
    EXPECT_EQ(last.mod_revision, two.mod_revision + 1);
    auto again = co_await store.remove(background, "/registry/a", 0);
    expect_error(again, Reason::NotFound);
    // A new life starts over.
    const KeyValue reborn = co_await created(store, "/registry/a", "three");
    EXPECT_EQ(reborn.version, 1);
    EXPECT_EQ(reborn.create_revision, reborn.mod_revision);
    co_await removed(store, "/registry/a");
  });
}

TEST_P(StoreContract, RangeIsOrderedLimitedAndCounted) {
  run([](Store& store) -> rt::Task<void> {
    for (const char* key : {"/r/b", "/r/a", "/r/c/1", "/r/c", "/r/\xff", "/s", "/r"}) co_await created(store, key, key);
    const RangeResult all = co_await range_of(store, between("/r/", prefix_end("/r/")));
    EXPECT_EQ(keys_of(all.items), "/r/a /r/b /r/c /r/c/1 /r/\xff");  // bytewise
    EXPECT_EQ(all.count, 5);
    EXPECT_FALSE(all.more);
    const int64_t revision = co_await revision_of(store);
    EXPECT_EQ(all.revision, revision);
    const RangeResult first = co_await range_of(store, page("/r/b", prefix_end("/r/"), 2));
    EXPECT_EQ(keys_of(first.items), "/r/b /r/c");
    EXPECT_TRUE(first.more);
    EXPECT_EQ(first.count, 4);
    const RangeResult exact = co_await range_of(store, page("/r/", prefix_end("/r/"), 5));
    EXPECT_FALSE(exact.more);
    const RangeResult count = co_await range_of(store, counting("/r/", prefix_end("/r/")));
    EXPECT_EQ(count.count, 5);
    EXPECT_TRUE(count.items.empty());
    const RangeResult one = co_await range_of(store, single("/r/c"));
    EXPECT_EQ(keys_of(one.items), "/r/c");
    const RangeResult none = co_await range_of(store, single("/nothing"));
    EXPECT_EQ(none.count, 0);
    const RangeResult everything = co_await range_of(store, RangeRequest());
    EXPECT_EQ(everything.count, 7);
  });
}

TEST_P(StoreContract, RangeReadsThePast) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue a1 = co_await created(store, "/a", "1");
    const KeyValue b = co_await created(store, "/b", "1");
    const KeyValue a2 = co_await updated(store, "/a", "2", a1.mod_revision);
    const KeyValue gone = co_await removed(store, "/b");
    const KeyValue back = co_await created(store, "/b", "3");
    struct Row {
      int64_t revision;
      std::string want;
    };
    const Row rows[] = {{a1.mod_revision, "/a=1@1 "},
                        {b.mod_revision, "/a=1@1 /b=1@1 "},
                        {a2.mod_revision, "/a=2@2 /b=1@1 "},
                        {gone.mod_revision, "/a=2@2 "},
                        {back.mod_revision, "/a=2@2 /b=3@1 "}};
    for (const Row& row : rows) {
      const RangeResult range = co_await range_of(store, between("/", "0", row.revision));
      std::string got;
      for (const KeyValue& item : range.items) got += item.key + "=" + std::string(item.value.view()) + "@" + std::to_string(item.version) + " ";
      EXPECT_EQ(got, row.want) << "at " << row.revision;
      EXPECT_EQ(range.revision, back.mod_revision);
    }
    auto future = co_await store.range(background, single_at("/a", back.mod_revision + 1));
    expect_error(future, Reason::BadRequest);
  });
}

TEST_P(StoreContract, ValuesAreExactToTheByte) {
  run([](Store& store) -> rt::Task<void> {
    std::string every;
    for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
    const std::string values[] = {"", std::string(1, '\0'), every, std::string(100'000, 'x') + every};
    int n = 0;
    for (const std::string& value : values) {
      const std::string key = "/v/" + std::to_string(n++);
      co_await created(store, key, value);
      const RangeResult range = co_await range_of(store, single(key));
      EXPECT_EQ(range.items.size(), 1u);
      if (range.items.size() == 1) {
        EXPECT_TRUE(range.items[0].value.view() == value) << key;
      }
    }
  });
}

TEST_P(StoreContract, LargeValuesUpToTheLimit) {
  run([](Store& store) -> rt::Task<void> {
    const std::string key = "/big";
    const std::string largest(request_bytes_max - key.size(), 'b');
    const KeyValue made = co_await created(store, key, largest);
    auto larger = co_await store.update(background, key, bytes(largest + "b"), made.mod_revision);
    expect_error(larger, Reason::RequestEntityTooLarge);
    const RangeResult range = co_await range_of(store, single(key));
    if (range.items.size() == 1) {
      EXPECT_TRUE(range.items[0].value.view() == largest);
    }
  });
}

TEST_P(StoreContract, WatchFromNowSeesWhatFollows) {
  run([](Store& store) -> rt::Task<void> {
    co_await created(store, "/w/old", "0");
    EventLog log;
    auto watch = store.watch("/w/", prefix_end("/w/"), 0, log.sink());
    EXPECT_TRUE(watch.has_value());
    const KeyValue a = co_await created(store, "/w/a", "1");
    co_await created(store, "/x", "not watched");
    const KeyValue a2 = co_await updated(store, "/w/a", "2", a.mod_revision);
    const KeyValue gone = co_await removed(store, "/w/a");
    const std::vector<WatchEvent> events = co_await log.first(3);
    EXPECT_EQ(text_of(events), "+/w/a=1 +/w/a=2 -/w/a");
    if (events.size() != 3) co_return;
    EXPECT_EQ(events[1].kv.mod_revision, a2.mod_revision);
    EXPECT_EQ(events[1].kv.create_revision, a.mod_revision);
    EXPECT_EQ(events[1].kv.version, 2);
    EXPECT_EQ(events[2].kv.mod_revision, gone.mod_revision);
    EXPECT_FALSE(events[1].previous.has_value());
  });
}

TEST_P(StoreContract, WatchFromARevisionReplaysAndGoesOn) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue first = co_await created(store, "/w/0", "0");
    for (int i = 1; i < 40; ++i) co_await created(store, "/w/" + std::to_string(i), std::to_string(i));
    EventLog log;
    auto watch = store.watch("/w/", prefix_end("/w/"), first.mod_revision + 10, log.sink());
    EXPECT_TRUE(watch.has_value());
    for (int i = 40; i < 60; ++i) co_await created(store, "/w/" + std::to_string(i), std::to_string(i));
    const std::vector<WatchEvent> events = co_await log.first(50);
    EXPECT_EQ(events.size(), 50u);
    for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].kv.mod_revision, first.mod_revision + 10 + static_cast<int64_t>(i));
  });
}

TEST_P(StoreContract, WatchFromTheFutureWaitsForIt) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue a = co_await created(store, "/w/a", "1");
    EventLog log;
    auto watch = store.watch("/w/", prefix_end("/w/"), a.mod_revision + 3, log.sink());
    EXPECT_TRUE(watch.has_value());
    for (const char* key : {"/w/b", "/w/c", "/w/d"}) co_await created(store, key, "1");
    const std::vector<WatchEvent> events = co_await log.first(1);
    EXPECT_EQ(text_of(events), "+/w/d=1");
  });
}

TEST_P(StoreContract, WatchTellsThePreviousStateWhenAsked) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue zero = co_await created(store, "/w/a", "0");
    const KeyValue one = co_await updated(store, "/w/a", "1", zero.mod_revision);
    EventLog past;
    EventLog live;
    auto watch_past = store.watch("/w/", prefix_end("/w/"), zero.mod_revision, past.sink(), {.previous = true});
    auto watch_live = store.watch("/w/", prefix_end("/w/"), 0, live.sink(), {.previous = true});
    co_await updated(store, "/w/a", "2", one.mod_revision);
    co_await removed(store, "/w/a");
    co_await created(store, "/w/a", "3");
    const auto previous_of = [](const std::vector<WatchEvent>& events) {
      std::string text;
      for (const WatchEvent& event : events) text += event.previous ? std::string(event.previous->value.view()) : "-";
      return text;
    };
    const std::vector<WatchEvent> all = co_await past.first(5);
    EXPECT_EQ(text_of(all), "+/w/a=0 +/w/a=1 +/w/a=2 -/w/a +/w/a=3");
    EXPECT_EQ(previous_of(all), "-012-");
    const std::vector<WatchEvent> later = co_await live.first(3);
    EXPECT_EQ(previous_of(later), "12-");
    if (later.size() == 3 && later[0].previous) {
      EXPECT_EQ(later[0].previous->mod_revision, one.mod_revision);
    }
  });
}

TEST_P(StoreContract, WatchTellsItsProgressWhenAsked) {
  run([](Store& store) -> rt::Task<void> {
    EventLog log;
    auto watch = store.watch("/w/", prefix_end("/w/"), 0, log.sink());
    const KeyValue other = co_await created(store, "/x", "not watched");
    store.request_progress();
    const int64_t reached = co_await log.progress(other.mod_revision);
    EXPECT_GE(reached, other.mod_revision);
    const std::vector<WatchEvent> events = co_await log.first(0);
    EXPECT_TRUE(events.empty());
  });
}

TEST_P(StoreContract, EndedWatchIsSilent) {
  run([](Store& store) -> rt::Task<void> {
    EventLog ended;
    EventLog other;
    auto watch = store.watch("", "", 0, ended.sink());
    auto keep = store.watch("", "", 0, other.sink());
    co_await created(store, "/a", "1");
    co_await ended.first(1);
    watch->reset();
    co_await created(store, "/b", "1");
    co_await other.first(2);
    const std::vector<WatchEvent> events = co_await ended.first(1);
    EXPECT_EQ(events.size(), 1u);
  });
}

TEST_P(StoreContract, CompactionForgetsThePast) {
  run([](Store& store) -> rt::Task<void> {
    const KeyValue a1 = co_await created(store, "/a", "1");
    const KeyValue a2 = co_await updated(store, "/a", "2", a1.mod_revision);
    const KeyValue b = co_await created(store, "/b", "1");
    const KeyValue gone = co_await removed(store, "/b");
    const KeyValue a3 = co_await updated(store, "/a", "3", a2.mod_revision);
    auto future = co_await store.compact(background, a3.mod_revision + 1);
    expect_error(future, Reason::BadRequest);
    auto done = co_await store.compact(background, gone.mod_revision);
    EXPECT_TRUE(done.has_value());
    EXPECT_EQ(store.compacted_revision(), gone.mod_revision);
    auto too_old = co_await store.range(background, single_at("/a", b.mod_revision));
    expect_error(too_old, Reason::Expired);
    EventLog expired;
    auto watch = store.watch("", "", b.mod_revision, expired.sink());
    if (watch) {
      const Status status = co_await expired.failure();
      EXPECT_EQ(status.reason, Reason::Expired);
    } else {
      EXPECT_EQ(watch.error().reason, Reason::Expired);
    }
    // What the compacted revision itself shows stays, and so does everything after.
    const RangeResult at = co_await range_of(store, between("/", "0", gone.mod_revision));
    EXPECT_EQ(at.items.size(), 1u);
    if (!at.items.empty()) {
      EXPECT_EQ(at.items[0].value.view(), "2");
    }
    EventLog log;
    auto from = store.watch("", "", gone.mod_revision, log.sink());
    const std::vector<WatchEvent> events = co_await log.first(2);
    EXPECT_EQ(text_of(events), "-/b +/a=3");
    auto again = co_await store.compact(background, b.mod_revision);
    EXPECT_TRUE(again.has_value());
    EXPECT_EQ(store.compacted_revision(), gone.mod_revision);
    const KeyValue reborn = co_await created(store, "/b", "2");
    EXPECT_EQ(reborn.version, 1);
  });
}

TEST_P(StoreContract, CompactionUpToTheNewestKeepsTheState) {
  run([](Store& store) -> rt::Task<void> {
    KeyValue a = co_await created(store, "/a", "0");
    for (int i = 1; i < 30; ++i) a = co_await updated(store, "/a", std::to_string(i), a.mod_revision);
    co_await created(store, "/b", "0");
    const KeyValue gone = co_await removed(store, "/b");
    auto done = co_await store.compact(background, gone.mod_revision);
    EXPECT_TRUE(done.has_value());
    const RangeResult range = co_await range_of(store, RangeRequest());
    EXPECT_EQ(keys_of(range.items), "/a");
    const KeyValue next = co_await created(store, "/c", "0");
    EXPECT_EQ(next.mod_revision, gone.mod_revision + 1);  // the revision of the tombstone is not given out again
    EXPECT_EQ(range.items.empty() ? 0 : range.items[0].version, 30);
  });
}

TEST_P(StoreContract, KeysWithATtlGoWithAnEvent) {
  run([](Store& store) -> rt::Task<void> {
    EventLog log;
    auto watch = store.watch("/t/", prefix_end("/t/"), 0, log.sink());
    const PutOptions a_second{.ttl_seconds = 1};
    const KeyValue brief = co_await created(store, "/t/brief", "x", a_second);
    EXPECT_EQ(brief.lease_seconds, 1);
    const KeyValue kept = co_await created(store, "/t/kept", "x", a_second);
    co_await updated(store, "/t/kept", "y", kept.mod_revision);  // without a TTL: it stays
    const std::vector<WatchEvent> events = co_await log.first(4);
    EXPECT_EQ(text_of(events), "+/t/brief=x +/t/kept=x +/t/kept=y -/t/brief");
    const RangeResult range = co_await range_of(store, between("/t/", prefix_end("/t/")));
    EXPECT_EQ(keys_of(range.items), "/t/kept");
  });
}

// Adds to a counter under its guard until `times` additions went through.
rt::Task<void> increment(Store* store, std::string key, int times, std::vector<int64_t>* revisions) {
  for (int done = 0; done < times;) {
    auto range = co_await store->range(background, single(key));
    if (!range || range->items.size() != 1) {
      ADD_FAILURE() << "the counter is gone: " << (range ? "no such key" : range.error().message);
      co_return;
    }
    const KeyValue& now = range->items[0];
    auto next = co_await store->update(background, key, bytes(std::to_string(std::stoi(std::string(now.value.view())) + 1)), now.mod_revision);
    if (next) {
      ++done;
      revisions->push_back(next->mod_revision);
    } else {
      EXPECT_EQ(next.error().reason, Reason::Conflict);
    }
  }
}

TEST_P(StoreContract, ConcurrentWritersLoseNothing) {
  run([](Store& store) -> rt::Task<void> {
    constexpr int writers = 8;
    constexpr int times = 20;
    EventLog log;
    auto watch = store.watch("", "", 0, log.sink());
    const KeyValue start = co_await created(store, "/n", "0");
    std::vector<std::vector<int64_t>> revisions(writers);
    rt::TaskGroup group;
    for (int i = 0; i < writers; ++i) group.spawn(increment(&store, "/n", times, &revisions[static_cast<std::size_t>(i)]));
    co_await group.join();
    const RangeResult range = co_await range_of(store, single("/n"));
    if (range.items.size() == 1) {
      EXPECT_EQ(range.items[0].value.view(), std::to_string(writers * times));
    }
    std::vector<int64_t> all;
    for (const auto& own : revisions) {
      EXPECT_TRUE(std::ranges::is_sorted(own));
      all.insert(all.end(), own.begin(), own.end());
    }
    std::ranges::sort(all);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(writers * times));
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], start.mod_revision + 1 + static_cast<int64_t>(i));
    const std::vector<WatchEvent> events = co_await log.first(1 + writers * times);
    for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].kv.value.view(), std::to_string(i));
  });
}

rt::Task<void> create_if_absent(Store* store, std::string key, int* made) {
  auto done = co_await store->create(background, key, bytes("x"));
  if (done) ++*made;
}

TEST_P(StoreContract, OneOfManyCreatesWins) {
  run([](Store& store) -> rt::Task<void> {
    int made = 0;
    rt::TaskGroup group;
    for (int i = 0; i < 16; ++i) group.spawn(create_if_absent(&store, "/only", &made));
    co_await group.join();
    EXPECT_EQ(made, 1);
  });
}

TEST_P(StoreContract, CancelledCallsDoNothing) {
  run([](Store& store) -> rt::Task<void> {
    const rt::Context gone = background.child();
    gone.cancel();
    auto create = co_await store.create(gone, "/a", bytes("1"));
    expect_error(create, Reason::Cancelled);
    auto range = co_await store.range(gone, single("/a"));
    expect_error(range, Reason::Cancelled);
    const RangeResult now = co_await range_of(store, single("/a"));
    EXPECT_EQ(now.count, 0);
  });
}

TEST(PrefixEnd, IsTheNextKeyAfterAllThatStartWithThePrefix) {
  EXPECT_EQ(prefix_end("/registry/pods/"), "/registry/pods0");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xff"), "");
  EXPECT_EQ(prefix_end(""), "");
}

}  // namespace
}  // namespace pintle::storage

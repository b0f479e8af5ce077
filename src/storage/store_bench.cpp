// Throughput and memory of the stores and of the watch cache, by hand: storage_bench [store|fanout|memory|churn|layouts] [DIR].
#include <malloc.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "rt/runtime.h"
#include "rt/sync.h"
#include "storage/cache/test_codec.h"
#include "storage/memory_store.h"
#include "storage/sqlite_store.h"
#include "storage/watch_cache.h"

namespace pintle::storage {

void bench_layouts(const std::string& dir);  // sqlite/layout_bench.cpp

namespace {

const rt::Context background = rt::Context::background();

double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
double rss_mib() {
  std::ifstream in("/proc/self/statm");
  long pages = 0;
  in >> pages >> pages;
  return static_cast<double>(pages) * 4096 / (1 << 20);
}
double heap_mib() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1 << 20);
}

// As a pod's: five labels, six fields, all of them views into the wire bytes.
class PodLikeCodec final : public CacheCodec {
 public:
  Result<Loaded> load(const KeyValue& stored) const override {
    Loaded loaded;
    std::string text;
    text.reserve(stored.value.size() + 8);
    text.append("rv123456").append(stored.value.view());
    loaded.wire = Bytes(std::move(text));
    const std::string_view wire = loaded.wire.view();
    loaded.header.ns = wire.substr(0, 7);
    loaded.header.name = wire.substr(10, 20);
    std::vector<ViewMap::value_type> labels, fields;
    for (std::size_t i = 0; i < 5; ++i) labels.emplace_back(wire.substr(i, 3 + i), wire.substr(40, 10));
    for (std::size_t i = 0; i < 6; ++i) fields.emplace_back(wire.substr(i, 4 + i), wire.substr(40, 10));
    loaded.header.labels = ViewMap(std::move(labels));
    loaded.header.fields = ViewMap(std::move(fields));
    return loaded;
  }
  Result<Loaded> restamp(const CachedObject&, int64_t) const override { return bad_request("not here"); }
  Bytes encode(const CachedObject& object, unsigned) const override { return object.wire(); }
};

struct Timer {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  double cpu = cpu_s();
  void report(const char* what, double n) const {
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double used = cpu_s() - cpu;
    std::printf("%-34s %9.0f/s  %7.2f us CPU each  (%.0f in %.2f s, %.2f s CPU, RSS %.1f MiB)\n", what, n / wall, used / n * 1e6, n, wall, used,
                rss_mib());
    std::fflush(stdout);
  }
};

rt::Task<void> creator(Store* store, int worker, int n, std::size_t bytes) {
  const Bytes value(std::string(bytes, 'v'));
  for (int i = 0; i < n; ++i) {
    const uint64_t mix = (static_cast<uint64_t>(worker) * 1000003 + static_cast<uint64_t>(i)) * 0x9e3779b97f4a7c15u;
    char key[96];
    std::snprintf(key, sizeof key, "/registry/pods/default/web-%016llx", static_cast<unsigned long long>(mix));
    auto done = co_await store->create(background, key, value);
    if (!done) std::printf("create: %s\n", done.error().message.c_str());
  }
}
rt::Task<void> updater(Store* store, int worker, int n, std::size_t bytes) {
  const std::string key = "/registry/leases/kube-node-lease/node-" + std::to_string(worker);
  const Bytes value(std::string(bytes, 'u'));
  auto now = co_await store->create(background, key, value);
  for (int i = 0; i < n && now; ++i) now = co_await store->update(background, key, value, now->mod_revision);
}

uint64_t tree_bytes(const std::string& dir) {
  uint64_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total;
}

rt::Task<int> bench_store(rt::Runtime* runtime, std::string dir) {
  std::filesystem::remove_all(dir);
  SqliteStoreOptions options;
  options.data_dir = dir;
  auto store = SqliteStore::open(*runtime, options);
  if (!store) {
    std::printf("%s\n", store.error().message.c_str());
    co_return 1;
  }
  for (const int workers : {1, 32, 64}) {
    const int each = 40000 / (workers == 1 ? 20 : workers);
    const Timer timer;
    rt::TaskGroup group;
    for (int w = 0; w < workers; ++w)
      group.spawn_on(runtime->executor(static_cast<std::size_t>(w) % runtime->executor_count()),
                     creator(store->get(), workers * 1000 + w, each, 1500));
    co_await group.join();
    timer.report(("create 1.5 KB, " + std::to_string(workers) + " at once").c_str(), workers * each);
  }
  {
    const Timer timer;
    rt::TaskGroup group;
    for (int w = 0; w < 64; ++w) group.spawn(updater(store->get(), w, 1500, 1500));
    co_await group.join();
    timer.report("update 1.5 KB, 64 at once", 64 * 1500);
  }
  std::printf("files: %.1f MiB\n", static_cast<double>(tree_bytes(dir)) / (1 << 20));
  store->reset();
  const Timer timer;
  auto again = SqliteStore::open(*runtime, options);
  timer.report("open with 80,000 keys", 1);
  std::printf("files after close: %.1f MiB\n", static_cast<double>(tree_bytes(dir)) / (1 << 20));
  again->reset();
  std::filesystem::remove_all(dir);
  co_return 0;
}

rt::Task<void> reader(CacheWatcher* watcher, std::size_t n, std::atomic<uint64_t>* bytes) {
  for (std::size_t seen = 0; seen < n;) {
    auto events = co_await watcher->next(background);
    if (!events) {
      std::printf("watch: %s\n", events.error().message.c_str());
      co_return;
    }
    for (const CacheEvent& event : *events) *bytes += event.object->encoded(1).size();
    seen += events->size();
  }
}

rt::Task<int> bench_fanout(rt::Runtime* runtime) {
  auto store = make_memory_store(*runtime, {.on_executor = false});
  const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>();
  const TestCodec& codec = *shared_codec;
  auto cache = co_await WatchCache::start(*runtime, *store, "/registry/pods/", codec);
  co_await creator(store.get(), 1, 100, 1500);
  for (const bool selective : {false, true}) {
    auto now = co_await store->current_revision(background);
    CacheWatchOptions options;
    options.prefix = "/registry/pods/";
    options.revision = *now;
    if (selective) options.match = [](const ObjectHeader& header) { return header.ns == "default"; };
    std::vector<std::unique_ptr<CacheWatcher>> watchers;
    for (int i = 0; i < 500; ++i) watchers.push_back(std::move(*(*cache)->watch(options)));
    std::atomic<uint64_t> bytes = 0;
    const Timer timer;
    rt::TaskGroup group;
    for (std::size_t i = 0; i < watchers.size(); ++i)
      group.spawn_on(runtime->executor(i % runtime->executor_count()), reader(watchers[i].get(), 500, &bytes));
    const int executor = selective ? 3 : 2;
    co_await creator(store.get(), executor, 500, 1500);
    co_await group.join();
    timer.report(selective ? "events to 500 watchers, selective" : "events to 500 watchers", 500 * 500);
  }
  co_await (*cache)->stop();
  co_return 0;
}

rt::Task<int> bench_memory(rt::Runtime* runtime, std::string dir) {
  std::filesystem::remove_all(dir);
  SqliteStoreOptions options;
  options.data_dir = dir;
  std::printf("at start: RSS %.1f MiB\n", rss_mib());
  {
    auto store = SqliteStore::open(*runtime, options);
    std::printf("store open: RSS %.1f MiB\n", rss_mib());
    rt::TaskGroup group;
    for (int w = 0; w < 32; ++w) group.spawn(creator(store->get(), w, 10000 / 32 + 1, 1700));
    co_await group.join();
    std::printf("10,000 stored: RSS %.1f MiB\n", rss_mib());
    const std::shared_ptr<const PodLikeCodec> shared_codec = std::make_shared<const PodLikeCodec>();
    const PodLikeCodec& codec = *shared_codec;
    const double before = rss_mib();
    const double heap_before = heap_mib();
    auto cache = co_await WatchCache::start(*runtime, **store, "/registry/pods/", codec);
    const std::size_t n = (*cache)->count("");
    std::size_t wire = 0;
    const CacheListOptions all;
    for (const CachedObjectPtr& object : (*cache)->list(all).items) wire += object->wire().size();
    const double mib = static_cast<double>(wire) / (1 << 20);
    std::printf("%zu cached: heap +%.1f MiB, RSS +%.1f MiB for %.1f MiB of wire bytes: %.2f times, %.0f bytes an object beside them\n", n,
                heap_mib() - heap_before, rss_mib() - before, mib, (heap_mib() - heap_before) / mib,
                (heap_mib() - heap_before - mib) * (1 << 20) / static_cast<double>(n));
    const Timer timer;
    for (int i = 0; i < 100; ++i) wire += (*cache)->list(all).items.size();
    timer.report("LIST snapshots of 10,000", 100);
    co_await (*cache)->stop();
  }
  std::filesystem::remove_all(dir);
  co_return 0;
}

constexpr int churned_caches = 20, churned_objects = 300, churned_rounds = 5;

// Objects are made, changed three times, read whole, and removed.
rt::Task<void> churn(Store* store, WatchCache* cache, int number) {
  for (int round = 0; round < churned_rounds; ++round) {
    std::vector<int64_t> revisions;
    const auto key = [number](int i) { return "/registry/r" + std::to_string(number) + "/x/" + std::to_string(i); };
    for (int change = 0; change < 4; ++change) {
      for (int i = 0; i < churned_objects; ++i) {
        const std::string at = key(i);
        Bytes value("|" + std::string(500 + static_cast<std::size_t>(i * 37 + change * 101 + round) % 4000, 'v'));
        Result<KeyValue> done = KeyValue{};
        if (change == 0) {
          done = co_await store->create(background, at, std::move(value));
          revisions.push_back(done ? done->mod_revision : 0);
        } else {
          done = co_await store->update(background, at, std::move(value), revisions[static_cast<std::size_t>(i)]);
        }
        if (!done) std::printf("churn: %s\n", done.error().message.c_str());
        if (done) revisions[static_cast<std::size_t>(i)] = done->mod_revision;
      }
      const CacheListOptions all;
      for (const CachedObjectPtr& object : cache->list(all).items)
        for (unsigned format = 1; format < 4; ++format) (void)object->encoded(format);
    }
    for (int i = 0; i < churned_objects; ++i) {
      const std::string at = key(i);
      (void)co_await store->remove(background, at, 0);
    }
  }
}

rt::Task<int> bench_churn(rt::Runtime* runtime, std::string dir) {
  std::filesystem::remove_all(dir);
  SqliteStoreOptions options;
  options.data_dir = dir;
  {
    auto store = SqliteStore::open(*runtime, options);
    auto fanout = co_await StoreFanout::start(*runtime, **store);
    std::vector<std::shared_ptr<TestCodec>> codecs;
    std::vector<std::unique_ptr<WatchCache>> caches;
    for (int i = 0; i < churned_caches; ++i) {
      codecs.push_back(std::make_shared<TestCodec>((*fanout)->budget()));
      const std::string prefix = "/registry/r" + std::to_string(i) + "/";
      auto cache = co_await WatchCache::start(*runtime, **fanout, prefix, *codecs.back());
      caches.push_back(std::move(*cache));
    }
    const auto say = [&](const char* when) {
      const CacheBudget& budget = *(*fanout)->budget();
      const auto mib = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
      std::printf("%-22s RSS %6.1f MiB; objects %.1f, history %.1f, encodings %.1f MiB\n", when, rss_mib(), mib(budget.objects()),
                  mib(budget.history()), mib(budget.encodings()));
      std::fflush(stdout);
    };
    say("at start");
    rt::TaskGroup group;
    for (int i = 0; i < churned_caches; ++i) group.spawn(churn(store->get(), caches[static_cast<std::size_t>(i)].get(), i));
    co_await group.join();
    say("after the churn");
    for (const auto& [when, wait] : {std::pair{"2 minutes later", 2}, std::pair{"7 minutes later", 5}}) {
      auto slept = co_await rt::sleep_for(background, std::chrono::minutes(wait));
      if (!slept) break;
      if (wait == 5) malloc_trim(0);
      say(when);
    }
    for (auto& cache : caches) co_await cache->stop();
    co_await (*fanout)->stop();
  }
  std::filesystem::remove_all(dir);
  co_return 0;
}

}  // namespace
}  // namespace pintle::storage

int main(int argc, char** argv) {
  using namespace pintle;
  const char* what = argc > 1 ? argv[1] : "store";
  const std::string dir = argc > 2 ? argv[2] : "/tmp/pintle-storage-bench";
  mallopt(M_ARENA_MAX, 2);  // as the server does
  if (std::strcmp(what, "layouts") == 0) {
    storage::bench_layouts(dir);
    return 0;
  }
  auto runtime = rt::make_real_runtime({.threads = 2});
  rt::Runtime* raw = runtime.get();
  return runtime->run([&]() -> rt::Task<int> {
    if (std::strcmp(what, "fanout") == 0) return storage::bench_fanout(raw);
    if (std::strcmp(what, "memory") == 0) return storage::bench_memory(raw, dir);
    if (std::strcmp(what, "churn") == 0) return storage::bench_churn(raw, dir);
    return storage::bench_store(raw, dir);
  });
}

#include "storage/watch_cache.h"

#include "base/check.h"
#include "storage/cache/cache_core.h"

namespace pintle::storage {
namespace {

class WatchCacheImpl final : public WatchCache {
 public:
  // `own` is the cache's private fanout, if it has one.
  WatchCacheImpl(StoreFanout& fanout, std::unique_ptr<StoreFanout> own, std::shared_ptr<CacheCore> core)
      : fanout_(fanout), own_(std::move(own)), core_(std::move(core)) {}
  ~WatchCacheImpl() override { CHECK(stopped_, "await stop() before destroying a WatchCache"); }

  rt::Task<void> stop() override {
    if (std::exchange(stopped_, true)) co_return;
    fanout_.detach(core_);
    core_->stop();
    co_await core_->tasks().close();
    if (own_) co_await own_->stop();
  }

  int64_t revision() const override { return core_->revision(); }
  rt::Task<Result<Unit>> wait_for(rt::Context ctx, int64_t revision) override {
    if (core_->revision() >= revision) co_return Unit{};
    co_return co_await fanout_.wait_for(ctx, revision);
  }
  CachedObjectPtr get(std::string_view key) const override { return core_->get(key); }
  CacheList list(const CacheListOptions& options) const override { return core_->list(options); }
  std::size_t count(std::string_view prefix) const override { return core_->count(prefix); }
  Result<std::unique_ptr<CacheWatcher>> watch(CacheWatchOptions options) override {
    return core_->watch(std::move(options), rt::Executor::current());
  }
  void on_event(std::function<void(const CacheEvent&)> listener) override { core_->on_event(std::move(listener)); }
  int64_t unreadable() const override { return core_->unreadable(); }
  CacheUse use() const override { return core_->use(); }

 private:
  StoreFanout& fanout_;
  std::unique_ptr<StoreFanout> own_;
  const std::shared_ptr<CacheCore> core_;
  bool stopped_ = false;
};

rt::Task<Result<std::unique_ptr<WatchCache>>> begin(StoreFanout* fanout, std::unique_ptr<StoreFanout> own, std::string prefix,
                                                    const CacheCodec* codec, WatchCacheOptions options) {
  auto core = std::make_shared<CacheCore>(*fanout, prefix, *codec, std::move(options));
  auto cache = std::make_unique<WatchCacheImpl>(*fanout, std::move(own), core);
  fanout->attach(prefix, core);
  auto listed = co_await core->relist();
  if (!listed) {
    co_await cache->stop();
    co_return Unexpected(std::move(listed).error());
  }
  co_return std::move(cache);
}

}  // namespace

rt::Task<Result<std::unique_ptr<WatchCache>>> WatchCache::start(rt::Runtime&, StoreFanout& fanout, std::string prefix, const CacheCodec& codec,
                                                                WatchCacheOptions options) {
  return begin(&fanout, nullptr, std::move(prefix), &codec, std::move(options));
}

rt::Task<Result<std::unique_ptr<WatchCache>>> WatchCache::start(rt::Runtime& runtime, Store& store, std::string prefix, const CacheCodec& codec,
                                                                WatchCacheOptions options) {
  auto fanout = co_await StoreFanout::start(runtime, store);
  if (!fanout) co_return Unexpected(std::move(fanout).error());
  StoreFanout* raw = fanout->get();
  co_return co_await begin(raw, std::move(*fanout), std::move(prefix), &codec, std::move(options));
}

}  // namespace pintle::storage

#include "storage/store_fanout.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"
#include "rt/sync.h"

namespace pintle::storage {
namespace {

constexpr rt::Duration retry_first = std::chrono::milliseconds(50);
constexpr rt::Duration retry_max = std::chrono::seconds(5);
constexpr std::size_t marks_max = history_age / give_back_interval;
constexpr int64_t slack_part = 16;  // what is over is cut by this part more, so that it is not cut at every event

class Fanout final : public StoreFanout {
 public:
  Fanout(Store& store, std::string prefix, CacheBudgetOptions budget)
      : store_(store), prefix_(std::move(prefix)), home_(rt::Executor::current()), budget_(std::make_shared<CacheBudget>(budget)) {}

  rt::Task<Result<Unit>> begin() {
    auto now = co_await store_.current_revision(tasks_.context());
    if (!now) co_return Unexpected(std::move(now).error());
    revision_ = *now;
    budget_->on_use([this] { tasks_.spawn_on(home_, give_back()); });
    co_return follow(*now + 1);
  }

  rt::Task<void> stop() override {
    {
      ThreadLock lock(mutex_);
      stopping_ = true;
    }
    budget_->on_use({});
    co_await tasks_.close();
    watch_.reset();
    stopped_ = true;
    wake_waiters(INT64_MAX);
  }

  Store& store() override { return store_; }
  const std::shared_ptr<CacheBudget>& budget() const override { return budget_; }
  int64_t revision() const override { return revision_.load(std::memory_order_acquire); }

  rt::Task<Result<Unit>> wait_for(rt::Context ctx, int64_t revision) override {
    if (this->revision() >= revision) co_return Unit{};
    rt::Event woken;
    Waiters::iterator place;
    {
      ThreadLock lock(waiters_mutex_);
      place = waiters_.emplace(revision, &woken);
    }
    Result<Unit> done = Unit{};
    if (this->revision() < revision && !stopped_) {
      store_.request_progress();
      done = co_await woken.wait(ctx);
    }
    {
      ThreadLock lock(waiters_mutex_);
      waiters_.erase(place);
    }
    if (done && this->revision() < revision) done = error(Reason::Gone, "the watch cache has stopped");
    co_return done;
  }

  void attach(std::string prefix, std::shared_ptr<Feed> feed) override {
    ThreadLock lock(mutex_);
    const bool added = feeds_.emplace(std::move(prefix), std::move(feed)).second;
    CHECK(added, "one cache a prefix");
  }

  void detach(const std::shared_ptr<Feed>& feed) override {
    ThreadLock lock(mutex_);
    std::erase_if(feeds_, [&](const auto& entry) { return entry.second == feed; });
  }

 private:
  Result<Unit> follow(int64_t from) {
    auto sink = [this](Result<std::vector<WatchEvent>> events) { take(std::move(events)); };
    auto watch = store_.watch(prefix_, prefix_end(prefix_), from, std::move(sink));
    if (!watch) return Unexpected(std::move(watch).error());
    watch_ = std::move(*watch);
    return Unit{};
  }

  // The store's call.
  void take(Result<std::vector<WatchEvent>> events) {
    ThreadLock lock(mutex_);
    if (stopping_) return;
    if (!events) {
      failed_ = true;
      if (!std::exchange(recovering_, true)) tasks_.spawn_on(home_, recover(std::move(events).error()));
      return;
    }
    int64_t through = 0;
    std::vector<WatchEvent> run;  // neighbours of one feed
    Feed* feed = nullptr;
    for (WatchEvent& event : *events) {
      through = std::max(through, event.kv.mod_revision);
      if (event.type == WatchType::Progress) continue;
      Feed* own = route(event.kv.key);
      if (own != feed && !run.empty()) feed->apply(std::exchange(run, {}));
      feed = own;
      if (feed != nullptr) run.push_back(std::move(event));
    }
    if (!run.empty()) feed->apply(std::move(run));
    keep_to_budget();
    latest_ = std::max(latest_, through);
    seen_ = std::max(seen_, through);
    if (!recovering_) advance(seen_);
  }

  // The feed of the longest prefix of `key`; prefixes do not overlap, so it is the one just before it.
  Feed* route(const std::string& key) const REQUIRES(mutex_) {
    auto it = feeds_.upper_bound(key);
    if (it == feeds_.begin()) return nullptr;
    --it;
    return key.starts_with(it->first) ? it->second.get() : nullptr;
  }

  void keep_to_budget() REQUIRES(mutex_) {
    const int64_t share = budget_->share();
    if (budget_->history() > share) {
      std::vector<int64_t> held;
      for (const auto& [prefix, feed] : feeds_) held.push_back(feed->history_bytes());
      const int64_t level = fair_level(held, share - share / slack_part);
      for (const auto& [prefix, feed] : feeds_) {
        if (feed->history_bytes() > level) feed->shrink_history(level);
      }
    }
    if (budget_->encodings() > share) {
      for (const auto& [prefix, feed] : feeds_) feed->shrink_encodings();
    }
  }

  // From the first charge until nothing is left that time alone takes back.
  rt::Task<void> give_back() {
    bool more = true;
    while (more) {
      auto slept = co_await rt::sleep_for(tasks_.context(), give_back_interval);
      if (!slept) co_return;
      budget_->rest();
      more = give_back_once() && budget_->resume();
    }
  }

  bool give_back_once() {
    std::map<std::string, std::shared_ptr<Feed>> feeds;
    int64_t old = 0;  // changes up to this revision have history_age at least
    {
      ThreadLock lock(mutex_);
      feeds = feeds_;
      if (marks_.size() == marks_max) {
        old = marks_.front();
        marks_.pop_front();
      }
      marks_.push_back(seen_);
    }
    bool more = false;
    for (auto& [prefix, feed] : feeds) more = feed->give_back(old) || more;
    return more;
  }

  void advance(int64_t revision) {
    if (revision <= revision_.load(std::memory_order_relaxed)) return;
    revision_.store(revision, std::memory_order_release);
    wake_waiters(revision);
  }

  void wake_waiters(int64_t revision) {
    ThreadLock lock(waiters_mutex_);
    const auto end = waiters_.upper_bound(revision);
    for (auto it = waiters_.begin(); it != end; ++it) it->second->set();  // each takes itself off
  }

  // After the store's watch has failed: goes on where it stopped; if that is compacted, all caches list again.
  rt::Task<void> recover(Status why) {
    bool again = why.reason == Reason::Expired;
    for (rt::Duration delay = retry_first;; delay = std::min(delay * 2, retry_max)) {
      watch_.reset();
      Result<Unit> done = Unit{};
      if (!again) {
        done = resume();
        if (!done && done.error().reason == Reason::Expired) again = true;
      }
      if (again) done = co_await start_over();
      if (done) co_return;
      auto slept = co_await rt::sleep_for(tasks_.context(), delay);
      if (!slept) co_return;
    }
  }

  // The events from here on may arrive before this returns: they are applied as they come, in order.
  Result<Unit> resume() {
    {
      ThreadLock lock(mutex_);
      recovering_ = false;
    }
    auto done = follow(revision_ + 1);
    if (!done) {
      ThreadLock lock(mutex_);
      recovering_ = true;
    }
    return done;
  }

  rt::Task<Result<Unit>> start_over() {
    std::map<std::string, std::shared_ptr<Feed>> feeds;
    {
      ThreadLock lock(mutex_);
      for (auto& [prefix, feed] : feeds_) feed->lost();
      feeds = feeds_;
      failed_ = false;
      latest_ = 0;
    }
    auto now = co_await store_.current_revision(tasks_.context());
    if (!now) co_return Unexpected(std::move(now).error());
    CO_TRY(follow(*now + 1));
    for (auto& [prefix, feed] : feeds) CO_TRY(co_await feed->relist());
    ThreadLock lock(mutex_);
    if (failed_) co_return error(Reason::ServiceUnavailable, "the store's watch ended again");
    recovering_ = false;
    if (*now < revision()) {
      // The store was restored from a backup; who waits for a revision that is no more waits for its next life.
      seen_ = std::max(*now, latest_);
      revision_ = seen_;
    }
    seen_ = std::max({seen_, *now, latest_});
    advance(seen_);
    co_return Unit{};
  }

  using Waiters = std::multimap<int64_t, rt::Event*>;

  Store& store_;
  const std::string prefix_;
  rt::Executor& home_;
  const std::shared_ptr<CacheBudget> budget_;
  ThreadMutex mutex_;  // held while feeds are fed: one event at a time
  std::map<std::string, std::shared_ptr<Feed>> feeds_ GUARDED_BY(mutex_);
  bool recovering_ GUARDED_BY(mutex_) = false;
  bool failed_ GUARDED_BY(mutex_) = false;  // the present watch has ended
  bool stopping_ GUARDED_BY(mutex_) = false;
  int64_t seen_ GUARDED_BY(mutex_) = 0;           // the newest revision that feeds have been given
  int64_t latest_ GUARDED_BY(mutex_) = 0;         // the same, by the present watch
  std::deque<int64_t> marks_ GUARDED_BY(mutex_);  // seen_ at the last times that things were given back
  std::atomic<int64_t> revision_ = 0;
  std::atomic<bool> stopped_ = false;
  ThreadMutex waiters_mutex_;
  Waiters waiters_ GUARDED_BY(waiters_mutex_);
  std::unique_ptr<Watch> watch_;
  rt::TaskGroup tasks_;
};

}  // namespace

rt::Task<Result<std::unique_ptr<StoreFanout>>> StoreFanout::start(rt::Runtime&, Store& store, std::string prefix, CacheBudgetOptions budget) {
  auto fanout = std::make_unique<Fanout>(store, std::move(prefix), budget);
  auto begun = co_await fanout->begin();
  if (!begun) {
    co_await fanout->stop();
    co_return Unexpected(std::move(begun).error());
  }
  co_return std::move(fanout);
}

}  // namespace pintle::storage

// How CacheCore keeps its watchers: in buckets, so that a change looks only at those that it may concern.
#include <algorithm>
#include <utility>

#include "base/mutex.h"
#include "storage/cache/cache_core.h"

namespace pintle::storage {
namespace {

std::string prefix_bucket(std::string_view prefix) { return "p" + std::string(prefix); }
std::string index_bucket(std::string_view field, std::string_view value) { return "f" + std::string(field) + "=" + std::string(value); }

}  // namespace

// "" : changes of every key concern it.
std::string CacheCore::bucket_of(const CacheWatchOptions& options) const {
  if (!options.index_field.empty()) return index_bucket(options.index_field, options.index_value);
  const bool whole = options.prefix.size() <= prefix_.size();
  return whole || !options.prefix.ends_with('/') ? std::string() : prefix_bucket(options.prefix);
}

Result<std::unique_ptr<CacheWatcher>> CacheCore::watch(CacheWatchOptions options, rt::Executor& home) {
  const bool initial = options.revision == 0 || options.send_initial;
  const int64_t from = options.revision;
  auto watcher = std::make_unique<Watcher>(shared_from_this(), std::move(options));
  const int64_t delivered = fanout_.revision();
  ThreadLock lock(feed_mutex_);
  if (stopped_) return error(Reason::Gone, "the watch cache has stopped");
  if (initial) {
    ThreadLock tree_lock(tree_mutex_);
    watcher->initial_ = true;
    const CacheWatchOptions& wanted = watcher->options_;
    watcher->by_index_ = index_.covers(wanted.index_field, wanted.index_value);
    if (watcher->by_index_) {
      watcher->indexed_ = indexed(wanted.index_field, wanted.index_value, wanted.prefix);
    } else {
      watcher->snapshot_ = tree_.snapshot();
      watcher->position_ = watcher->snapshot_.seek(wanted.prefix);
    }
    watcher->snapshot_revision_ = std::max(delivered, tree_revision_);
    watcher->place_ = history_.head();
    watcher->after_ = watcher->returned_ = tree_revision_;
  } else {
    if (from < history_.floor()) {
      return error(Reason::Expired, "too old resource version: " + std::to_string(from) + " (" + std::to_string(history_.floor()) + ")");
    }
    watcher->place_ = history_.after(from);
    watcher->after_ = watcher->returned_ = from;
  }
  add_watcher(*watcher);
  if (watcher->options_.bookmarks && !bookmarking_) {
    bookmarking_ = true;
    tasks_.spawn_on(home, send_bookmarks());
  }
  return watcher;
}

void CacheCore::add_watcher(Watcher& watcher) {
  watcher.bucket_ = bucket_of(watcher.options_);
  Bucket& bucket = buckets_[watcher.bucket_];
  watcher.bucket_place_ = bucket.size();
  bucket.push_back(&watcher);
  if (watcher.bucket_.starts_with('p')) ++prefix_watchers_;
  if (watcher.bucket_.starts_with('f')) ++indexed_fields_[watcher.options_.index_field];
  if (watcher.options_.bookmarks) ++bookmark_watchers_;
}

void CacheCore::remove_watcher(Watcher& watcher) {
  ThreadLock lock(feed_mutex_);
  const auto found = buckets_.find(watcher.bucket_);
  if (found == buckets_.end()) return;
  Bucket& bucket = found->second;
  const std::size_t place = watcher.bucket_place_;
  if (place >= bucket.size() || bucket[place] != &watcher) return;  // it never was one of ours
  bucket[place] = bucket.back();
  bucket[place]->bucket_place_ = place;
  bucket.pop_back();
  if (bucket.empty()) buckets_.erase(found);
  if (watcher.bucket_.starts_with('p')) --prefix_watchers_;
  if (watcher.bucket_.starts_with('f')) {
    const auto field = indexed_fields_.find(watcher.options_.index_field);
    if (--field->second == 0) indexed_fields_.erase(field);
  }
  if (watcher.options_.bookmarks) --bookmark_watchers_;
}

void CacheCore::wake_watchers(const ChangePtr& change) {
  wake_bucket("", change);
  const CachedObject& object = *change->object();
  if (prefix_watchers_ > 0) {
    const std::string_view key = object.key();
    for (std::size_t slash = key.find('/', prefix_.size()); slash != std::string_view::npos; slash = key.find('/', slash + 1)) {
      wake_bucket(prefix_bucket(key.substr(0, slash + 1)), change);
    }
  }
  for (const auto& [field, watchers] : indexed_fields_) {
    const std::string_view value = field_of(object, field);
    wake_bucket(index_bucket(field, value), change);
    if (!change->previous()) continue;
    const std::string_view before = field_of(*change->previous(), field);
    if (before != value) wake_bucket(index_bucket(field, before), change);
  }
}

void CacheCore::wake_bucket(const std::string& name, const ChangePtr& change) {
  const auto bucket = buckets_.find(name);
  if (bucket == buckets_.end()) return;
  // One that does not wait finds the change by itself when it looks for more.
  for (Watcher* watcher : bucket->second) {
    if (watcher->waiting_ && watcher->concerns(*change)) watcher->wake(history_.head() - 1);
  }
}

// One timer for all that want bookmarks, and none when nobody does.
rt::Task<void> CacheCore::send_bookmarks() {
  while (true) {
    auto slept = co_await rt::sleep_for(tasks_.context(), options_.bookmark_interval);
    const int64_t now = revision();
    ThreadLock lock(feed_mutex_);
    if (!slept || bookmark_watchers_ == 0) {
      bookmarking_ = false;
      co_return;
    }
    for (auto& [name, bucket] : buckets_) {
      for (Watcher* watcher : bucket) {
        if (!watcher->options_.bookmarks || std::max(watcher->returned_, watcher->bookmarked_) >= now) continue;
        watcher->bookmark_due_ = true;
        if (watcher->waiting_) watcher->wake(history_.head());
      }
    }
  }
}

void Watcher::wake(uint64_t place) {
  if (waiting_) place_ = place;
  waiting_ = false;
  resume();
}

void Watcher::resume() {
  if (parked_) executor_->post(std::exchange(parked_, {}));
}

bool Watcher::Parking::await_suspend(std::coroutine_handle<> task) const {
  ThreadLock lock(watcher.core_->feed_mutex_);
  if (!watcher.waiting_ || watcher.cancelled_) return false;  // something came since look()
  watcher.parked_ = task;
  watcher.executor_ = &rt::Executor::current();
  return true;
}

void Watcher::follow(const rt::Context& ctx) {
  if (followed_ == ctx.identity()) return;
  registration_ = {};
  followed_ = ctx.identity();
  cancelled_ = false;
  registration_ = ctx.on_done([this] {
    ThreadLock lock(core_->feed_mutex_);
    cancelled_ = true;
    resume();
  });
}

bool Watcher::covers(const Change& change) const { return change.revision() > after_ && change.object()->key().starts_with(options_.prefix); }

bool Watcher::concerns(const Change& change) const { return covers(change) && (matches(change.object()) || matches(change.previous())); }

void Watcher::show(const ChangePtr& change, std::vector<CacheEvent>& out) const {
  if (!covers(*change)) return;
  const bool was = matches(change->previous());
  const bool is = change->type() != CacheEventType::Deleted && matches(change->object());
  if (!was && !is) return;
  CacheEvent event;
  event.type = was && is ? CacheEventType::Modified : (is ? CacheEventType::Added : CacheEventType::Deleted);
  event.revision = change->revision();
  const bool left = was && !is && change->type() == CacheEventType::Modified;
  event.object = left ? change->departed(*core_->codec_) : change->object();
  if (options_.previous) event.previous = change->previous();
  out.push_back(std::move(event));
}

CachedObjectPtr Watcher::next_of_state() {
  if (by_index_) return indexed_place_ == indexed_.size() ? nullptr : std::move(indexed_[indexed_place_++]);
  if (position_ == snapshot_.end()) return nullptr;
  CachedObjectPtr object = snapshot_.at(position_);
  if (!object->key().starts_with(options_.prefix)) return nullptr;
  position_ = snapshot_.next(position_);
  return object;
}

std::vector<CacheEvent> Watcher::next_initial() {
  std::vector<CacheEvent> events;
  while (events.size() < watcher_batch_max) {
    CachedObjectPtr object = next_of_state();
    if (!object) {
      initial_ = false;
      break;
    }
    if (!matches(object)) continue;
    CacheEvent event;
    event.revision = object->revision();
    event.object = std::move(object);
    events.push_back(std::move(event));
  }
  if (initial_) return events;
  snapshot_ = {};
  indexed_ = {};
  if (options_.send_initial && options_.bookmarks) {
    CacheEvent end;
    end.type = CacheEventType::Bookmark;
    end.initial_events_end = true;
    end.revision = snapshot_revision_;
    events.push_back(std::move(end));
  }
  return events;
}

Result<Watcher::Look> Watcher::look() {
  Look look;
  const int64_t delivered = core_->fanout_.revision();
  ThreadLock lock(core_->feed_mutex_);
  if (waiting_) place_ = core_->history_.head();  // an earlier wait was given up
  waiting_ = false;
  // What has happened until then is told all the same: the last objects of a definition go just before its cache does.
  if (core_->stopped_ && place_ >= core_->history_.head()) return error(Reason::Gone, "the watch cache has stopped");
  if (expired_ || place_ < core_->history_.first() || core_->history_.head() - place_ > core_->options_.watcher_events_max) {
    expired_ = true;
    return error(Reason::Expired, "the watch fell too far behind, at revision " + std::to_string(returned_));
  }
  for (; place_ < core_->history_.head() && look.changes.size() < watcher_batch_max; ++place_) look.changes.push_back(core_->history_.at(place_));
  if (!look.changes.empty()) {
    returned_ = look.changes.back()->revision();
  } else if (bookmark_due_) {
    look.bookmark = true;
    look.bookmark_revision = bookmarked_ = std::max(delivered, core_->tree_revision_);
    bookmark_due_ = false;
  } else {
    waiting_ = true;
  }
  return look;
}

rt::Task<Result<std::vector<CacheEvent>>> Watcher::next(rt::Context ctx) {
  std::vector<CacheEvent> events;
  if (initial_) events = next_initial();
  while (events.empty()) {
    auto seen = look();
    if (!seen) co_return Unexpected(std::move(seen).error());
    for (const ChangePtr& change : seen->changes) show(change, events);
    if (seen->bookmark) {
      CacheEvent bookmark;
      bookmark.type = CacheEventType::Bookmark;
      bookmark.revision = seen->bookmark_revision;
      events.push_back(std::move(bookmark));
    }
    if (events.empty() && seen->changes.empty()) {
      follow(ctx);
      co_await Parking{*this};
      if (ctx.done()) co_return Unexpected(ctx.status());
    } else if (events.empty() && ctx.done()) {
      co_return Unexpected(ctx.status());
    }
  }
  co_return std::move(events);
}

int64_t Watcher::revision() const {
  const int64_t delivered = core_->fanout_.revision();
  ThreadLock lock(core_->feed_mutex_);
  if (initial_) return 0;
  const bool caught_up = waiting_ || place_ == core_->history_.head();
  return caught_up ? std::max(delivered, core_->tree_revision_) : returned_;
}

}  // namespace pintle::storage

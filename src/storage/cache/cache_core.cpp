#include "storage/cache/cache_core.h"

#include <algorithm>

#include "base/check.h"
#include "base/mutex.h"

namespace pintle::storage {
namespace {

constexpr std::size_t listing_page_items = 500;
constexpr int listing_attempts_max = 3;  // a listing that outlives the store's history starts over

}  // namespace

CacheCore::~CacheCore() { budget_->charge_objects(-object_bytes_); }

CachedObjectPtr CacheCore::load(const KeyValue& stored) {
  auto loaded = codec_->load(stored);
  if (!loaded) {
    ++unreadable_;
    return nullptr;
  }
  return std::make_shared<CachedObject>(*codec_, stored, std::move(*loaded));
}

void CacheCore::apply(std::vector<WatchEvent> events) {
  {
    ThreadLock lock(feed_mutex_);
    if (listing_) {
      early_.insert(early_.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
      return;
    }
  }
  std::vector<Prepared> prepared = prepare(std::move(events));
  ThreadLock lock(feed_mutex_);
  apply_locked(std::move(prepared));
}

std::vector<CacheCore::Prepared> CacheCore::prepare(std::vector<WatchEvent> events) {
  std::vector<Prepared> prepared;
  prepared.reserve(events.size());
  for (WatchEvent& event : events) {
    CachedObjectPtr object = event.type == WatchType::Put ? load(event.kv) : nullptr;
    prepared.push_back({std::move(event), std::move(object)});
  }
  return prepared;
}

void CacheCore::apply_locked(std::vector<Prepared> events) {
  for (Prepared& prepared : events) {
    const int64_t revision = prepared.event.kv.mod_revision;
    if (revision <= listed_revision_) continue;  // the listing showed it
    if (prepared.object) {
      put(std::move(prepared.object));
    } else {
      erase(prepared.event.kv.key, revision);  // also what cannot be read any more
    }
  }
}

void CacheCore::put(CachedObjectPtr object) {
  CachedObjectPtr previous;
  {
    ThreadLock lock(tree_mutex_);
    previous = put_in_tree(object);
    tree_revision_ = object->revision();
  }
  account(object, previous);
  const CacheEventType type = previous ? CacheEventType::Modified : CacheEventType::Added;
  const int64_t revision = object->revision();
  change(type, revision, std::move(object), std::move(previous));
}

void CacheCore::erase(const std::string& key, int64_t revision) {
  CachedObjectPtr previous;
  {
    ThreadLock lock(tree_mutex_);
    previous = erase_from_tree(key);
    tree_revision_ = revision;
  }
  if (!previous) return;
  account(nullptr, previous);
  CachedObjectPtr last = restamped(*codec_, previous, revision);
  change(CacheEventType::Deleted, revision, std::move(last), std::move(previous));
}

CachedObjectPtr CacheCore::put_in_tree(const CachedObjectPtr& object) {
  CachedObjectPtr previous = tree_.put(object);
  index_.replace(previous, object);
  return previous;
}

CachedObjectPtr CacheCore::erase_from_tree(std::string_view key) {
  CachedObjectPtr previous = tree_.erase(key);
  index_.replace(previous, nullptr);
  return previous;
}

void CacheCore::account(const CachedObjectPtr& came, const CachedObjectPtr& went) {
  const int64_t bytes = (came ? came->memory_bytes() : 0) - (went ? went->memory_bytes() : 0);
  object_bytes_ += bytes;
  budget_->charge_objects(bytes);
}

void CacheCore::change(CacheEventType type, int64_t revision, CachedObjectPtr object, CachedObjectPtr previous) {
  if (!listeners_.empty()) {
    CacheEvent event;
    event.type = type;
    event.revision = revision;
    event.object = object;
    event.previous = previous;
    for (const auto& listener : listeners_) listener(event);
  }
  auto change = std::make_shared<Change>(type, revision, std::move(object), std::move(previous));
  history_.push(change);
  wake_watchers(change);
}

void CacheCore::lost() {
  ThreadLock lock(feed_mutex_);
  listing_ = true;
  early_.clear();
}

rt::Task<Result<Unit>> CacheCore::relist() {
  auto listing = co_await read_all(tasks_.context());
  if (!listing) {
    ThreadLock lock(feed_mutex_);
    if (stopped_) co_return Unit{};
    co_return Unexpected(std::move(listing).error());
  }
  take_listing(std::move(*listing));
  co_return Unit{};
}

// In pages at one revision: the store's copies of the values do not pile up.
rt::Task<Result<CacheCore::Listing>> CacheCore::read_all(rt::Context ctx) {
  for (int attempt = 1;; ++attempt) {
    Listing listing;
    RangeRequest request;
    request.start = prefix_;
    request.end = prefix_end(prefix_);
    request.limit = listing_page_items;
    while (true) {
      auto page = co_await fanout_.store().range(ctx, request);
      if (!page && page.error().reason == Reason::Expired && attempt < listing_attempts_max) break;
      if (!page) co_return Unexpected(std::move(page).error());
      if (listing.revision == 0) listing.revision = page->revision;
      for (const KeyValue& stored : page->items) {
        CachedObjectPtr object = get(stored.key);
        if (!object || object->revision() != stored.mod_revision) object = load(stored);
        if (object) listing.items.push_back(std::move(object));
      }
      if (!page->more) co_return listing;
      request.start = page->items.back().key + '\0';
      request.revision = listing.revision;
    }
  }
}

void CacheCore::take_listing(Listing listing) {
  ThreadLock lock(feed_mutex_);
  listed_revision_ = listing.revision;
  const bool backwards = listing.revision < tree_revision_;  // the store was restored from a backup
  if (tree_revision_ == 0) {
    ThreadLock tree_lock(tree_mutex_);
    for (CachedObjectPtr& object : listing.items) {
      account(object, nullptr);
      put_in_tree(object);
    }
    tree_revision_ = listing.revision;
  } else {
    show_difference(listing);
  }
  if (backwards) {
    history_.restart(listing.revision);
    expire_watchers();
  } else {
    history_.raise_floor(listing.revision);
  }
  listing_ = false;
  apply_locked(prepare(std::exchange(early_, {})));
}

// What happened in between is not known one by one: a key changed several times shows once, and one that went shows its
// deletion at the listing's revision.
void CacheCore::show_difference(const Listing& listing) {
  std::vector<CachedObjectPtr> changed;
  std::vector<std::string> gone;
  ObjectTree::Snapshot before;
  {
    ThreadLock tree_lock(tree_mutex_);
    before = tree_.snapshot();
  }
  auto old = before.seek("");
  for (const CachedObjectPtr& object : listing.items) {
    for (; old != before.end() && before.at(old)->key() < object->key(); old = before.next(old)) gone.emplace_back(before.at(old)->key());
    const bool known = old != before.end() && before.at(old)->key() == object->key();
    if (!known || before.at(old)->revision() != object->revision()) changed.push_back(object);
    if (known) old = before.next(old);
  }
  for (; old != before.end(); old = before.next(old)) gone.emplace_back(before.at(old)->key());
  std::ranges::sort(changed, {}, [](const CachedObjectPtr& object) { return object->revision(); });
  for (CachedObjectPtr& object : changed) put(std::move(object));
  for (const std::string& key : gone) erase(key, listing.revision);
  ThreadLock tree_lock(tree_mutex_);
  tree_revision_ = listing.revision;
}

void CacheCore::shrink_history(int64_t bytes) {
  ThreadLock lock(feed_mutex_);
  history_.shrink(bytes);
}

void CacheCore::shrink_encodings() {
  ThreadLock lock(feed_mutex_);
  history_.shrink_encodings();
}

bool CacheCore::give_back(int64_t revision) {
  ObjectTree::Snapshot snapshot;
  bool left = false;
  {
    ThreadLock lock(feed_mutex_);
    left = history_.drop_through(revision);
    if (codec_->memo_bytes() == 0) return left;
    left = history_.drop_unused_encodings() || left;
    ThreadLock tree_lock(tree_mutex_);
    snapshot = tree_.snapshot();
  }
  for (auto position = snapshot.seek(""); position != snapshot.end(); position = snapshot.next(position)) {
    left = snapshot.at(position)->drop_unused_encodings() || left;
  }
  return left;
}

void CacheCore::stop() {
  ThreadLock lock(feed_mutex_);
  stopped_ = true;
  for (auto& [name, bucket] : buckets_) {
    for (Watcher* watcher : bucket) watcher->wake(history_.head());
  }
}

void CacheCore::expire_watchers() {
  for (auto& [name, bucket] : buckets_) {
    for (Watcher* watcher : bucket) {
      watcher->expired_ = true;
      watcher->wake(history_.head());
    }
  }
}

int64_t CacheCore::revision() const {
  const int64_t delivered = fanout_.revision();  // read first: all of it has been applied when the lock is held
  ThreadLock lock(tree_mutex_);
  return std::max(delivered, tree_revision_);
}

CachedObjectPtr CacheCore::get(std::string_view key) const {
  ThreadLock lock(tree_mutex_);
  return tree_.find(key);
}

CacheList CacheCore::list(const CacheListOptions& options) const {
  CacheList list;
  ObjectTree::Snapshot snapshot;
  std::vector<CachedObjectPtr> found;
  bool by_index = false;
  const int64_t delivered = fanout_.revision();
  {
    ThreadLock lock(tree_mutex_);
    by_index = index_.covers(options.index_field, options.index_value);
    if (by_index) found = indexed(options.index_field, options.index_value, options.prefix);
    if (!by_index) snapshot = tree_.snapshot();
    list.revision = std::max(delivered, tree_revision_);
  }
  if (by_index) {
    take_page(std::move(found), options, list);
    return list;
  }
  const bool resume = options.after > options.prefix;
  auto position = resume ? snapshot.seek(options.after, true) : snapshot.seek(options.prefix);
  const std::string end_key = prefix_end(options.prefix);
  const auto end = end_key.empty() ? snapshot.end() : snapshot.seek(end_key);
  if (!options.match) {
    const std::size_t there = snapshot.distance(position, end);
    list.items.reserve(options.limit == 0 ? there : std::min(there, options.limit));
  }
  for (; position != end; position = snapshot.next(position)) {
    if (options.limit != 0 && list.items.size() == options.limit) break;
    const CachedObjectPtr& object = snapshot.at(position);
    if (!options.match || options.match(object->header())) list.items.push_back(object);
  }
  list.more = position != end;
  list.remaining = static_cast<int64_t>(snapshot.distance(position, end));
  return list;
}

std::vector<CachedObjectPtr> CacheCore::indexed(std::string_view field, std::string_view value, std::string_view prefix) const {
  const std::span<const CachedObjectPtr> all = index_.find(field, value);
  const auto key_of = [](const CachedObjectPtr& object) { return object->key(); };
  const std::string end = prefix_end(prefix);
  const auto first = std::ranges::lower_bound(all, prefix, {}, key_of);
  const auto last = end.empty() ? all.end() : std::ranges::lower_bound(first, all.end(), std::string_view(end), {}, key_of);
  return {first, last};
}

void CacheCore::take_page(std::vector<CachedObjectPtr> objects, const CacheListOptions& options, CacheList& list) {
  auto object = std::ranges::upper_bound(objects, std::string_view(options.after), {}, [](const CachedObjectPtr& one) { return one->key(); });
  for (; object != objects.end(); ++object) {
    if (options.limit != 0 && list.items.size() == options.limit) break;
    if (!options.match || options.match((*object)->header())) list.items.push_back(std::move(*object));
  }
  list.more = object != objects.end();
  list.remaining = objects.end() - object;
}

std::size_t CacheCore::count(std::string_view prefix) const {
  ObjectTree::Snapshot snapshot;
  {
    ThreadLock lock(tree_mutex_);
    if (prefix.empty() || prefix == prefix_) return tree_.size();
    snapshot = tree_.snapshot();
  }
  const std::string end_key = prefix_end(prefix);
  return snapshot.distance(snapshot.seek(prefix), end_key.empty() ? snapshot.end() : snapshot.seek(end_key));
}

void CacheCore::on_event(std::function<void(const CacheEvent&)> listener) {
  ThreadLock lock(feed_mutex_);
  ObjectTree::Snapshot snapshot;
  {
    ThreadLock tree_lock(tree_mutex_);
    snapshot = tree_.snapshot();
  }
  for (auto position = snapshot.seek(""); position != snapshot.end(); position = snapshot.next(position)) {
    CacheEvent event;
    event.object = snapshot.at(position);
    event.revision = event.object->revision();
    listener(event);
  }
  listeners_.push_back(std::move(listener));
}

}  // namespace pintle::storage

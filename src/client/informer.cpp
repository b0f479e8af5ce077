#include "client/informer.h"

#include "base/check_scope.h"
#include "client/wire.h"
#include "component/log.h"
#include "rt/backoff.h"

namespace pintle::client {

namespace {

constexpr int64_t page_items = 500;  // of a list in pages
constexpr rt::Duration backoff_initial = std::chrono::milliseconds(800);
constexpr rt::Duration backoff_max = std::chrono::seconds(30);
constexpr int64_t watch_seconds_min = 300;                      // at most twice this, as client-go's
constexpr rt::Duration watch_grace = std::chrono::seconds(30);  // for the server to end it first
constexpr rt::Duration calm_after = std::chrono::minutes(2);    // without a failure: the backoff starts anew
constexpr rt::Duration short_watch = std::chrono::seconds(1);   // a watch that ends sooner, without an event, has failed

// A server that cannot stream a list says so in one of these ways.
bool cannot_stream(const Status& failure) {
  return failure.reason == Reason::Invalid || failure.reason == Reason::BadRequest || failure.reason == Reason::MethodNotAllowed ||
         failure.reason == Reason::NotAcceptable;
}

// Revisions are numbers without leading zeros.
bool older(std::string_view a, std::string_view b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

// Calls one function of a handler. The owner is kept: the call may be what ends it.
template <class F, class... Args>
void call(std::shared_ptr<HandlerOwner> owner, const F& function, const Args&... args) {
  if (!function || (owner && owner->ended)) return;
  if (!owner) return function(args...);
  try {
    const CheckScope contained;
    function(args...);
  } catch (const std::exception& failure) {
    owner->on_failure(failure.what());
  }
}

}  // namespace

AnyInformer::AnyInformer(Client& client, Resource resource, const api::Type& type, InformerOptions options)
    : client_(client), resource_(std::move(resource)), options_(std::move(options)), store_(type, options_.decoded_max) {}

AnyInformer::~AnyInformer() = default;

void AnyInformer::start() {
  if (tasks_) return;
  tasks_ = std::make_unique<rt::TaskGroup>();
  tasks_->spawn(run(tasks_->context()));
}

rt::Task<void> AnyInformer::stop() {
  if (tasks_) co_await tasks_->close();
}

rt::Task<Result<Unit>> AnyInformer::wait_synced(rt::Context ctx) { co_return co_await synced_event_.wait(std::move(ctx)); }

void AnyInformer::add_handler(AnyHandler handler) {
  std::erase_if(handlers_, [](const AnyHandler& one) { return one.owner && one.owner->ended; });
  if (!handler.owner) handler.owner = owner_;
  handlers_.push_back(std::move(handler));
  const std::size_t mine = handlers_.size() - 1;
  store_.for_each([&](const std::string&, const AnyPtr& object) { call(handlers_[mine].owner, handlers_[mine].on_add, object, true); });
}

rt::Task<void> AnyInformer::run(rt::Context ctx) {
  rt::Clock& clock = client_.runtime().clock();
  rt::Backoff backoff({.initial = backoff_initial, .max = backoff_max, .factor = 2.0, .jitter = 1.0, .tries_max = 0});
  rt::TimePoint failed_at{};
  Next next = Next::List;
  while (!ctx.done()) {
    std::unique_ptr<Watch> watch;
    Result<Unit> outcome;
    const bool resumes = next == Next::Watch;
    if (next == Next::List) outcome = co_await list(ctx, watch);
    const bool listed = outcome.has_value();
    if (outcome && !watch) outcome = co_await open(ctx, watch);
    const bool opened = outcome.has_value();
    const auto began = clock.now();
    const std::string revision = resource_version_;
    if (outcome) outcome = co_await follow(ctx, *watch);
    watch.reset();
    if (ctx.done()) break;
    const auto now = clock.now();
    next = listed ? after(outcome.error()) : Next::List;
    // A watch that has lasted, or told something, has worked: its end is no failure.
    if (opened && (now - began >= short_watch || revision != resource_version_)) {
      backoff.reset();
      continue;
    }
    // What we know is too old for a server that has restarted: it answers, and is asked for a list at once.
    if (resumes && !opened && next == Next::List) continue;
    failed(!listed ? "list" : "watch", outcome.error());
    if (now - failed_at > calm_after) backoff.reset();
    failed_at = now;
    (void)co_await rt::sleep_for(ctx, backoff.next(client_.runtime().random()));
  }
}

namespace {

bool too_large_resource_version(const Status& failure) {
  return std::ranges::any_of(failure.details.causes, [](const StatusCause& cause) { return cause.type == "ResourceVersionTooLarge"; });
}

}  // namespace

AnyInformer::Next AnyInformer::after(const Status& failure) {
  switch (failure.reason) {
    case Reason::Expired:
    case Reason::Gone:
    case Reason::Invalid:
    case Reason::BadRequest:
    case Reason::NotFound: return Next::List;
    // The server does not know so new a revision: it was restored from a backup.
    case Reason::Timeout: return too_large_resource_version(failure) ? Next::List : Next::Watch;
    default: return Next::Watch;
  }
}

void AnyInformer::failed(std::string_view what, const Status& failure) {
  const std::string resource = resource_.group_resource();
  if (!last_error_) {
    component::log::info(1, "Failed to " + std::string(what) + ", trying again", {{"resource", resource}, {"err", failure.message}});
  } else {
    component::log::info(4, "Failed again to " + std::string(what), {{"resource", resource}, {"err", failure.message}});
  }
  last_error_ = failure;
}

rt::Task<Result<Unit>> AnyInformer::list(rt::Context ctx, std::unique_ptr<Watch>& watch) {
  if (streams_lists_) {
    auto streamed = co_await list_by_stream(ctx, watch);
    if (streamed || !cannot_stream(streamed.error())) co_return streamed;
    streams_lists_ = false;
    watch.reset();
  }
  co_return co_await list_by_pages(ctx);
}

int64_t AnyInformer::limit_watch() {
  const auto seconds = watch_seconds_min + static_cast<int64_t>(client_.runtime().random().below(watch_seconds_min));
  watch_ends_ = client_.runtime().clock().now() + std::chrono::seconds(seconds) + watch_grace;
  return seconds;
}

rt::Task<Result<Unit>> AnyInformer::list_by_stream(rt::Context ctx, std::unique_ptr<Watch>& watch) {
  WatchOptions options;
  options.namespace_name = options_.namespace_name;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.send_initial_events = true;
  options.timeout_seconds = limit_watch();
  ctx = ctx.with_deadline(watch_ends_);
  CO_TRY_ASSIGN(watch, co_await client_.watch_objects(ctx, resource_, store_.type(), std::move(options)));
  Listing listing = begin_list();
  while (true) {
    CO_TRY_ASSIGN(WatchEvent event, co_await watch->next(ctx));
    if (event.type == EventType::Bookmark) {
      if (!event.initial_events_end) continue;
      end_list(listing, std::move(event.resource_version));
      co_return Unit{};
    }
    AnyPtr object = prepare(std::move(event.object));
    if (event.type == EventType::Deleted) {  // rare: a change while the list is under way
      listing.keys.erase(key_of(object));
      apply(event.type, std::move(object));
    } else {
      list_one(listing, std::move(object));
    }
  }
}

rt::Task<Result<Unit>> AnyInformer::list_by_pages(rt::Context ctx) {
  ListOptions options;
  options.namespace_name = options_.namespace_name;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.limit = page_items;
  Listing listing = begin_list();
  while (true) {
    auto page = co_await client_.list_objects(ctx, resource_, store_.type(), options);
    if (!page) co_return Unexpected(std::move(page).error());
    for (auto& item : page->items) list_one(listing, prepare(std::move(item)));
    if (page->continue_token.empty()) {
      end_list(listing, std::move(page->resource_version));
      co_return Unit{};
    }
    options.continue_token = std::move(page->continue_token);
  }
}

bool AnyInformer::reflects(std::string_view resource_version) const { return synced_ && !older(resource_version_, resource_version); }

bool AnyInformer::knows(const api::meta_v1::ObjectMeta& state) const {
  if (!older(resource_version_, state.resource_version)) return true;
  const AnyPtr object = store_.find(object_key(state.namespace_, state.name));
  return object != nullptr && !older(store_.meta(object.get()).resource_version, state.resource_version);
}

rt::Task<Result<Unit>> AnyInformer::open(rt::Context ctx, std::unique_ptr<Watch>& watch) {
  WatchOptions options;
  options.namespace_name = options_.namespace_name;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.resource_version = resource_version_;
  options.timeout_seconds = limit_watch();
  CO_TRY_ASSIGN(watch, co_await client_.watch_objects(ctx, resource_, store_.type(), std::move(options)));
  co_return Unit{};
}

rt::Task<Result<Unit>> AnyInformer::follow(rt::Context ctx, Watch& watch) {
  last_error_.reset();
  const rt::Context bounded = ctx.with_deadline(watch_ends_);
  while (true) {
    CO_TRY_ASSIGN(WatchEvent event, co_await watch.next(bounded));
    if (event.type == EventType::Bookmark && older(event.resource_version, resource_version_)) {
      co_return error(Reason::Expired, "the server's revisions went back: it was restored from a backup");
    }
    if (event.type != EventType::Bookmark) apply(event.type, prepare(std::move(event.object)));
    if (!event.resource_version.empty()) resource_version_ = std::move(event.resource_version);
  }
}

AnyPtr AnyInformer::prepare(api::Object object) const {
  if (const auto* meta = wire::meta_of(object)) const_cast<api::meta_v1::ObjectMeta*>(meta)->managed_fields = {};
  if (options_.transform) options_.transform(object);
  auto holder = std::make_shared<api::Object>(std::move(object));
  const void* data = holder->data();
  return AnyPtr(std::move(holder), data);
}

std::string AnyInformer::key_of(const AnyPtr& object) const {
  const auto& meta = store_.meta(object.get());
  return object_key(meta.namespace_, meta.name);
}

AnyInformer::Listing AnyInformer::begin_list() const {
  Listing out;
  out.compares = store_.size() != 0;
  return out;
}

void AnyInformer::list_one(Listing& listing, AnyPtr object) {
  std::string key = key_of(object);
  if (listing.compares) listing.keys.insert(key);
  put(std::move(key), std::move(object), !synced_);
}

void AnyInformer::end_list(Listing& listing, std::string resource_version) {
  if (listing.compares) {
    std::vector<std::string> gone;
    store_.for_each_key([&](const std::string& key) {
      if (!listing.keys.contains(key)) gone.push_back(key);
    });
    for (const std::string& key : gone) notify_delete(store_.erase(key));
  }
  resource_version_ = std::move(resource_version);
  last_error_.reset();
  synced_ = true;
  synced_event_.set();
}

void AnyInformer::apply(EventType type, AnyPtr object) {
  std::string key = key_of(object);
  if (type != EventType::Deleted) {
    put(std::move(key), std::move(object), false);
  } else if (store_.erase(key)) {
    notify_delete(object);
  }
}

void AnyInformer::put(std::string key, AnyPtr object, bool initial) {
  const AnyPtr old = store_.put(std::move(key), object);
  if (!old) return notify_add(object, initial);
  const auto& before = store_.meta(old.get());
  const auto& now = store_.meta(object.get());
  if (before.uid != now.uid) {
    // Deleted and made again while nobody watched: two objects, as handlers understand them.
    notify_delete(old);
    notify_add(object, initial);
  } else if (before.resource_version != now.resource_version) {
    notify_update(old, object);
  }
}

void AnyInformer::notify_add(const AnyPtr& object, bool initial) {
  for (std::size_t i = 0; i < handlers_.size(); ++i) {
    call(handlers_[i].owner, handlers_[i].on_add, object, initial);
  }
}

void AnyInformer::notify_update(const AnyPtr& old_object, const AnyPtr& new_object) {
  for (std::size_t i = 0; i < handlers_.size(); ++i) {
    call(handlers_[i].owner, handlers_[i].on_update, old_object, new_object);
  }
}

void AnyInformer::notify_delete(const AnyPtr& object) {
  for (std::size_t i = 0; i < handlers_.size(); ++i) {
    call(handlers_[i].owner, handlers_[i].on_delete, object);
  }
}

}  // namespace pintle::client

#include "storage/log/log_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/mutex.h"

namespace pintle::storage {
namespace {

KeyValue to_key_value(LogRow row) {
  return {std::move(row.key), std::move(row.value), row.create_revision, row.revision, row.version, row.lease_seconds};
}

Status closed_status() { return {Reason::ServiceUnavailable, 0, "the store is closing", {}}; }

}  // namespace

// Waits until the writer has answered.
class LogStore::Submission {
 public:
  Submission(LogStore& store, RequestPtr request) : store_(store), request_(std::move(request)) {}
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;
  ~Submission() { request_->abandoned = true; }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) {
    request_->executor = &rt::Executor::current();
    request_->waiter = waiter;
    LogStore& store = store_;  // the coroutine may be gone once the request is queued
    {
      ThreadLock lock(store.queue_mutex_);
      if (store.closed_) {
        request_->result = Unexpected(closed_status());
        return false;
      }
      store.queue_.push_back(request_);
    }
    store.loop_->wake();
    return true;
  }
  void await_resume() const noexcept {}

 private:
  LogStore& store_;
  const RequestPtr request_;
};

LogStore::LogStore(rt::Runtime& runtime, std::unique_ptr<RevisionLog> log, LogStoreOptions options)
    : runtime_(runtime), log_(std::move(log)), options_(options) {}

Result<std::unique_ptr<LogStore>> LogStore::open(rt::Runtime& runtime, std::unique_ptr<RevisionLog> log, LogStoreOptions options) {
  std::unique_ptr<LogStore> store(new LogStore(runtime, std::move(log), options));
  TRY(store->start());
  return store;
}

Result<Unit> LogStore::start() {
  TRY(load());
  const auto run_step = [this] { return step(); };
  loop_ = options_.on_executor ? make_executor_loop(rt::Executor::current(), run_step) : make_thread_loop(runtime_.clock(), run_step);
  loop_->wake();
  return Unit{};
}

LogStore::~LogStore() {
  {
    ThreadLock lock(queue_mutex_);
    closed_ = true;
  }
  if (loop_) loop_->stop();
  for (auto* waiting : {&queue_, &jobs_}) {
    for (const RequestPtr& request : *waiting) {
      request->result = Unexpected(closed_status());
      answer(request);
    }
  }
  hub_->fail_all(closed_status());
}

Result<Unit> LogStore::load() {
  const rt::TimePoint now = runtime_.clock().now();
  auto compacted = log_->load([&](LogRow row) {
    index_.apply(row);
    remember(row, now);
  });
  if (!compacted) return Unexpected(std::move(compacted).error());
  compacted_ = compacted_durable_ = compact_to_ = *compacted;
  newest_ = index_.newest();
  if (index_.compactable()) marks_.push_back({now, index_.newest(), index_.superseded_bytes()});
  return Unit{};
}

rt::Task<Result<KeyValue>> LogStore::submit(RequestPtr request) {
  if (request->ctx && request->ctx->done()) co_return Unexpected(request->ctx->status());
  if (request->key.size() + request->value.size() > request_bytes_max) {
    co_return error(Reason::RequestEntityTooLarge,
                    "request is too large: a key and its value may have " + std::to_string(request_bytes_max) + " bytes together");
  }
  Submission submission(*this, request);
  co_await submission;
  co_return std::move(request->result);
}

rt::Task<Result<KeyValue>> LogStore::create(rt::Context ctx, std::string key, Bytes value, PutOptions options) {
  auto request = std::make_shared<Request>();
  request->kind = Kind::Create;
  request->key = std::move(key);
  request->value = std::move(value);
  request->ttl_seconds = options.ttl_seconds;
  request->ctx = std::move(ctx);
  return submit(std::move(request));
}

rt::Task<Result<KeyValue>> LogStore::update(rt::Context ctx, std::string key, Bytes value, int64_t expected, PutOptions options) {
  auto request = std::make_shared<Request>();
  request->kind = Kind::Update;
  request->key = std::move(key);
  request->value = std::move(value);
  request->expected = expected;
  request->ttl_seconds = options.ttl_seconds;
  request->ctx = std::move(ctx);
  return submit(std::move(request));
}

rt::Task<Result<KeyValue>> LogStore::remove(rt::Context ctx, std::string key, int64_t expected) {
  auto request = std::make_shared<Request>();
  request->kind = Kind::Remove;
  request->key = std::move(key);
  request->expected = expected;
  request->ctx = std::move(ctx);
  return submit(std::move(request));
}

rt::Task<Result<Unit>> LogStore::compact(rt::Context ctx, int64_t revision) {
  auto request = std::make_shared<Request>();
  request->kind = Kind::Compact;
  request->expected = revision;
  request->ctx = std::move(ctx);
  CO_TRY(co_await submit(std::move(request)));
  co_return Unit{};
}

rt::Task<Result<Unit>> LogStore::run_on_writer(rt::Context ctx, std::function<bool()> slice) {
  auto request = std::make_shared<Request>();
  request->kind = Kind::Job;
  request->slice = std::move(slice);
  request->ctx = std::move(ctx);
  CO_TRY(co_await submit(std::move(request)));
  co_return Unit{};
}

void LogStore::request_progress() {
  progress_requested_ = true;
  loop_->wake();
}

rt::Task<Result<int64_t>> LogStore::current_revision(rt::Context) { co_return newest_.load(); }

rt::Task<Result<RangeResult>> LogStore::range(rt::Context ctx, RangeRequest request) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  if (!log_->blocking() || request.count_only) co_return read(request);
  Result<RangeResult> result = RangeResult{};
  co_await runtime_.run_blocking([this, &request, &result] { result = read(request); });
  co_return result;
}

Result<RangeResult> LogStore::read(const RangeRequest& request) {
  RangeResult result;
  RevisionIndex::Selection selection;
  std::unique_ptr<RevisionLog::Snapshot> snapshot;
  if (!request.count_only) {
    TRY_ASSIGN(snapshot, log_->snapshot());
  }
  {
    // The snapshot is pinned while the index stands still: every row that the index names is in it, as rows are committed
    // before the index learns of them and dropped after it has forgotten them.
    SharedThreadLock lock(index_mutex_);
    result.revision = index_.newest();
    const int64_t revision = request.revision == 0 ? result.revision : request.revision;
    if (revision > result.revision) {
      return bad_request("revision " + std::to_string(revision) + " is in the future: the store is at " + std::to_string(result.revision));
    }
    if (revision < compacted_) {
      return error(Reason::Expired,
                   "revision " + std::to_string(revision) + " has been compacted: history starts at " + std::to_string(compacted_.load()));
    }
    selection = index_.select(request.start, request.end, revision, request.limit, request.count_only);
    if (!selection.revisions.empty()) TRY(snapshot->pin());
  }
  result.count = selection.count;
  result.more = !request.count_only && selection.count > static_cast<int64_t>(selection.revisions.size());
  result.items.reserve(selection.revisions.size());
  for (const int64_t revision : selection.revisions) {
    TRY_ASSIGN(LogRow row, snapshot->read(revision));
    result.items.push_back(to_key_value(std::move(row)));
  }
  return result;
}

Result<std::unique_ptr<Watch>> LogStore::watch(std::string start, std::string end, int64_t revision, WatchSink sink, WatchOptions options) {
  auto state = std::make_shared<WatchHub::State>();
  state->start = std::move(start);
  state->end = std::move(end);
  state->options = options;
  state->sink = std::move(sink);
  std::unique_ptr<Watch> watch;
  bool lagging = false;
  {
    ThreadLock closing(queue_mutex_);
    if (closed_) return Unexpected(closed_status());
    SharedThreadLock lock(index_mutex_);
    if (revision != 0 && revision < compacted_) {
      return error(Reason::Expired,
                   "revision " + std::to_string(revision) + " has been compacted: history starts at " + std::to_string(compacted_.load()));
    }
    state->next = revision == 0 ? index_.newest() + 1 : revision;
    state->live = state->next > index_.newest();
    lagging = !state->live;
    watch = WatchHub::add(hub_, std::move(state));
  }
  if (lagging) loop_->wake();
  return watch;
}

}  // namespace pintle::storage

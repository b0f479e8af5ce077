// The writer's half of LogStore: one step takes a batch, plans it, commits it, answers, tells the watches, and does a
// slice of the housekeeping.
#include <algorithm>

#include "base/check.h"
#include "base/mutex.h"
#include "rt/far_time.h"
#include "storage/log/log_store.h"

namespace pintle::storage {
namespace {

constexpr std::size_t drops_per_commit_max = 1000;
constexpr std::size_t expiries_per_step_max = 1000;
constexpr std::size_t feed_events_max = 512;  // a lagging watch's share of one step
constexpr std::size_t feed_bytes_max = 1 << 20;
constexpr int marks_per_history = 20;  // how finely history is compacted
constexpr std::size_t marks_max = 4 * marks_per_history;
constexpr rt::Duration retry_delay = std::chrono::seconds(1);  // after housekeeping or an expiry failed

bool is_current(const RevisionIndex& index, const Expiries::Expiry& expiry) {
  const RevisionIndex::Head* head = index.find(expiry.key);
  return head != nullptr && head->mod_revision == expiry.revision;
}

KeyValue to_key_value(const LogRow& row) { return {row.key, row.value, row.create_revision, row.revision, row.version, row.lease_seconds}; }

}  // namespace

WriterLoop::Next LogStore::step() {
  const rt::TimePoint now = runtime_.clock().now();
  Batch batch = take_batch(now);
  for (const RequestPtr& request : batch.requests) plan(batch, request);
  compact_history(now);
  commit(batch);
  try_disk(now);
  run_jobs();
  const bool feeding = feed_lagging();
  if (!feeding && progress_requested_.exchange(false)) hub_->tell_progress(index_.newest());

  WriterLoop::Next next;
  {
    ThreadLock lock(queue_mutex_);
    next.at_once = !queue_.empty();
  }
  const bool compacting = !drops_.empty() || compact_more_ || compacted_ > compacted_durable_;
  const bool waiting_to_retry = retry_at_ > now;
  next.at_once = next.at_once || feeding || !jobs_.empty() || (compacting && !waiting_to_retry);
  if (!next.at_once) next.at_once = log_->idle();
  if (next.at_once) return next;
  const auto no_later_than = [&next](rt::TimePoint when) {
    next.when = next.timed ? std::min(next.when, when) : when;
    next.timed = true;
  };
  if (const auto ends = expiries_.next()) no_later_than(std::max(*ends, waiting_to_retry ? retry_at_ : now));
  if (compacting) no_later_than(retry_at_);
  if (write_failure_) no_later_than(try_disk_at_);
  if (index_.compactable() && !marks_.empty()) no_later_than(marks_.front().time + options_.history_age);
  return next;
}

LogStore::Batch LogStore::take_batch(rt::TimePoint now) {
  Batch batch;
  std::size_t bytes = 0;
  {
    ThreadLock lock(queue_mutex_);
    while (!queue_.empty() && batch.requests.size() < options_.batch_writes_max && bytes < options_.batch_bytes_max) {
      bytes += queue_.front()->key.size() + queue_.front()->value.size();
      batch.requests.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
  }
  add_expiries(now, batch);
  batch.rows.reserve(batch.requests.size());  // pending's keys are views of rows
  return batch;
}

void LogStore::add_expiries(rt::TimePoint now, Batch& batch) {
  if (retry_at_ > now) return;
  for (std::size_t n = 0; n < expiries_per_step_max; ++n) {
    std::optional<Expiries::Expiry> expiry = expiries_.take(now);
    if (!expiry) break;
    if (!is_current(index_, *expiry)) continue;
    auto request = std::make_shared<Request>();
    request->kind = Kind::Remove;
    request->key = std::move(expiry->key);
    request->expected = expiry->revision;
    batch.requests.push_back(std::move(request));
  }
}

void LogStore::plan(Batch& batch, const RequestPtr& request) {
  const auto refuse = [&](Reason reason, std::string message) { request->result = error(reason, std::move(message)); };
  if (request->ctx && request->ctx->done()) {
    request->result = Unexpected(request->ctx->status());
    return;
  }
  if (request->kind == Kind::Job) {
    jobs_.push_back(request);
    return;
  }
  if (request->kind == Kind::Compact) {
    if (request->expected > index_.newest()) {
      return refuse(Reason::BadRequest,
                    "revision " + std::to_string(request->expected) + " is in the future: the store is at " + std::to_string(index_.newest()));
    }
    compact_to_ = std::max(compact_to_, request->expected);
    return;
  }
  const std::optional<RevisionIndex::Head> head = head_of(batch, request->key);
  if (request->kind == Kind::Create && head) return refuse(Reason::AlreadyExists, "key \"" + request->key + "\" already exists");
  if (request->kind != Kind::Create) {
    if (!head) return refuse(Reason::NotFound, "key \"" + request->key + "\" not found");
    const bool any = request->kind == Kind::Remove && request->expected == 0;
    if (!any && head->mod_revision != request->expected) {
      return refuse(Reason::Conflict, "key \"" + request->key + "\" is at revision " + std::to_string(head->mod_revision) + ", not " +
                                          std::to_string(request->expected));
    }
  }
  LogRow row;
  row.revision = index_.newest() + static_cast<int64_t>(batch.rows.size()) + 1;
  row.key = request->key;
  row.deleted = request->kind == Kind::Remove;
  row.create_revision = head ? head->create_revision : row.revision;
  row.version = row.deleted ? 0 : (head ? head->version + 1 : 1);
  if (!row.deleted) {
    row.value = request->value;
    row.value_bytes = static_cast<uint32_t>(row.value.size());
    row.lease_seconds = request->ttl_seconds;
    if (request->ttl_seconds > 0) {
      const auto expires = runtime_.clock().wall_now().time_since_epoch() + rt::seconds_of(request->ttl_seconds);
      row.expires_at_s = std::chrono::ceil<std::chrono::seconds>(expires).count();
    }
  }
  append(batch, request, std::move(row), head);
}

void LogStore::append(Batch& batch, const RequestPtr& request, LogRow row, const std::optional<RevisionIndex::Head>& head) {
  std::optional<KeyValue> previous;
  // A deletion answers with the last state; watches get the previous one if any of them asked for it.
  if (head && ((row.deleted && request->ctx) || hub_->wants_previous())) {
    auto state = state_of(batch, row.key, *head);
    if (!state) {
      request->result = Unexpected(std::move(state).error());
      return;
    }
    previous = std::move(*state);
  }
  if (row.deleted && previous) {
    request->result = *previous;
    request->result->mod_revision = row.revision;
  } else if (!row.deleted) {
    request->result = to_key_value(row);
  }
  batch.rows.push_back(std::move(row));
  batch.writers.push_back(request);
  batch.previous.push_back(std::move(previous));
  const LogRow& added = batch.rows.back();
  // The key of an earlier row stays the map's view of it; both live until the batch is done.
  batch.pending[added.key] = {{added.revision, added.create_revision, added.version, added.value_bytes}, batch.rows.size() - 1};
}

std::optional<RevisionIndex::Head> LogStore::head_of(const Batch& batch, std::string_view key) const {
  if (auto it = batch.pending.find(key); it != batch.pending.end()) {
    if (it->second.head.version == 0) return std::nullopt;
    return it->second.head;
  }
  const RevisionIndex::Head* head = index_.find(key);
  if (head == nullptr) return std::nullopt;
  return *head;
}

Result<KeyValue> LogStore::state_of(const Batch& batch, std::string_view key, const RevisionIndex::Head& head) {
  if (auto it = batch.pending.find(key); it != batch.pending.end()) return to_key_value(batch.rows[it->second.row]);
  TRY_ASSIGN(const LogRow row, log_->committed().read(head.mod_revision));
  return to_key_value(row);
}

void LogStore::commit(Batch& batch) {
  const bool compacted = compacted_ > compacted_durable_;
  if (batch.rows.empty() && drops_.empty() && !compacted) {
    for (const RequestPtr& request : batch.requests) {
      if (request->kind != Kind::Job || !request->result) answer(request);
    }
    return;
  }
  LogCommit change;
  change.append = batch.rows;
  const std::size_t drops = std::min(drops_.size(), drops_per_commit_max);
  change.drop = std::span(drops_).first(drops);
  change.compacted_revision = compacted ? compacted_.load() : 0;
  const Result<Unit> done = log_->commit(change);
  const rt::TimePoint now = runtime_.clock().now();
  if (done) {
    retry_at_ = {};
    drops_.erase(drops_.begin(), drops_.begin() + static_cast<std::ptrdiff_t>(drops));
    if (compacted) compacted_durable_ = compacted_;
    if (!batch.rows.empty()) {
      {
        ExclusiveThreadLock lock(index_mutex_);
        for (const LogRow& row : batch.rows) index_.apply(row);
      }
      newest_ = index_.newest();
      for (const LogRow& row : batch.rows) remember(row, now);
      mark(now);
    }
  } else {
    fail_commit(batch, done.error(), now);
  }
  for (const RequestPtr& request : batch.requests) {
    if (request->kind != Kind::Job || !request->result) answer(request);
  }
  if (done && !batch.rows.empty()) publish(batch);
}

void LogStore::fail_commit(Batch& batch, const Status& why, rt::TimePoint now) {
  retry_at_ = now + retry_delay;
  for (const RequestPtr& writer : batch.writers) {
    writer->result = Unexpected(why);
    if (!writer->ctx) expiries_.add({now + retry_delay, writer->expected, writer->key});
  }
  if (!write_failure_) try_disk_at_ = now + retry_delay;
  set_write_failure(why);
}

void LogStore::set_write_failure(std::optional<Status> failure) {
  const bool same = failure.has_value() == write_failure_.has_value() && (!failure || failure->message == write_failure_->message);
  write_failure_ = std::move(failure);
  if (!same && options_.on_write_failure) options_.on_write_failure(write_failure_);
}

// A small commit may find room where others do not: only the disk's own word ends a failure.
void LogStore::try_disk(rt::TimePoint now) {
  if (!write_failure_ || now < try_disk_at_) return;
  const auto tried = log_->try_disk();
  try_disk_at_ = runtime_.clock().now() + retry_delay;
  if (tried) {
    set_write_failure(std::nullopt);
  } else {
    set_write_failure(tried.error());
  }
}

void LogStore::answer(const RequestPtr& request) {
  if (!request->executor || request->abandoned) return;
  request->executor->post(request->waiter);
}

void LogStore::publish(Batch& batch) {
  std::vector<WatchEvent> events;
  events.reserve(batch.rows.size());
  const int64_t through = batch.rows.back().revision;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    LogRow& row = batch.rows[i];
    WatchEvent event;
    event.type = row.deleted ? WatchType::Delete : WatchType::Put;
    if (row.deleted) {
      event.kv.key = std::move(row.key);
      event.kv.mod_revision = row.revision;
    } else {
      event.kv = {std::move(row.key), std::move(row.value), row.create_revision, row.revision, row.version, row.lease_seconds};
    }
    event.previous = std::move(batch.previous[i]);
    events.push_back(std::move(event));
  }
  hub_->deliver(std::move(events), through);
}

void LogStore::remember(const LogRow& row, rt::TimePoint now) {
  if (row.deleted || row.lease_seconds <= 0) return;
  // After a restart the key gets what was left of its time, at most the whole of it, should the wall clock have jumped.
  const auto left = rt::wall_time_of(row.expires_at_s) - runtime_.clock().wall_now();
  const auto ttl = std::clamp<rt::Duration>(left, rt::Duration::zero(), rt::seconds_of(row.lease_seconds));
  expiries_.add({now + ttl, row.revision, row.key});
  trim_expiries();
}

void LogStore::trim_expiries() {
  expiries_.trim(index_.keys(), [this](const Expiries::Expiry& expiry) { return is_current(index_, expiry); });
}

void LogStore::run_jobs() {
  if (jobs_.empty()) return;
  const RequestPtr job = jobs_.front();
  if (!job->slice()) return;
  jobs_.pop_front();
  answer(job);
}

void LogStore::mark(rt::TimePoint now) {
  if (!index_.compactable()) {
    marks_.clear();
    return;
  }
  const bool due = marks_.empty() || now - marks_.back().time >= options_.history_age / marks_per_history ||
                   index_.superseded_bytes() - marks_.back().superseded_bytes >= options_.history_bytes_max / marks_per_history;
  if (due) marks_.push_back({now, index_.newest(), index_.superseded_bytes()});
  if (marks_.size() > marks_max) marks_.pop_front();
}

void LogStore::compact_history(rt::TimePoint now) {
  while (!marks_.empty()) {
    const Mark& oldest = marks_.front();
    const bool old = oldest.time + options_.history_age <= now;
    const bool large = index_.superseded_bytes() - oldest.superseded_bytes > options_.history_bytes_max;
    if (!old && !large) break;
    compact_to_ = std::max(compact_to_, oldest.revision);
    marks_.pop_front();
  }
  if (index_.compactable() && marks_.empty()) marks_.push_back({now, index_.newest(), index_.superseded_bytes()});
  if (compact_to_ <= compacted_ && !compact_more_) return;
  {
    ExclusiveThreadLock lock(index_mutex_);
    compacted_ = std::max(compacted_.load(), compact_to_);
    const std::size_t room = drops_per_commit_max - std::min(drops_per_commit_max, drops_.size());
    compact_more_ = !index_.compact(compacted_, room, drops_);
  }
  if (!compact_more_) trim_expiries();
}

bool LogStore::feed_lagging() {
  if (!hub_->has_lagging()) return false;
  for (const WatchHub::StatePtr& state : hub_->watches()) {
    if (!state->live && !state->ended) feed(state);
  }
  return hub_->has_lagging();
}

void LogStore::feed(const WatchHub::StatePtr& state) {
  if (state->next < compacted_) {
    hub_->send(state, error(Reason::Expired, "revision " + std::to_string(state->next) + " has been compacted: history starts at " +
                                                 std::to_string(compacted_.load())));
    return;
  }
  RevisionLog::Reader& log = log_->committed();
  std::vector<WatchEvent> events;
  std::size_t bytes = 0;
  std::size_t rows = 0;
  int64_t through = state->next - 1;
  auto done = log.scan(state->next, index_.newest(), [&](LogRow row) {
    through = row.revision;
    ++rows;
    if (state->covers(row.key)) {
      bytes += row.value.size();
      WatchEvent event;
      event.type = row.deleted ? WatchType::Delete : WatchType::Put;
      event.kv = to_key_value(row);
      if (row.deleted) event.kv.create_revision = 0;
      events.push_back(std::move(event));
    }
    return rows < feed_events_max && bytes < feed_bytes_max;
  });
  for (WatchEvent& event : events) {
    if (!done || !state->options.previous) break;
    const int64_t before = index_.before(event.kv.key, event.kv.mod_revision);
    if (before == 0) continue;
    auto row = log.read(before);
    if (!row) {
      done = Unexpected(row.error());
    } else {
      event.previous = to_key_value(*row);
    }
  }
  if (!done) return hub_->send(state, Unexpected(done.error()));
  if (rows < feed_events_max && bytes < feed_bytes_max) through = index_.newest();  // the scan ran to its end
  state->next = through + 1;
  state->live = state->next > index_.newest();
  if (!events.empty()) hub_->send(state, std::move(events));
}

}  // namespace pintle::storage

// LogStore: the Store over a RevisionLog. One writer takes all writes that wait at the moment, checks each one's guard in
// order, commits them together and only then answers them and tells the watches. It also expires keys, compacts
// history by age and size, and feeds watches that start in the past.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "rt/clock.h"
#include "rt/executor.h"
#include "rt/runtime.h"
#include "storage/log/expiries.h"
#include "storage/log/revision_index.h"
#include "storage/log/revision_log.h"
#include "storage/log/watch_hub.h"
#include "storage/log/writer_loop.h"
#include "storage/store.h"

namespace pintle::storage {

struct LogStoreOptions {
  // On an executor (the current one at open) instead of a thread: for simulations.
  bool on_executor = false;
  rt::Duration history_age = std::chrono::minutes(5);  // older history is compacted
  int64_t history_bytes_max = 32 << 20;                // history beyond this much is compacted whatever its age
  std::size_t batch_writes_max = 512;                  // writes that share one commit
  std::size_t batch_bytes_max = 8 << 20;
  // Called by the writer when it can no longer write (the disk is full, read-only, broken), again when the reason changes, and with
  // nullopt when it can: within moments of the disk's recovery, whether anybody writes or not. Must not block.
  std::function<void(const std::optional<Status>&)> on_write_failure;
};

class LogStore : public Store {
 public:
  // Loads the index. Blocks on the disk.
  static Result<std::unique_ptr<LogStore>> open(rt::Runtime& runtime, std::unique_ptr<RevisionLog> log, LogStoreOptions options);
  // Waiting writes fail; watches end with ServiceUnavailable.
  ~LogStore() override;

  rt::Task<Result<KeyValue>> create(rt::Context ctx, std::string key, Bytes value, PutOptions options = {}) override;
  rt::Task<Result<KeyValue>> update(rt::Context ctx, std::string key, Bytes value, int64_t expected, PutOptions options = {}) override;
  rt::Task<Result<KeyValue>> remove(rt::Context ctx, std::string key, int64_t expected) override;
  rt::Task<Result<RangeResult>> range(rt::Context ctx, RangeRequest request) override;
  Result<std::unique_ptr<Watch>> watch(std::string start, std::string end, int64_t revision, WatchSink sink, WatchOptions options = {}) override;
  void request_progress() override;
  rt::Task<Result<int64_t>> current_revision(rt::Context ctx) override;
  rt::Task<Result<Unit>> compact(rt::Context ctx, int64_t revision) override;
  int64_t compacted_revision() const override { return compacted_; }

  // Runs `slice` between commits, by the writer, until it says it is done (true).
  rt::Task<Result<Unit>> run_on_writer(rt::Context ctx, std::function<bool()> slice);
  RevisionLog& log() { return *log_; }

 protected:
  LogStore(rt::Runtime& runtime, std::unique_ptr<RevisionLog> log, LogStoreOptions options);
  // Loads the index and starts the writer.
  Result<Unit> start();
  rt::Runtime& runtime() { return runtime_; }

 private:
  enum class Kind : uint8_t { Create, Update, Remove, Compact, Job };
  struct Request {
    Kind kind = Kind::Create;
    std::string key;
    Bytes value;
    int64_t expected = 0;  // Compact: the revision
    int64_t ttl_seconds = 0;
    std::function<bool()> slice;     // Job
    std::optional<rt::Context> ctx;  // none: the store's own (expiry)
    Result<KeyValue> result = KeyValue{};
    std::atomic<bool> abandoned = false;  // nobody waits any more
    rt::Executor* executor = nullptr;
    std::coroutine_handle<> waiter;
  };
  using RequestPtr = std::shared_ptr<Request>;
  class Submission;
  // The newest state of a key within a batch that is not committed yet.
  struct Pending {
    RevisionIndex::Head head;
    std::size_t row = 0;  // in Batch::rows
  };
  struct Batch {
    std::vector<RequestPtr> requests;
    std::vector<LogRow> rows;
    std::vector<RequestPtr> writers;                // of each row
    std::vector<std::optional<KeyValue>> previous;  // of each row, where it is wanted
    std::unordered_map<std::string_view, Pending> pending;
  };
  // When the store was at which revision, to compact by age.
  struct Mark {
    rt::TimePoint time;
    int64_t revision;
    int64_t superseded_bytes;
  };

  Result<Unit> load();
  rt::Task<Result<KeyValue>> submit(RequestPtr request);
  Result<RangeResult> read(const RangeRequest& request);

  // The writer's part; no lock is needed for what only it changes.
  WriterLoop::Next step();
  Batch take_batch(rt::TimePoint now);
  void plan(Batch& batch, const RequestPtr& request);
  void append(Batch& batch, const RequestPtr& request, LogRow row, const std::optional<RevisionIndex::Head>& head);
  std::optional<RevisionIndex::Head> head_of(const Batch& batch, std::string_view key) const;
  Result<KeyValue> state_of(const Batch& batch, std::string_view key, const RevisionIndex::Head& head);
  void commit(Batch& batch);
  void fail_commit(Batch& batch, const Status& why, rt::TimePoint now);
  void try_disk(rt::TimePoint now);
  void set_write_failure(std::optional<Status> failure);
  void answer(const RequestPtr& request);
  void publish(Batch& batch);
  void add_expiries(rt::TimePoint now, Batch& batch);
  void remember(const LogRow& row, rt::TimePoint now);
  // Drops the expiries of states that are no more, where they are many.
  void trim_expiries();
  void run_jobs();
  void mark(rt::TimePoint now);
  void compact_history(rt::TimePoint now);
  bool feed_lagging();
  void feed(const WatchHub::StatePtr& state);

  rt::Runtime& runtime_;
  const std::unique_ptr<RevisionLog> log_;
  const LogStoreOptions options_;

  mutable SharedThreadMutex index_mutex_;  // the index: changed by the writer, which alone reads it without, read by all
  RevisionIndex index_;
  std::atomic<int64_t> newest_ = 0;
  std::atomic<int64_t> compacted_ = 0;
  const std::shared_ptr<WatchHub> hub_ = std::make_shared<WatchHub>();

  ThreadMutex queue_mutex_;
  std::deque<RequestPtr> queue_ GUARDED_BY(queue_mutex_);
  bool closed_ GUARDED_BY(queue_mutex_) = false;
  std::atomic<bool> progress_requested_ = false;

  // The writer's own.
  std::deque<RequestPtr> jobs_;
  Expiries expiries_;
  std::deque<Mark> marks_;
  int64_t compact_to_ = 0;
  bool compact_more_ = false;  // the index has not forgotten all that it may
  int64_t compacted_durable_ = 0;
  std::vector<int64_t> drops_;  // forgotten by the index, not yet by the log
  rt::TimePoint retry_at_{};    // housekeeping failed; not before then
  std::optional<Status> write_failure_;
  rt::TimePoint try_disk_at_{};  // while write_failure_ is set

  std::unique_ptr<WriterLoop> loop_;  // last: its steps use the others
};

}  // namespace pintle::storage

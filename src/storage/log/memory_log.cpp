#include "storage/log/memory_log.h"

#include <map>
#include <shared_mutex>
#include <string>

#include "base/mutex.h"

namespace pintle::storage {
namespace {

class MemoryLog final : public RevisionLog {
 public:
  Result<int64_t> load(std::function<void(LogRow)>) override { return 0; }

  Result<Unit> commit(const LogCommit& change) override {
    ExclusiveThreadLock lock(mutex_);
    for (const LogRow& row : change.append) rows_.emplace_hint(rows_.end(), row.revision, row);
    for (const int64_t revision : change.drop) rows_.erase(revision);
    return Unit{};
  }

  Reader& committed() override { return reader_; }
  Result<std::unique_ptr<Snapshot>> snapshot() override { return std::make_unique<View>(*this); }
  bool blocking() const override { return false; }

 private:
  Result<LogRow> row_of(int64_t revision) const {
    auto it = rows_.find(revision);
    if (it == rows_.end()) return internal("no row of revision " + std::to_string(revision) + " in the log");
    return it->second;
  }
  void scan_rows(int64_t first, int64_t last, const std::function<bool(LogRow)>& sink) const {
    for (auto it = rows_.lower_bound(first); it != rows_.end() && it->first <= last; ++it) {
      if (!sink(it->second)) break;
    }
  }

  // The writer's own view: nobody else changes the rows.
  class WriterView final : public Reader {
   public:
    explicit WriterView(MemoryLog& log) : log_(log) {}
    Result<LogRow> read(int64_t revision) override { return log_.row_of(revision); }
    Result<Unit> scan(int64_t first, int64_t last, std::function<bool(LogRow)> sink) override {
      log_.scan_rows(first, last, sink);
      return Unit{};
    }

   private:
    MemoryLog& log_;
  };
  // Holds commits back while it is pinned; what it is used for never waits.
  class View final : public Snapshot {
   public:
    explicit View(MemoryLog& log) : log_(log), lock_(log.mutex_, std::defer_lock) {}
    Result<Unit> pin() override {
      lock_.lock();
      return Unit{};
    }
    Result<LogRow> read(int64_t revision) override { return log_.row_of(revision); }
    Result<Unit> scan(int64_t first, int64_t last, std::function<bool(LogRow)> sink) override {
      log_.scan_rows(first, last, sink);
      return Unit{};
    }

   private:
    MemoryLog& log_;
    std::shared_lock<SharedThreadMutex> lock_;  // from pin() to the end
  };

  WriterView reader_{*this};
  SharedThreadMutex mutex_;
  std::map<int64_t, LogRow> rows_;
};

}  // namespace

std::unique_ptr<RevisionLog> make_memory_log() { return std::make_unique<MemoryLog>(); }

}  // namespace pintle::storage

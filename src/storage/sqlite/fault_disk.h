// FaultDisk: another disk that goes wrong on command. For tests.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "rt/file.h"

namespace pintle::storage {

class FaultDisk final : public rt::Disk {
 public:
  explicit FaultDisk(rt::Disk& base) : base_(base) {}

  // The power goes before the n-th change from now (a write, truncation, sync, rename, removal): from then on everything
  // fails and nothing has an effect.
  void cut_power_after(int64_t changes) { changes_left_ = changes; }
  bool dead() const { return changes_left_ <= 0; }
  // Every change fails with this until it is set to "".
  void refuse(std::string why) {
    ThreadLock lock(mutex_);
    why_ = std::move(why);
  }
  static constexpr const char* full = "no space left on device";

  Result<std::unique_ptr<rt::File>> open(const std::string& path, rt::OpenOptions options) override {
    if (dead()) return gone(path);
    if ((options.create && !base_.exists(path)) || options.truncate) TRY(change(path));
    if (options.write && why() == read_only) return refused(path);
    TRY_ASSIGN(std::unique_ptr<rt::File> file, base_.open(path, options));
    return std::make_unique<FaultFile>(*this, path, std::move(file));
  }
  Result<rt::FileStat> stat(const std::string& path) override { return dead() ? gone(path) : base_.stat(path); }
  Result<Unit> rename(const std::string& from, const std::string& to) override {
    TRY(change(from));
    return base_.rename(from, to);
  }
  Result<Unit> remove(const std::string& path) override {
    TRY(change(path));
    return base_.remove(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return base_.list(path); }
  Result<Unit> make_directories(const std::string& path, uint32_t mode) override { return base_.make_directories(path, mode); }
  Result<Unit> sync_directory(const std::string& path) override {
    TRY(change(path));
    return base_.sync_directory(path);
  }
  static constexpr const char* read_only = "read-only file system";

 private:
  class FaultFile final : public rt::File {
   public:
    FaultFile(FaultDisk& disk, std::string path, std::unique_ptr<rt::File> base) : disk_(disk), path_(std::move(path)), base_(std::move(base)) {}
    Result<std::size_t> read_at(uint64_t offset, std::span<char> out) override {
      if (disk_.dead()) return disk_.gone(path_);
      return base_->read_at(offset, out);
    }
    Result<Unit> write_at(uint64_t offset, std::string_view data) override {
      TRY(disk_.change(path_));
      return base_->write_at(offset, data);
    }
    Result<Unit> append(std::string_view data) override {
      TRY(disk_.change(path_));
      return base_->append(data);
    }
    Result<Unit> truncate(uint64_t size_bytes) override {
      TRY(disk_.change(path_));
      return base_->truncate(size_bytes);
    }
    Result<uint64_t> size() override { return base_->size(); }
    Result<Unit> sync() override {
      TRY(disk_.change(path_));
      return base_->sync();
    }

   private:
    FaultDisk& disk_;
    const std::string path_;
    const std::unique_ptr<rt::File> base_;
  };

  Result<Unit> change(const std::string& path) {
    if (dead() || --changes_left_ <= 0) return gone(path);
    if (!why().empty()) return refused(path);
    return Unit{};
  }
  std::string why() const {
    ThreadLock lock(mutex_);
    return why_;
  }
  Unexpected<Status> refused(const std::string& path) const {
    return why() == full ? Unexpected(rt::disk_full(path)) : internal(path + ": " + why());
  }
  Unexpected<Status> gone(const std::string& path) const { return internal(path + ": the power is off"); }

  rt::Disk& base_;
  std::atomic<int64_t> changes_left_ = INT64_MAX;
  mutable ThreadMutex mutex_;
  std::string why_ GUARDED_BY(mutex_);
};

}  // namespace pintle::storage

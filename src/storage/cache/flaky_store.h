// FlakyStore: passes everything on to another store, and ends the watches made through it on command. For tests.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/store.h"

namespace pintle::storage {

class FlakyStore final : public Store {
 public:
  explicit FlakyStore(Store& base) : base_(&base) {}

  // From now on another store answers, as after a restore. Watches stay with the old one.
  void switch_to(Store& base) { base_ = &base; }
  int ranges_made() const { return ranges_made_; }

  // Ends every watch with `status`. Not from within a sink.
  void break_watches(const Status& status) {
    auto slots = std::exchange(slots_, {});
    for (const auto& slot : slots) {
      if (slot->sink) std::exchange(slot->sink, nullptr)(Unexpected(status));
    }
  }
  // While set, new watches fail with it at once.
  void refuse_watches(Reason reason) { refused_ = reason; }
  int watches_made() const { return watches_made_; }

  rt::Task<Result<KeyValue>> create(rt::Context ctx, std::string key, Bytes value, PutOptions options) override {
    return base_->create(ctx, std::move(key), std::move(value), options);
  }
  rt::Task<Result<KeyValue>> update(rt::Context ctx, std::string key, Bytes value, int64_t expected, PutOptions options) override {
    return base_->update(ctx, std::move(key), std::move(value), expected, options);
  }
  rt::Task<Result<KeyValue>> remove(rt::Context ctx, std::string key, int64_t expected) override {
    return base_->remove(ctx, std::move(key), expected);
  }
  rt::Task<Result<RangeResult>> range(rt::Context ctx, RangeRequest request) override {
    ++ranges_made_;
    return base_->range(ctx, std::move(request));
  }
  Result<std::unique_ptr<Watch>> watch(std::string start, std::string end, int64_t revision, WatchSink sink, WatchOptions options) override {
    if (refused_ != Reason::Unknown) return error(refused_, "watches are refused");
    ++watches_made_;
    auto slot = std::make_shared<Slot>();
    slot->sink = std::move(sink);
    auto pass = [slot](Result<std::vector<WatchEvent>> events) {
      if (slot->sink) slot->sink(std::move(events));
    };
    TRY_ASSIGN(std::unique_ptr<Watch> inner, base_->watch(std::move(start), std::move(end), revision, std::move(pass), options));
    slots_.push_back(slot);
    return std::make_unique<Handle>(std::move(slot), std::move(inner));
  }
  void request_progress() override { base_->request_progress(); }
  rt::Task<Result<int64_t>> current_revision(rt::Context ctx) override { return base_->current_revision(ctx); }
  rt::Task<Result<Unit>> compact(rt::Context ctx, int64_t revision) override { return base_->compact(ctx, revision); }
  int64_t compacted_revision() const override { return base_->compacted_revision(); }

 private:
  struct Slot {
    WatchSink sink;
  };
  class Handle final : public Watch {
   public:
    Handle(std::shared_ptr<Slot> slot, std::unique_ptr<Watch> inner) : slot_(std::move(slot)), inner_(std::move(inner)) {}
    ~Handle() override { slot_->sink = nullptr; }

   private:
    std::shared_ptr<Slot> slot_;
    std::unique_ptr<Watch> inner_;
  };

  Store* base_;
  std::vector<std::shared_ptr<Slot>> slots_;
  Reason refused_ = Reason::Unknown;
  int watches_made_ = 0;
  int ranges_made_ = 0;
};

}  // namespace pintle::storage

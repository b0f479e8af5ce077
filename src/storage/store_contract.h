// The contract that every Store keeps: one suite (store_contract_test.cpp), run for each implementation, which registers
// itself from its own test file:
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, ::testing::Values(StoreContractCase{"Memory", open_memory_store}), case_name);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "rt/testing.h"
#include "storage/store.h"

namespace pintle::storage {

struct StoreContractCase {
  std::string name;
  // An empty store; called on an executor of `runtime`. Whatever else it needs it keeps in `keep`, which dies after it.
  std::unique_ptr<Store> (*open)(rt::Runtime& runtime, std::shared_ptr<void>& keep);
  bool simulated = false;
};

inline std::string case_name(const ::testing::TestParamInfo<StoreContractCase>& info) { return info.param.name; }

class StoreContract : public ::testing::TestWithParam<StoreContractCase> {
 protected:
  using Body = rt::Task<void> (*)(Store& store);
  // Runs `body` on a fresh store.
  void run(Body body) {
    const StoreContractCase& param = GetParam();
    const auto main = [&param, body]() { return open_and_run(param, body); };
    if (param.simulated) {
      rt::testing::run_sim(main, 7);
    } else {
      rt::testing::run_task(main, {.threads = 2});
    }
  }

 private:
  static rt::Task<void> open_and_run(const StoreContractCase& param, Body body) {
    std::shared_ptr<void> keep;
    std::unique_ptr<Store> store = param.open(rt::Executor::current().runtime(), keep);
    co_await body(*store);
    store.reset();
  }
};

// What a watch's sink was given.
class EventLog {
 public:
  WatchSink sink() {
    return [state = state_](Result<std::vector<WatchEvent>> events) { state->take(std::move(events)); };
  }
  // The events, Progress aside, once there are `n` of them, or the watch has ended.
  rt::Task<std::vector<WatchEvent>> first(std::size_t n) {
    while (true) {
      {
        ThreadLock lock(state_->mutex);
        if (state_->events.size() >= n || state_->failed) co_return state_->events;
        state_->changed.reset();
      }
      auto waited = co_await state_->changed.wait(rt::Context::background());
      EXPECT_TRUE(waited.has_value());
    }
  }
  // Why the watch ended, once it has.
  rt::Task<Status> failure() {
    while (true) {
      {
        ThreadLock lock(state_->mutex);
        if (state_->failed) co_return state_->status;
        state_->changed.reset();
      }
      auto waited = co_await state_->changed.wait(rt::Context::background());
      EXPECT_TRUE(waited.has_value());
    }
  }
  // The revision that the newest Progress event tells, once it is at least `revision`.
  rt::Task<int64_t> progress(int64_t revision) {
    while (true) {
      {
        ThreadLock lock(state_->mutex);
        if (state_->progress >= revision || state_->failed) co_return state_->progress;
        state_->changed.reset();
      }
      auto waited = co_await state_->changed.wait(rt::Context::background());
      EXPECT_TRUE(waited.has_value());
    }
  }

 private:
  struct State {
    ThreadMutex mutex;
    std::vector<WatchEvent> events GUARDED_BY(mutex);
    int64_t progress GUARDED_BY(mutex) = 0;
    bool failed GUARDED_BY(mutex) = false;
    Status status GUARDED_BY(mutex);
    rt::Event changed;

    void take(Result<std::vector<WatchEvent>> batch) {
      ThreadLock lock(mutex);
      if (batch) {
        for (WatchEvent& event : *batch) {
          if (event.type == WatchType::Progress) {
            progress = event.kv.mod_revision;
          } else {
            events.push_back(std::move(event));
          }
        }
      } else {
        failed = true;
        status = batch.error();
      }
      changed.set();
    }
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace pintle::storage

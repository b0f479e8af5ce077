#include <algorithm>
#include <thread>

#include "rt/detached.h"
#include "rt/held.h"
#include "rt/real/blocking_pool.h"
#include "rt/real/inotify_watcher.h"
#include "rt/real/long_executors.h"
#include "rt/real/real_disk.h"
#include "rt/real/real_executor.h"
#include "rt/real/real_network.h"
#include "rt/real/signal_waiter.h"
#include "rt/real/system_clock.h"
#include "rt/runtime.h"

namespace pintle::rt {

namespace {

constexpr std::size_t executors_max = 8;

std::size_t executors_for(std::size_t asked) {
  if (asked != 0) return asked;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, executors_max);
}

// Runs `work` on the pool, then resumes the task on its own executor.
struct BlockingAwaiter {
  BlockingPool& pool;
  std::function<void()> work;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    pool.submit([this, self, executor = &Executor::current()] {
      work();
      executor->post(self);
    });
  }
  void await_resume() const noexcept {}
};

class MachineRuntime final : public RealRuntime {
 public:
  explicit MachineRuntime(RealRuntimeOptions options) {
    const std::size_t count = executors_for(options.threads);
    for (std::size_t i = 0; i < count; ++i) executors_.push_back(std::make_unique<RealExecutor>(*this, i, held_max));
    long_ = std::make_unique<LongExecutors>(*this, count, std::max<std::size_t>(count / 2, 1));
    pool_ = std::make_unique<BlockingPool>(std::max<std::size_t>(options.blocking_threads, 1));
    network_ = std::make_unique<RealNetwork>(*pool_);
  }
  // What still runs on the pool may post to an executor: the pool ends first.
  ~MachineRuntime() override { pool_.reset(); }

  Clock& clock() override { return clock_; }
  Random& random() override { return random_; }
  Network& network() override { return *network_; }
  Disk& disk() override { return disk_; }
  std::size_t executor_count() const override { return executors_.size(); }
  Executor& executor(std::size_t i) override { return *executors_.at(i); }
  Executor& long_executor() override { return long_->next(); }

  Task<void> run_blocking(std::function<void()> work) override {
    BlockingAwaiter awaiter{*pool_, std::move(work)};
    co_await awaiter;
  }
  Result<std::unique_ptr<FileWatcher>> watch_files(std::vector<std::string> paths) override { return InotifyWatcher::make(std::move(paths)); }
  Task<Result<int>> wait_signal(Context ctx, std::vector<int> signals) override { return wait_process_signal(ctx, std::move(signals)); }

  int run(std::function<Task<int>()> main) override {
    int result = 0;
    executors_[0]->post(run_main(&main, &result).handle);
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < executors_.size(); ++i) threads.emplace_back([executor = executors_[i].get()] { executor->run(); });
    executors_[0]->run();
    for (std::thread& thread : threads) thread.join();
    long_->stop();
    return result;
  }

 private:
  detail::Detached run_main(std::function<Task<int>()>* main, int* result) {
    {
      Task<int> task = (*main)();
      *result = co_await task;
    }
    for (auto& executor : executors_) executor->stop();
  }

  SystemClock clock_;
  SystemRandom random_;
  RealDisk disk_;
  std::vector<std::unique_ptr<RealExecutor>> executors_;
  std::unique_ptr<LongExecutors> long_;
  std::unique_ptr<BlockingPool> pool_;
  std::unique_ptr<RealNetwork> network_;
};

}  // namespace

std::unique_ptr<RealRuntime> make_real_runtime(RealRuntimeOptions options) { return std::make_unique<MachineRuntime>(options); }

}  // namespace pintle::rt

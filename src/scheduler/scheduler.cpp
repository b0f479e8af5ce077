#include "scheduler/scheduler.h"

#include "component/log.h"
#include "scheduler/core.h"

namespace pintle::scheduler {

namespace log = component::log;

namespace {

class LeadingScheduler final : public Scheduler {
 public:
  explicit LeadingScheduler(SchedulerSetup setup) : setup_(std::move(setup)) {}

  Result<Unit> start() override {
    core_ = std::make_unique<Core>(setup_);
    TRY(core_->prepare());
    tasks_.spawn(run());
    return Unit{};
  }
  rt::Task<void> stop() override { co_await tasks_.close(); }
  bool running() const override { return core_ && core_->running(); }
  rt::Task<Result<Unit>> wait_lost(rt::Context ctx) override { co_return co_await lost_.wait(std::move(ctx)); }

 private:
  rt::Task<void> run() {
    const rt::Context ctx = tasks_.context();
    if (!setup_.leader_election) {
      co_await core_->run(ctx);
      co_return;
    }
    client::EventSource source{"default-scheduler", ""};
    client::EventRecorder events(setup_.client, std::move(source));
    std::function<rt::Task<void>(rt::Context)> lead = [this](rt::Context c) { return core_->run(std::move(c)); };
    auto ended = co_await client::run_as_leader(setup_.client, ctx, *setup_.leader_election, &events, std::move(lead));
    if (!ended && !ctx.done()) {
      log::error("Another scheduler leads now", ended.error());
      lost_.set();
    }
    co_await events.stop();
  }

  SchedulerSetup setup_;
  std::unique_ptr<Core> core_;
  rt::TaskGroup tasks_;
  rt::Event lost_;
};

}  // namespace

std::unique_ptr<Scheduler> make_scheduler(SchedulerSetup setup) { return std::make_unique<LeadingScheduler>(std::move(setup)); }

}  // namespace pintle::scheduler

#include "controller/manager.h"

#include "client/informers.h"
#include "component/log.h"
#include "controller/pods/pod_store.h"
#include "rt/backoff.h"

namespace pintle::controller {

namespace log = component::log;

namespace {

// A controller with what is its own.
struct Running {
  std::unique_ptr<client::Client> client;  // nullptr: the manager's
  std::unique_ptr<client::EventRecorder> events;
  std::unique_ptr<Controller> controller;
};

class Manager final : public ControllerManager {
 public:
  explicit Manager(ManagerSetup setup) : setup_(std::move(setup)) {}

  Result<Unit> start() override {
    TRY_ASSIGN(rows_, select_controllers(setup_.controllers));
    tasks_.spawn(run());
    return Unit{};
  }
  rt::Task<void> stop() override { co_await tasks_.close(); }
  bool running() const override { return running_; }
  rt::Task<Result<Unit>> wait_lost(rt::Context ctx) override { co_return co_await lost_.wait(std::move(ctx)); }

 private:
  rt::Task<void> run();
  rt::Task<void> lead(rt::Context ctx);
  rt::Task<Result<Unit>> begin(rt::Context ctx, client::Informers& informers, pods::PodStore& pods, std::vector<Running>& controllers);

  ManagerSetup setup_;
  std::vector<const ControllerRow*> rows_;
  rt::TaskGroup tasks_;
  rt::Event lost_;
  bool running_ = false;
};

rt::Task<void> Manager::run() {
  const rt::Context ctx = tasks_.context();
  if (!setup_.leader_election) {
    co_await lead(ctx);
    co_return;
  }
  client::EventSource source{"controller-manager", ""};
  client::EventRecorder events(setup_.client, std::move(source));
  std::function<rt::Task<void>(rt::Context)> work = [this](rt::Context c) { return lead(std::move(c)); };
  auto ended = co_await client::run_as_leader(setup_.client, ctx, *setup_.leader_election, &events, std::move(work));
  if (!ended && !ctx.done()) {
    log::error("Leadership lost", ended.error());
    lost_.set();
  }
  co_await events.stop();
}

rt::Task<Result<Unit>> Manager::begin(rt::Context ctx, client::Informers& informers, pods::PodStore& pods, std::vector<Running>& controllers) {
  for (const ControllerRow* row : rows_) {
    Running running;
    if (setup_.client_for) {
      // The API server may be starting still: try again until it answers.
      std::function<rt::Task<Result<std::unique_ptr<client::Client>>>()> attempt = [this, ctx, row] {
        return setup_.client_for(ctx, std::string(row->service_account));
      };
      rt::BackoffOptions backoff;
      backoff.max = std::chrono::seconds(2);
      CO_TRY_ASSIGN(running.client, co_await rt::retry(ctx, backoff, std::move(attempt)));
    }
    client::Client& client = running.client ? *running.client : setup_.client;
    client::EventSource source{std::string(row->event_source), ""};
    running.events = std::make_unique<client::EventRecorder>(client, std::move(source));
    ControllerDeps deps{std::string(row->name), setup_.runtime, client, informers, *running.events, pods, setup_.options};
    running.controller = row->make(std::move(deps));
    controllers.push_back(std::move(running));
  }
  informers.start();
  CO_TRY(co_await informers.wait_synced(ctx));
  for (Running& running : controllers) running.controller->start();
  co_return Unit{};
}

rt::Task<void> Manager::lead(rt::Context ctx) {
  client::Informers informers(setup_.client);
  pods::PodStore pods(informers);
  std::vector<Running> controllers;
  auto begun = co_await begin(ctx, informers, pods, controllers);
  if (begun) {
    running_ = true;
    log::info(1, "Controllers are at work", {{"count", std::to_string(controllers.size())}});
    rt::Event never;
    auto ended = co_await never.wait(ctx);
    (void)ended;  // only the context ends it
    running_ = false;
    for (Running& running : controllers) co_await running.controller->stop();
  } else if (!ctx.done()) {
    log::error("Controllers do not start", begun.error());
    lost_.set();
  }
  co_await informers.stop();
  for (Running& running : controllers) {
    co_await running.events->stop();
    running.controller.reset();
    if (running.client) co_await running.client->close();
  }
}

}  // namespace

std::unique_ptr<ControllerManager> make_controller_manager(ManagerSetup setup) { return std::make_unique<Manager>(std::move(setup)); }

}  // namespace pintle::controller

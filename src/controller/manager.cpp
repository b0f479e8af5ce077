#include "controller/manager.h"

#include <algorithm>
#include <deque>
#include <exception>

#include "client/informers.h"
#include "client/work_queue.h"
#include "component/log.h"
#include "controller/pods/pod_store.h"
#include "rt/backoff.h"

namespace pintle::controller {

namespace log = component::log;

namespace {

// A controller with what is its own.
struct Running {
  const ControllerRow* row = nullptr;
  std::unique_ptr<client::Client> client;  // nullptr: the manager's
  std::unique_ptr<client::EventRecorder> events;
  std::shared_ptr<client::HandlerOwner> handlers;
  std::unique_ptr<Controller> controller;  // nullptr: it could not be made
  rt::GrowingWait<rt::TimePoint> wait;     // since its last failure
};

// What a cluster has many of, and controllers ask for few at a time. Not what they walk (nodes, classes, volumes).
std::set<std::string, std::less<>> many_of() {
  return {"pods",        "replicasets", "jobs", "controllerrevisions", "endpoints", "endpointslices", "configmaps", "secrets", "serviceaccounts",
          "ipaddresses", "services"};
}

// What the controllers of one term of leadership share, and they.
struct Term {
  explicit Term(client::Client& client) : informers(client, many_of()), pods(informers) {}
  client::Informers informers;
  pods::PodStore pods;
  std::deque<Running> controllers;  // in the table's order; each stays where it is
  client::ControlLoop* restarts = nullptr;
};

class Manager final : public ControllerManager {
 public:
  explicit Manager(ManagerSetup setup) : setup_(std::move(setup)) {}

  Result<Unit> start() override {
    TRY_ASSIGN(rows_, select_controllers(setup_.controllers, setup_.table));
    for (const AbsentController& absent : absent_controllers(setup_.controllers, setup_.options.feature_gates)) {
      if (absent.gates.empty()) {
        log::info(1, absent.why, {{"controller", std::string(absent.name)}});
      } else {
        log::info(1, absent.why, {{"controller", std::string(absent.name)}, {"requiredFeatureGates", absent.gates}});
      }
    }
    tasks_.spawn(run());
    return Unit{};
  }
  rt::Task<void> stop() override { co_await tasks_.close(); }
  bool running() const override { return running_; }
  rt::Task<Result<Unit>> wait_lost(rt::Context ctx) override { co_return co_await lost_.wait(std::move(ctx)); }

 private:
  rt::Task<void> run();
  rt::Task<void> lead(rt::Context ctx);
  rt::Task<Result<Unit>> begin(rt::Context ctx, Term& term);
  void tell_running(bool yes);
  void make(Term& term, Running& running);
  void failed(Term& term, Running& running, std::string_view what);
  rt::Task<Result<Unit>> restart(Term& term, std::string name);

  ManagerSetup setup_;
  Families families_{setup_.metrics};
  component::metrics::CounterVec& failures_ =
      families_.counters("pintle_controller_failures_total", "Exceptions and failed checks that were contained in a controller.", {"name"});
  component::metrics::GaugeVec& running_controllers_ =
      families_.gauges("running_managed_controllers", "1 where an instance of the controller is at work.", {"name", "manager"});
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

void Manager::failed(Term& term, Running& running, std::string_view what) {
  const std::string name(running.row->name);
  const rt::TimePoint now = setup_.runtime.clock().now();
  if (running.wait.delay() == rt::Duration::zero() || running.wait.until() <= now) {
    running.wait.next(now, restart_wait);
    log::error("A controller failed; it goes on, and is made anew", Status{Reason::InternalError, 0, std::string(what), {}}, {{"controller", name}});
  } else {
    log::info(2, "A controller failed again", {{"controller", name}, {"err", std::string(what)}});
  }
  failures_.with({name}).add();
  term.restarts->queue().add_after(name, running.wait.until() - now);
}

void Manager::tell_running(bool yes) {
  running_ = yes;
  for (const ControllerRow* row : rows_) running_controllers_.with({std::string(row->alias), "kube-controller-manager"}).set(yes ? 1 : 0);
}

void Manager::make(Term& term, Running& running) {
  running.handlers = std::make_shared<client::HandlerOwner>();
  running.handlers->on_failure = [this, &term, &running](std::string_view what) { failed(term, running, what); };
  term.informers.set_owner(running.handlers);
  client::Client& client = running.client ? *running.client : setup_.client;
  ControllerDeps deps{std::string(running.row->name),
                      setup_.runtime,
                      client,
                      term.informers,
                      *running.events,
                      term.pods,
                      setup_.options,
                      families_,
                      running.handlers,
                      setup_.client_metrics,
                      setup_.host_directories};
  try {
    running.controller = running.row->make(std::move(deps));
    running.controller->on_failure = running.handlers->on_failure;
  } catch (const std::exception& failure) {
    failed(term, running, failure.what());
  }
  term.informers.set_owner(nullptr);
}

rt::Task<Result<Unit>> Manager::restart(Term& term, std::string name) {
  Running& running = *std::ranges::find_if(term.controllers, [&](const Running& one) { return one.row->name == name; });
  if (running.controller) co_await running.controller->stop();
  running.handlers->ended = true;
  running.controller.reset();
  make(term, running);
  if (running.controller) running.controller->start();
  log::info(1, "The controller is at work again", {{"controller", name}});
  co_return Unit{};
}

rt::Task<Result<Unit>> Manager::begin(rt::Context ctx, Term& term) {
  for (const ControllerRow* row : rows_) {
    Running& running = term.controllers.emplace_back();
    running.row = row;
    if (setup_.client_for && !row->service_account.empty()) {
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
    make(term, running);
  }
  term.informers.start();
  CO_TRY(co_await term.informers.wait_synced(ctx));
  for (Running& running : term.controllers)
    if (running.controller) running.controller->start();
  term.restarts->start(1);
  co_return Unit{};
}

rt::Task<void> Manager::lead(rt::Context ctx) {
  Term term(setup_.client);
  client::ControlLoop restarts(setup_.runtime, "controller-manager", [this, &term](rt::Context, std::string name) { return restart(term, name); });
  term.restarts = &restarts;
  auto begun = co_await begin(ctx, term);
  if (begun) {
    tell_running(true);
    log::info(1, "Controllers are at work", {{"count", std::to_string(term.controllers.size())}});
    rt::Event never;
    auto ended = co_await never.wait(ctx);
    (void)ended;  // only the context ends it
    tell_running(false);
  } else if (!ctx.done()) {
    log::error("Controllers do not start", begun.error());
    lost_.set();
  }
  co_await restarts.stop();
  for (Running& running : term.controllers)
    if (begun && running.controller) co_await running.controller->stop();
  co_await term.informers.stop();
  for (Running& running : term.controllers) {
    if (running.events) co_await running.events->stop();
    running.controller.reset();
    if (running.client) co_await running.client->close();
  }
}

}  // namespace

std::unique_ptr<ControllerManager> make_controller_manager(ManagerSetup setup) { return std::make_unique<Manager>(std::move(setup)); }

}  // namespace pintle::controller

#include "rt/sim/simulation.h"

#include "rt/detached.h"

namespace pintle::rt {

namespace {

constexpr std::size_t tail_lines = 20;

// A task that start() began.
struct Started {
  Machine* machine;
  uint64_t life;
  std::function<Task<void>()> main;
  bool ended = false;
  std::coroutine_handle<> root;
};

detail::Detached run_started(std::shared_ptr<Started> started) {
  {
    Task<void> task = started->main();
    co_await task;
  }
  started->ended = true;
}

}  // namespace

struct Simulation::Core {
  SimulationOptions options;
  SimScheduler scheduler;
  SimNetwork network{scheduler};
  std::vector<std::unique_ptr<Machine>> machines;
  std::vector<std::shared_ptr<Started>> started;

  explicit Core(SimulationOptions o) : options(o), scheduler(o.seed, o.log_bytes_max) {}

  // Nothing was killed or is still running: nothing is left that refers to us.
  bool finished() const {
    for (const auto& machine : machines)
      if (machine->deaths() > 0) return false;
    for (const auto& task : started)
      if (!task->ended) return false;
    return true;
  }
  Unexpected<Status> fail(std::string why) const {
    return internal(why + "; seed " + std::to_string(options.seed) + ", last events:\n" + scheduler.log().tail(tail_lines));
  }
  Result<Unit> step() {
    if (scheduler.steps() >= options.steps_max) return fail("simulation: no end after " + std::to_string(options.steps_max) + " steps");
    if (!scheduler.step()) return fail("simulation: deadlock: nothing is ready and no timer is set");
    return Unit{};
  }
};

Simulation::Simulation(SimulationOptions options) : core_(std::make_unique<Core>(options)) {}

Simulation::~Simulation() {
  if (core_->finished()) return;
  // Abandoned coroutines stay reachable for the leak checker, and so does what they refer to.
  static auto* graveyard = new std::vector<std::unique_ptr<Core>>;
  graveyard->push_back(std::move(core_));
}

Machine& Simulation::add_machine(MachineOptions options) {
  const uint64_t number = core_->machines.size() + 1;
  if (options.name.empty()) options.name = "m" + std::to_string(number);
  core_->machines.push_back(std::make_unique<Machine>(core_->scheduler, core_->network, std::move(options), number));
  return *core_->machines.back();
}

void Simulation::start(Machine& machine, std::function<Task<void>()> main) {
  CHECK(machine.up(), "start on a machine that is down");
  auto started = std::make_shared<Started>(Started{&machine, machine.life(), std::move(main), false, {}});
  core_->started.push_back(started);
  started->root = run_started(started).handle;
  machine.executor(0).post(started->root);
}

Result<Unit> Simulation::run(Machine& machine, std::function<Task<void>()> main) {
  start(machine, std::move(main));
  const auto task = core_->started.back();
  while (!task->ended) {
    if (!machine.up() || machine.life() != task->life) return core_->fail("simulation: " + machine.name() + " died");
    TRY(core_->step());
  }
  return Unit{};
}

Result<Unit> Simulation::run_for(Duration duration) {
  auto over = std::make_shared<bool>(false);
  core_->scheduler.add_timer(nullptr, now() + duration, [over] { *over = true; });
  while (!*over) TRY(core_->step());
  return Unit{};
}

TimePoint Simulation::now() const { return core_->scheduler.now(); }
SimNetwork& Simulation::network() { return core_->network; }

void Simulation::partition(Machine& a, Machine& b) {
  core_->network.block(a, b);
  core_->network.block(b, a);
}
void Simulation::heal(Machine& a, Machine& b) {
  core_->network.unblock(a, b);
  core_->network.unblock(b, a);
}

const EventLog& Simulation::log() const { return core_->scheduler.log(); }
void Simulation::note(std::string_view line) { core_->scheduler.note(line); }

}  // namespace pintle::rt

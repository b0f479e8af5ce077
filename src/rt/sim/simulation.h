// Simulation: machines, their network and time, on one thread, from one seed. Two runs of one program and one seed are the
// same run, to the byte of the event log; another seed orders, delays and breaks things differently.
//
//   Simulation sim({.seed = 7});
//   Machine& server = sim.add_machine({.name = "server"});
//   Machine& client = sim.add_machine({.name = "client"});
//   sim.start(server, [&] { return serve(server); });
//   ASSERT_TRUE(sim.run(client, [&] { return ask(client); }));   // until the client's task ends
//   sim.kill(server, Death::Power); sim.restart(server); sim.start(server, ...);
//
// A task may call any of it but run(): a task on a machine of its own can play chaos.
#pragma once

#include <functional>
#include <memory>

#include "rt/sim/machine.h"

namespace pintle::rt {

struct SimulationOptions {
  uint64_t seed = 1;
  std::size_t log_bytes_max = 32 << 20;
  // A run past this is an endless loop.
  uint64_t steps_max = 200'000'000;
};

class Simulation {
 public:
  explicit Simulation(SimulationOptions options = {});
  // Machines' tasks that have not ended are abandoned: no destructor of theirs runs.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  Machine& add_machine(MachineOptions options);
  // Starts a task on the machine's executor 0. The function is kept, so its captures outlive the task.
  void start(Machine& machine, std::function<Task<void>()> main);
  // start(), then runs until that task has ended or its machine died. InternalError with the log's tail when nothing can
  // happen any more (deadlock) or nothing ends (steps_max).
  Result<Unit> run(Machine& machine, std::function<Task<void>()> main);
  // Lets this much virtual time pass.
  Result<Unit> run_for(Duration duration);

  TimePoint now() const;
  SimNetwork& network();
  void partition(Machine& a, Machine& b);
  void heal(Machine& a, Machine& b);
  void kill(Machine& machine, Death death) { machine.kill(death); }
  void restart(Machine& machine) { machine.restart(); }

  const EventLog& log() const;
  // A line of the program's own.
  void note(std::string_view line);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace pintle::rt

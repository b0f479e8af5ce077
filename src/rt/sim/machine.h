// Machine: a simulated computer, a Runtime of its own: executors, a network address, a disk, a clock. It lives until it is
// killed; its disk outlives it into the next life.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rt/runtime.h"
#include "rt/sim/sim_disk.h"
#include "rt/sim/sim_network.h"
#include "rt/sim/sim_scheduler.h"

namespace pintle::rt {

struct MachineOptions {
  std::string name;     // a host name too
  std::string address;  // "10.0.0.1"; "": made from the machine's number
  std::size_t executors = 1;
  Duration clock_offset{};  // how far its wall clock is off
};

enum class Death {
  Process,  // the kernel closes the sockets, the disk is as the process left it
  Power,    // peers hear nothing, and what was not synced may be lost
};

class Machine final : public Runtime {
 public:
  Machine(SimScheduler& scheduler, SimNetwork& network, MachineOptions options, uint64_t number);
  ~Machine() override;

  Clock& clock() override { return *clock_; }
  Random& random() override { return random_; }
  Network& network() override { return machine_network_; }
  Disk& disk() override { return disk_; }
  std::size_t executor_count() const override { return executors_.size(); }
  Executor& executor(std::size_t i) override { return *executors_.at(i); }
  Task<void> run_blocking(std::function<void()> work) override;
  Result<std::unique_ptr<FileWatcher>> watch_files(std::vector<std::string> paths) override;
  Task<Result<int>> wait_signal(Context ctx, std::vector<int> signals) override;

  const std::string& name() const { return options_.name; }
  const std::string& address() const { return options_.address; }
  bool up() const { return up_; }
  uint64_t life() const { return life_; }
  uint64_t deaths() const { return deaths_; }
  DiskPlan& disk_plan() { return disk_.plan(); }
  void set_clock_offset(Duration offset) { options_.clock_offset = offset; }
  uint16_t next_port();

  // Delivers a signal; nobody waits for it: the process dies of it.
  void signal(int number);
  void kill(Death death);
  void restart();

 private:
  struct SignalWait;
  class MachineClock;
  void make_executors();

  SimScheduler& scheduler_;
  SimNetwork& network_;
  MachineOptions options_;
  std::unique_ptr<Clock> clock_;
  SimRandom random_;
  SimDisk disk_;
  MachineNetwork machine_network_;
  bool up_ = true;
  uint64_t life_ = 1;
  uint64_t deaths_ = 0;
  uint16_t last_port_;
  std::vector<std::unique_ptr<SimExecutor>> executors_;
  std::vector<std::unique_ptr<SimExecutor>> dead_executors_;
  std::vector<std::shared_ptr<SignalWait>> signal_waits_;
};

}  // namespace pintle::rt

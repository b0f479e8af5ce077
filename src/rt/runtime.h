// Runtime: everything that comes from outside a program, behind one object: executors, clock, random, network, files.
// make_real_runtime() is the machine; Simulation (rt/sim/) makes seeded ones.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rt/clock.h"
#include "rt/executor.h"
#include "rt/file.h"
#include "rt/network.h"
#include "rt/task.h"

namespace pintle::rt {

class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual Clock& clock() = 0;
  virtual Random& random() = 0;
  virtual Network& network() = 0;
  virtual Disk& disk() = 0;
  virtual std::size_t executor_count() const = 0;
  virtual Executor& executor(std::size_t i) = 0;
  // An executor for tasks whose steps may use a processor for up to long_held_max (rt/held.h): hand them over with run_on(). None of
  // executor(i), whose other tasks would wait meanwhile. There is one for every two of those; each call gives the next. Their threads
  // start when they are first asked for. The simulation, where a step takes no time, gives executor(0).
  virtual Executor& long_executor() { return executor(0); }
  // Runs blocking work (file I/O, DNS, a CPU-heavy signature) off the executors, at most `blocking_threads` at once;
  // the calling task resumes on its own executor. The simulation runs it in line.
  virtual Task<void> run_blocking(std::function<void()> work) = 0;
  // Tells when one of `paths` is created, replaced, written or removed (through symbolic links too).
  virtual Result<std::unique_ptr<FileWatcher>> watch_files(std::vector<std::string> paths) = 0;
  // The next of `signals` that the process gets while this waits. Before and after, a signal has its default effect.
  virtual Task<Result<int>> wait_signal(Context ctx, std::vector<int> signals) = 0;
};

// wait_signal() of the current executor's runtime.
Task<Result<int>> wait_signal(Context ctx, std::vector<int> signals);

struct RealRuntimeOptions {
  std::size_t threads = 0;           // executors; 0: one per core, at most 8
  std::size_t blocking_threads = 4;  // started on demand
};

class RealRuntime : public Runtime {
 public:
  // Runs `main` on executor 0 and the executors until it returns; its result is returned. Called once.
  virtual int run(std::function<Task<int>()> main) = 0;
};

std::unique_ptr<RealRuntime> make_real_runtime(RealRuntimeOptions options = {});

}  // namespace pintle::rt

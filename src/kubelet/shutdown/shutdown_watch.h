// ShutdownWatch: where systemd runs the machine, its shutdown waits until pods have ended, for as long as they may take. Tries again for as long as
// logind cannot be reached. Belongs to one executor.
#pragma once

#include <functional>
#include <string>

#include "os/login_manager.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::shutdown {

struct ShutdownWatchDeps {
  rt::Runtime& runtime;
  // Ends the pods; the machine goes down when it returns.
  std::function<rt::Task<void>(rt::Context ctx)> shut_down;
  // It does not go down after all.
  std::function<void()> cancelled;
  // An event about the node.
  std::function<void(std::string message)> tell;
};

class ShutdownWatch {
 public:
  // `time`: what the pods may take together. Where logind would not wait as long, it is told to by a file of `logind_folder`.
  ShutdownWatch(ShutdownWatchDeps deps, rt::Duration time, std::string logind_folder = "/etc/systemd/logind.conf.d")
      : deps_(std::move(deps)), time_(time), logind_folder_(std::move(logind_folder)) {}
  void start() { tasks_.spawn(run(tasks_.context())); }
  rt::Task<void> stop() { return tasks_.close(); }

 private:
  rt::Task<void> run(rt::Context ctx);
  // Until the connection ends; never returns a value.
  rt::Task<Result<Unit>> watch(rt::Context ctx);
  rt::Task<Result<Unit>> ensure_delay(rt::Context ctx, os::LoginManager* login);

  const ShutdownWatchDeps deps_;
  const rt::Duration time_;
  const std::string logind_folder_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::shutdown

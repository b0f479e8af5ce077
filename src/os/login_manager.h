// LoginManager: systemd's logind on the system's bus, as far as a node needs it: it tells that the machine is about to go down, and waits with
// that for those who hold a lock.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "os/fd.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::os {

class LoginManager {
 public:
  // NotFound: no libsystemd; ServiceUnavailable: no bus, or no logind on it. Every question fails with Timeout after five seconds.
  static rt::Task<Result<std::unique_ptr<LoginManager>>> connect(rt::Runtime& runtime);
  ~LoginManager();
  LoginManager(const LoginManager&) = delete;
  LoginManager& operator=(const LoginManager&) = delete;

  // How long it waits at most (InhibitDelayMaxSec).
  rt::Task<Result<rt::Duration>> delay_max();
  // It reads its configuration again; when it has is not told.
  rt::Task<Result<Unit>> reload_configuration();
  // For as long as the descriptor is open, or until delay_max() has passed, the machine does not go down.
  rt::Task<Result<UniqueFd>> delay_shutdown(std::string who, std::string why);
  // The next news: true: the machine goes down; false: it does not after all. An error: the connection has ended. One task at a time.
  rt::Task<Result<bool>> next(rt::Context ctx);

 private:
  struct Impl;
  explicit LoginManager(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pintle::os

// ProcessLock: keeps a second process (or a second store of this one) from opening a data directory. The system drops it
// with the process, however that ends.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace pintle::os {

class ProcessLock {
 public:
  // ServiceUnavailable "... is in use by another process (pid N)" if somebody has it.
  static Result<std::unique_ptr<ProcessLock>> take(const std::string& path);
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  explicit ProcessLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace pintle::os

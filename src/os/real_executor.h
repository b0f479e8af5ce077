// The executor of descriptors: what waits for one runs on the real runtime only.
#pragma once

#include <string>

#include "base/status.h"
#include "rt/real/fd.h"

namespace pintle::os {

// NotAcceptable under a simulation: "WHAT on the real runtime only".
inline Result<rt::RealExecutor*> real_executor(std::string_view what) {
  auto* executor = dynamic_cast<rt::RealExecutor*>(rt::Executor::current_or_null());
  if (!executor) return error(Reason::NotAcceptable, std::string(what) + " on the real runtime only");
  return executor;
}

}  // namespace pintle::os

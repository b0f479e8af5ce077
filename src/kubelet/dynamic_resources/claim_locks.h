// ClaimLocks: who works on which claims: a claim is prepared or unprepared by one pod's worker at a time. Belongs to one executor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rt/sync.h"

namespace pintle::kubelet::dynamic_resources {

class ClaimLocks {
 public:
  using Held = std::vector<std::pair<std::shared_ptr<rt::AsyncMutex>, rt::AsyncMutex::Lock>>;
  // All of them. Always taken in their order, so that two never wait for one another.
  rt::Task<Result<Held>> lock(rt::Context ctx, std::vector<std::string> keys);

 private:
  std::map<std::string, std::weak_ptr<rt::AsyncMutex>> locks_;
};

}  // namespace pintle::kubelet::dynamic_resources

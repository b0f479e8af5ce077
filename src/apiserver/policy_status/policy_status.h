// PolicyStatus: keeps status.typeChecking of validating policies: what upstream's validatingadmissionpolicy-status-controller does, which may run
// beside it: each looks at a generation of a policy once, whoever comes first. Level-triggered; nothing runs while no policy changes.
#pragma once

#include <memory>
#include <string>

#include "apiserver/registry/installed_registry.h"
#include "apiserver/registry/name_loops.h"
#include "rt/sync.h"

namespace pintle::apiserver::policy_status {

class PolicyStatus {
 public:
  // `registry` has started, and outlives this. Belongs to the executor that starts it.
  explicit PolicyStatus(registry::InstalledRegistry& registry);

  void start();
  rt::Task<void> stop() { co_await loops_.stop(); }

 private:
  rt::Task<Result<Unit>> look_at(rt::Context ctx, std::string name);

  registry::InstalledRegistry& registry_;
  const std::shared_ptr<registry::ChangedNames> changes_ =
      std::make_shared<registry::ChangedNames>();  // shared with the listener, which outlives this
  registry::NameLoops loops_;
};

}  // namespace pintle::apiserver::policy_status

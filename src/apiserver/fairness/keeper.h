// Keeper: keeps the condition Dangling of each FlowSchema true to whether its priority level exists. Level-triggered: it
// writes what differs and sleeps until that can have changed; no timer while nothing is wrong.
#pragma once

#include "apiserver/fairness/fairness.h"
#include "apiserver/registry/installed_registry.h"
#include "rt/sync.h"

namespace pintle::apiserver::fairness {

constexpr rt::Duration upkeep_pause = std::chrono::seconds(1);  // between two rounds of writes, whoever contradicts them

class Keeper {
 public:
  // Both outlive it.
  Keeper(Fairness& fairness, registry::InstalledRegistry& registry);
  void start();
  rt::Task<void> close();

 private:
  rt::Task<void> run();
  rt::Task<void> write(rt::Context ctx, Fairness::Upkeep::Dangling wanted);

  Fairness& fairness_;
  registry::InstalledRegistry& registry_;
  std::shared_ptr<rt::Event> changed_ = std::make_shared<rt::Event>();
  rt::TaskGroup tasks_;
};

}  // namespace pintle::apiserver::fairness

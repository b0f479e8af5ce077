// TokenTracking: the server's own notes about tokens that Secrets keep: at the Secret on which day its token was used last, in a ConfigMap since
// when that is noted, and in the metrics how many uses there were. Level-triggered; nothing runs while no such token is used.
#pragma once

#include <memory>
#include <string>

#include "apiserver/authentication/service_account/secret_token_uses.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/registry/name_loops.h"
#include "component/metrics.h"
#include "rt/sync.h"

namespace pintle::apiserver::token_tracking {

// The ConfigMap is made anew at once, and then once in this time: servers of which some make it and others delete it do not fight.
inline constexpr rt::Duration remake_interval = std::chrono::minutes(30);

class TokenTracking final : public authentication::service_account::SecretTokenUses {
 public:
  // The three outlive it. What is used before start() is noted after it.
  TokenTracking(rt::Runtime& runtime, registry::InstalledRegistry& registry, component::metrics::Registry& metrics);

  void used(authentication::service_account::SecretTokenUse use, const api::core_v1::Secret& secret) override;
  // The registry has started. Belongs to the executor that starts it.
  void start();
  rt::Task<void> stop() { co_await loops_.stop(); }

 private:
  int64_t now_seconds() const;
  rt::Task<Result<Unit>> look_at(rt::Context ctx, std::string name);
  rt::Task<Result<Unit>> note_day(rt::Context ctx, std::string ns, std::string name);
  rt::Task<Result<Unit>> keep_map(rt::Context ctx);
  rt::Task<void> look_again(rt::Context ctx, rt::Duration wait);

  rt::Runtime& runtime_;
  registry::InstalledRegistry& registry_;
  component::metrics::CounterVec uses_, manual_uses_, automatic_uses_, refused_uses_;
  // "NAMESPACE/NAME" of Secrets, so never more than there are, and "" for the ConfigMap. Shared with the listener, which outlives this.
  const std::shared_ptr<registry::ChangedNames> changes_ = std::make_shared<registry::ChangedNames>();
  rt::TimePoint next_remake_{};
  registry::NameLoops loops_;
};

}  // namespace pintle::apiserver::token_tracking

#include "api/gen/core_v1.h"
#include "apiserver/admission/event_rate_limit/limits.h"
#include "apiserver/admission/factories.h"
#include "apiserver/admission/settings.h"
#include "base/check.h"
#include "rt/runtime.h"

namespace pintle::apiserver::admission {
namespace {

class EventRateLimit : public AdmissionPlugin {
 public:
  EventRateLimit(const rt::Clock& clock, const event_rate_limit::Configuration& configuration) : limits_(clock, configuration) {}
  std::string_view name() const override { return "EventRateLimit"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!a.kind.group.empty() || a.kind.kind != "Event" || a.dry_run) return Unit{};
    const std::string_view user = a.user ? std::string_view(a.user->name) : std::string_view();
    return limits_.take({a.ns, user, a.object_as<api::core_v1::Event>()});
  }

 private:
  event_rate_limit::Limits limits_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_event_rate_limit(const AdmissionDeps& deps) {
  CHECK(deps.runtime && deps.settings && deps.settings->event_limits, "check_admission_config() asks for limits");
  return std::make_unique<EventRateLimit>(deps.runtime->clock(), *deps.settings->event_limits);
}

}  // namespace pintle::apiserver::admission

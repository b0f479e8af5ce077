#include "controller/policy_status/controller.h"

#include "component/log.h"

namespace pintle::controller::policy_status {

namespace {

class PolicyStatusController final : public Controller {
 public:
  void start() override {
    component::log::info(1, "The types of policies' expressions are checked by Pintle's API server; with another API server nobody checks them");
  }
  rt::Task<void> stop() override { co_return; }
};

}  // namespace

std::unique_ptr<Controller> make_policy_status_controller(ControllerDeps) { return std::make_unique<PolicyStatusController>(); }

}  // namespace pintle::controller::policy_status

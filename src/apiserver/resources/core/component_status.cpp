// componentstatuses, and the bindings that name their pod in the body.
#include <algorithm>
#include <chrono>

#include "api/gen/core_v1.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

struct Component {
  std::string_view name;
  uint16_t port;  // of its health endpoint on loopback; 0: the store, which is in this process
};
// Deprecated since 1.19 and still asked for.
constexpr Component components[] = {{"controller-manager", 10257}, {"etcd-0", 0}, {"scheduler", 10259}};

rt::Task<api::Object> status_of(RequestScope& scope, Component component, std::optional<Status> store_failure) {
  core::ComponentStatus status;
  status.metadata.name = component.name;
  core::ComponentCondition condition;
  condition.type = "Healthy";
  condition.status = "True";
  condition.message = "ok";
  if (component.port == 0 && store_failure) {
    condition.status = "False";
    condition.message = store_failure->message;
  } else if (component.port != 0) {
    const rt::Context ctx = scope.ctx.with_timeout(std::chrono::seconds(5));
    rt::Endpoint endpoint{"127.0.0.1", component.port};
    auto stream = co_await scope.runtime->network().connect(ctx, std::move(endpoint));
    if (!stream) {
      condition.status = "False";
      condition.message = "Get \"https://127.0.0.1:" + std::to_string(component.port) + "/healthz\": " + stream.error().message;
    }
  }
  status.conditions.push_back(std::move(condition));
  co_return api::Object::of(std::move(status));
}

class ComponentStatuses : public registry::VirtualResource {
 public:
  explicit ComponentStatuses(std::function<std::optional<Status>()> store_failure) : store_failure_(std::move(store_failure)) {}

  rt::Task<Result<api::Object>> get(RequestScope& scope, std::string name) override {
    const auto it = std::find_if(std::begin(components), std::end(components), [&](const Component& c) { return c.name == name; });
    if (it == std::end(components)) co_return Unexpected(errors::not_found({"", "componentstatuses"}, name));
    auto failure = store_failure_();
    co_return co_await status_of(scope, *it, std::move(failure));
  }
  // None of them has labels.
  rt::Task<Result<std::vector<api::Object>>> list(RequestScope& scope, apimachinery::LabelSelector labels) override {
    std::vector<api::Object> out;
    if (!labels.matches(FlatMap<std::string>())) co_return out;
    for (const Component& component : components) {
      auto failure = store_failure_();
      out.push_back(co_await status_of(scope, component, std::move(failure)));
    }
    co_return out;
  }

 private:
  const std::function<std::optional<Status>()> store_failure_;
};

}  // namespace

registry::ResourceDefinition component_statuses(std::function<std::optional<Status>()> store_failure) {
  registry::ResourceDefinition out;
  out.resource = {"", "componentstatuses"};
  out.virtual_resource = std::make_shared<ComponentStatuses>(std::move(store_failure));
  return out;
}

registry::ResourceDefinition bindings() {
  registry::ResourceDefinition out;
  out.resource = {"", "bindings"};
  out.create_action = make_binding_action();
  return out;
}

}  // namespace pintle::apiserver::resources

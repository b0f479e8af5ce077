#include "controller/endpoints/controller.h"

#include "client/work_queue.h"
#include "controller/endpoints/plan.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_control.h"
#include "controller/services/service_pods.h"

namespace pintle::controller::endpoints {

using api::core_v1::Service;
using EndpointsPtr = std::shared_ptr<const Endpoints>;

namespace {

class EndpointsController final : public Controller {
 public:
  explicit EndpointsController(ControllerDeps deps)
      : deps_(deps),
        services_(deps.informers.of<Service>()),
        endpoints_(deps.informers.of<Endpoints>()),
        written_(endpoints_),
        loop_(deps.loop("endpoint"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    services::watch_service_pods(services_, deps_.pods, [this](std::string key) { enqueue(std::move(key)); });
    client::Informer<Endpoints>::Handler handler;
    handler.on_add = [this](const EndpointsPtr& e, bool initial) {  // left over from a service deleted while we were away
      if (initial && is_mirrored(*e)) enqueue(client::object_key(e->metadata.namespace_, e->metadata.name));
    };
    handler.on_delete = [this](const EndpointsPtr& e) { enqueue(client::object_key(e->metadata.namespace_, e->metadata.name)); };
    endpoints_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void enqueue(std::string key) {
    if (deps_.options.endpoint_updates_batch_period > rt::Duration::zero()) {
      loop_.queue().add_after(std::move(key), deps_.options.endpoint_updates_batch_period);
    } else {
      loop_.queue().add(std::move(key));
    }
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> write(rt::Context ctx, Endpoints next, bool exists);
  rt::Task<Result<Unit>> remove(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Service> services_;
  client::Informer<Endpoints> endpoints_;
  objects::Written<Endpoints> written_;
  services::TriggerTimes triggers_;
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> EndpointsController::remove(rt::Context ctx, std::string key) {
  triggers_.forget(key);
  if (endpoints_.get(key) == nullptr) co_return Unit{};
  const auto parts = client::split_key(key);
  auto gone = co_await deps_.client.remove<Endpoints>(std::move(ctx), std::string(parts.namespace_name), std::string(parts.name));
  if (!gone && gone.error().reason != Reason::NotFound) co_return Unexpected(std::move(gone).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> EndpointsController::write(rt::Context ctx, Endpoints next, bool exists) {
  auto done =
      exists ? deps_.client.update<Endpoints>(std::move(ctx), std::move(next)) : deps_.client.create<Endpoints>(std::move(ctx), std::move(next));
  auto written = co_await done;
  if (!written) {
    if (pods::is_namespace_terminating(written.error())) co_return Unit{};
    co_return Unexpected(std::move(written).error());
  }
  written_.remember(std::move(*written));
  co_return Unit{};
}

rt::Task<Result<Unit>> EndpointsController::sync(rt::Context ctx, std::string key) {
  const auto service = services_.get(key);
  if (service == nullptr) co_return co_await remove(std::move(ctx), std::move(key));
  if (service->spec.selector.empty() || service->spec.type == "ExternalName") co_return Unit{};
  const std::vector<pods::PodPtr> pods = services::pods_of(*service, deps_.pods);
  const api::Time triggered = triggers_.next(key, *service, pods);
  EndpointsPtr current = endpoints_.get(key);
  if (current != nullptr) {
    current = written_.newest(current);
  } else {
    for (const EndpointsPtr& unseen : written_.unseen(service->metadata.namespace_))
      if (unseen->metadata.name == service->metadata.name) current = unseen;
  }
  const bool exists = current != nullptr;
  const Endpoints before = exists ? *current : Endpoints{};
  CO_TRY_ASSIGN(Endpoints next, contained([&] { return plan_endpoints(*service, pods, before); }));
  if (exists && !differ(*current, next)) co_return Unit{};
  services::set_trigger_time(next.metadata.annotations, triggered);
  auto written = co_await write(std::move(ctx), std::move(next), exists);
  if (!written && written.error().reason == Reason::Forbidden && !exists)
    deps_.events.warning(*service, "FailedToCreateEndpoint", "Failed to create endpoint for service " + key + ": " + written.error().message);
  co_return std::move(written);
}

}  // namespace

std::unique_ptr<Controller> make_endpoints_controller(ControllerDeps deps) { return std::make_unique<EndpointsController>(std::move(deps)); }

}  // namespace pintle::controller::endpoints

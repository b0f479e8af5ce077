#include "controller/endpointslice/controller.h"

#include "client/work_queue.h"
#include "controller/endpointslice/plan.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_control.h"
#include "controller/services/service_pods.h"

namespace pintle::controller::endpointslice {

using api::core_v1::Node;
using api::core_v1::Service;

namespace {

class EndpointSliceController final : public Controller {
 public:
  explicit EndpointSliceController(ControllerDeps deps)
      : deps_(deps),
        services_(deps.informers.of<Service>()),
        slices_(deps.informers.of<EndpointSlice>()),
        nodes_(deps.informers.of<Node>()),
        written_(slices_),
        loop_(deps.loop("endpoint_slice"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    services::watch_service_pods(services_, deps_.pods, [this](std::string key) { enqueue(std::move(key)); });
    slices_.add_index("service", [](const EndpointSlice& slice) {
      const std::string* name = slice.metadata.labels.get(service_name_label);
      return name ? std::vector<std::string>{client::object_key(slice.metadata.namespace_, *name)} : std::vector<std::string>();
    });
    slices_.on_any([this](const EndpointSlice& slice) {
      const std::string* name = slice.metadata.labels.get(service_name_label);
      if (name != nullptr && is_managed(slice)) enqueue(client::object_key(slice.metadata.namespace_, *name));
    });
    client::Informer<Node>::Handler nodes;
    nodes.on_add = [this](const std::shared_ptr<const Node>& node, bool initial) {
      if (!initial) node_changed(node->metadata.name);
    };
    nodes.on_update = [this](const std::shared_ptr<const Node>& before, const std::shared_ptr<const Node>& after) {
      constexpr std::string_view zone = "topology.kubernetes.io/zone";
      const std::string* old_zone = before->metadata.labels.get(zone);
      const std::string* new_zone = after->metadata.labels.get(zone);
      if ((old_zone ? *old_zone : "") != (new_zone ? *new_zone : "")) node_changed(after->metadata.name);
    };
    nodes_.add_handler(std::move(nodes));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  static bool is_managed(const EndpointSlice& slice) {
    const std::string* by = slice.metadata.labels.get(managed_by_label);
    return by != nullptr && *by == managed_by;
  }
  void enqueue(std::string key) {
    if (deps_.options.endpoint_updates_batch_period > rt::Duration::zero()) {
      loop_.queue().add_after(std::move(key), deps_.options.endpoint_updates_batch_period);
    } else {
      loop_.queue().add(std::move(key));
    }
  }
  void node_changed(const std::string& name) {
    for (const pods::PodPtr& pod : deps_.pods.on_node(name))
      for (const auto& service : services::of_pod(services_, *pod)) enqueue(client::object_key(service->metadata.namespace_, service->metadata.name));
  }
  std::vector<SlicePtr> slices_of(const std::string& key, const Service& service);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> apply(rt::Context ctx, Plan plan, api::Time triggered);

  ControllerDeps deps_;
  client::Informer<Service> services_;
  client::Informer<EndpointSlice> slices_;
  client::Informer<Node> nodes_;
  objects::Written<EndpointSlice> written_;
  services::TriggerTimes triggers_;
  client::ControlLoop loop_;
};

std::vector<SlicePtr> EndpointSliceController::slices_of(const std::string& key, const Service& service) {
  std::vector<SlicePtr> out;
  for (const SlicePtr& slice : slices_.by_index("service", key))
    if (is_managed(*slice) && !slice->metadata.deletion_timestamp) out.push_back(written_.newest(slice));
  for (const SlicePtr& slice : written_.unseen(service.metadata.namespace_))
    if (const std::string* name = slice->metadata.labels.get(service_name_label); name != nullptr && *name == service.metadata.name)
      out.push_back(slice);
  return out;
}

rt::Task<Result<Unit>> EndpointSliceController::apply(rt::Context ctx, Plan plan, api::Time triggered) {
  for (EndpointSlice& slice : plan.create) {
    services::set_trigger_time(slice.metadata.annotations, triggered);
    auto made = co_await deps_.client.create<EndpointSlice>(ctx, std::move(slice));
    if (!made && pods::is_namespace_terminating(made.error())) co_return Unit{};
    if (!made) co_return Unexpected(std::move(made).error());
    written_.remember(std::move(*made));
  }
  for (EndpointSlice& slice : plan.update) {
    services::set_trigger_time(slice.metadata.annotations, triggered);
    auto done = co_await deps_.client.update<EndpointSlice>(ctx, std::move(slice));
    if (!done) co_return Unexpected(std::move(done).error());
    written_.remember(std::move(*done));
  }
  for (const SlicePtr& slice : plan.remove) {
    auto done = co_await deps_.client.remove<EndpointSlice>(ctx, slice->metadata.namespace_, slice->metadata.name);
    if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> EndpointSliceController::sync(rt::Context ctx, std::string key) {
  const auto service = services_.get(key);
  if (service == nullptr) {
    triggers_.forget(key);
    co_return Unit{};  // its slices go with it, by their owner reference
  }
  if (service->spec.type == "ExternalName" || service->spec.selector.empty()) co_return Unit{};
  const std::vector<pods::PodPtr> pods = services::pods_of(*service, deps_.pods);
  const std::vector<SlicePtr> slices = slices_of(key, *service);
  const api::Time triggered = triggers_.next(key, *service, pods);
  Observed observed{*service, pods, slices, [this](const std::string& name) { return nodes_.get(name); },
                    static_cast<std::size_t>(deps_.options.max_endpoints_per_slice)};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_slices(observed); }));
  auto done = co_await apply(std::move(ctx), std::move(plan), triggered);
  if (!done) {
    if (done.error().reason != Reason::Conflict && done.error().reason != Reason::NotFound)
      deps_.events.warning(
          *service, "FailedToUpdateEndpointSlices",
          "Error updating Endpoint Slices for Service " + service->metadata.namespace_ + "/" + service->metadata.name + ": " + done.error().message);
    co_return std::move(done);
  }
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_endpointslice_controller(ControllerDeps deps) { return std::make_unique<EndpointSliceController>(std::move(deps)); }

}  // namespace pintle::controller::endpointslice

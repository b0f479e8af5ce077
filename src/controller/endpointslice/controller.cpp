#include "controller/endpointslice/controller.h"

#include "base/strings.h"
#include "client/work_queue.h"
#include "controller/endpointslice/plan.h"
#include "controller/framework/slice_metrics.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_control.h"
#include "controller/services/service_pods.h"

namespace pintle::controller::endpointslice {

using api::core_v1::Node;
using api::core_v1::Service;

namespace {

constexpr SliceMetricNames metric_names{"endpoint_slice_controller_endpoints_added_per_sync", "endpoint_slice_controller_endpoints_removed_per_sync",
                                        "endpoint_slice_controller_endpoints_desired",        "endpoint_slice_controller_num_endpoint_slices",
                                        "endpoint_slice_controller_desired_endpoint_slices",  "endpoint_slice_controller_changes"};
constexpr double changed_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
constexpr std::string_view distributions[] = {"PreferClose", "PreferSameZone", "PreferSameNode"};

// "": nothing that is known here.
std::string distribution_of(const Service& service) {
  const std::string wish = service.spec.traffic_distribution.value_or("");
  return contains(distributions, wish) ? wish : "";
}

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
  rt::Task<Result<Unit>> settle(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> apply(rt::Context ctx, Plan plan, api::Time triggered);
  void forget(const std::string& key) {
    triggers_.forget(key);
    metrics_.forget(key);
    distributions_.erase(key);
  }

  ControllerDeps deps_;
  client::Informer<Service> services_;
  client::Informer<EndpointSlice> slices_;
  client::Informer<Node> nodes_;
  objects::Written<EndpointSlice> written_;
  services::TriggerTimes triggers_;
  SliceMetrics metrics_{deps_.families, metric_names};
  component::metrics::CounterVec& syncs_ = deps_.families.counters("endpoint_slice_controller_syncs", "Rounds over a Service.", {"result"});
  component::metrics::HistogramVec& changed_ =
      deps_.families.histograms("endpoint_slice_controller_endpointslices_changed_per_sync", "Slices that a round writes.", changed_bounds,
                                {"topology", "traffic_distribution"});
  Tally distributions_{deps_.families.gauges("endpoint_slice_controller_services_count_by_traffic_distribution",
                                             "Services that ask for a distribution of their traffic.", {"traffic_distribution"})};
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
    metrics_.changes.with({"create"}).add();
  }
  for (EndpointSlice& slice : plan.update) {
    services::set_trigger_time(slice.metadata.annotations, triggered);
    auto done = co_await deps_.client.update<EndpointSlice>(ctx, std::move(slice));
    if (!done) co_return Unexpected(std::move(done).error());
    written_.remember(std::move(*done));
    metrics_.changes.with({"update"}).add();
  }
  for (const SlicePtr& slice : plan.remove) {
    auto done = co_await deps_.client.remove<EndpointSlice>(ctx, slice->metadata.namespace_, slice->metadata.name);
    if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
    metrics_.changes.with({"delete"}).add();
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> EndpointSliceController::sync(rt::Context ctx, std::string key) {
  auto done = co_await settle(std::move(ctx), std::move(key));
  syncs_.with({done ? "success" : "error"}).add();
  co_return std::move(done);
}

rt::Task<Result<Unit>> EndpointSliceController::settle(rt::Context ctx, std::string key) {
  const auto service = services_.get(key);
  if (service == nullptr || service->spec.type == "ExternalName" || service->spec.selector.empty()) {
    forget(key);
    co_return Unit{};  // the slices of a Service that is gone go with it, by their owner reference
  }
  const std::string distribution = distribution_of(*service);
  if (distribution.empty()) {
    distributions_.erase(key);
  } else {
    distributions_.put(key, {distribution});
  }
  const std::vector<pods::PodPtr> pods = services::pods_of(*service, deps_.pods);
  const std::vector<SlicePtr> slices = slices_of(key, *service);
  const api::Time triggered = triggers_.next(key, *service, pods);
  Observed observed{*service, pods, slices, [this](const std::string& name) { return nodes_.get(name); },
                    static_cast<std::size_t>(deps_.options.max_endpoints_per_slice)};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_slices(observed); }));
  metrics_.planned(key, plan.census);
  const std::size_t changes = plan.create.size() + plan.update.size() + plan.remove.size();
  auto done = co_await apply(std::move(ctx), std::move(plan), triggered);
  if (!done) {
    if (done.error().reason != Reason::Conflict && done.error().reason != Reason::NotFound)
      deps_.events.warning(
          *service, "FailedToUpdateEndpointSlices",
          "Error updating Endpoint Slices for Service " + service->metadata.namespace_ + "/" + service->metadata.name + ": " + done.error().message);
    co_return std::move(done);
  }
  changed_.with({"Disabled", distribution}).observe(static_cast<double>(changes));
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_endpointslice_controller(ControllerDeps deps) { return std::make_unique<EndpointSliceController>(std::move(deps)); }

}  // namespace pintle::controller::endpointslice

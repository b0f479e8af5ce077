#include "client/work_queue.h"
#include "controller/endpoints/controller.h"
#include "controller/endpoints/plan.h"
#include "controller/framework/slice_metrics.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_control.h"
#include "rt/seconds.h"

namespace pintle::controller::endpoints {

using api::core_v1::Service;
using EndpointsPtr = std::shared_ptr<const Endpoints>;

namespace {

constexpr std::string_view service_name_label = "kubernetes.io/service-name";
constexpr std::string_view slice_managed_by_label = "endpointslice.kubernetes.io/managed-by";

constexpr SliceMetricNames mirror_metric_names{
    "endpoint_slice_mirroring_controller_endpoints_added_per_sync", "endpoint_slice_mirroring_controller_endpoints_removed_per_sync",
    "endpoint_slice_mirroring_controller_endpoints_desired",        "endpoint_slice_mirroring_controller_num_endpoint_slices",
    "endpoint_slice_mirroring_controller_desired_endpoint_slices",  "endpoint_slice_mirroring_controller_changes"};
constexpr auto mirror_count_bounds = growing_bounds<15>(2, 2), mirror_time_bounds = growing_bounds<15>(0.001, 2);

class MirrorController final : public Controller {
 public:
  explicit MirrorController(ControllerDeps deps)
      : deps_(deps),
        services_(deps.informers.of<Service>()),
        endpoints_(deps.informers.of<Endpoints>()),
        slices_(deps.informers.of<EndpointSlice>()),
        written_(slices_),
        loop_(deps.loop("endpoint_slice_mirroring"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    // Endpoints of our own are not mirrored: most changes end here.
    endpoints_.on_any([this](const Endpoints& e) {
      const std::string* by = e.metadata.labels.get(managed_by_label);
      if (by == nullptr || *by != managed_by) enqueue(e.metadata.namespace_, e.metadata.name);
    });
    services_.on_any([this](const Service& service) {
      if (endpoints_.get(service.metadata.namespace_, service.metadata.name) != nullptr) enqueue(service.metadata.namespace_, service.metadata.name);
    });
    slices_.add_index("mirrored", [](const EndpointSlice& slice) {
      const std::string* by = slice.metadata.labels.get(slice_managed_by_label);
      const std::string* name = slice.metadata.labels.get(service_name_label);
      if (by == nullptr || *by != mirror_manager || name == nullptr) return std::vector<std::string>();
      return std::vector<std::string>{client::object_key(slice.metadata.namespace_, *name)};
    });
    slices_.on_any([this](const EndpointSlice& slice) {
      const std::string* by = slice.metadata.labels.get(slice_managed_by_label);
      const std::string* name = slice.metadata.labels.get(service_name_label);
      if (by != nullptr && *by == mirror_manager && name != nullptr) enqueue(slice.metadata.namespace_, *name);
    });
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void enqueue(const std::string& ns, const std::string& name) { loop_.queue().add(client::object_key(ns, name)); }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> mirror(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> apply(rt::Context ctx, MirrorPlan plan);

  ControllerDeps deps_;
  client::Informer<Service> services_;
  client::Informer<Endpoints> endpoints_;
  client::Informer<EndpointSlice> slices_;
  objects::Written<EndpointSlice> written_;
  SliceMetrics metrics_{deps_.families, mirror_metric_names};
  component::metrics::HistogramVec& updated_ = deps_.families.histograms("endpoint_slice_mirroring_controller_endpoints_updated_per_sync",
                                                                         "Endpoints that a round changes.", mirror_count_bounds, {});
  component::metrics::HistogramVec& skipped_ = deps_.families.histograms("endpoint_slice_mirroring_controller_addresses_skipped_per_sync",
                                                                         "Addresses that a round leaves out.", mirror_count_bounds, {});
  component::metrics::HistogramVec& duration_ = deps_.families.histograms("endpoint_slice_mirroring_controller_endpoints_sync_duration",
                                                                          "Time that a round takes, in seconds.", mirror_time_bounds, {});
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> MirrorController::apply(rt::Context ctx, MirrorPlan plan) {
  for (EndpointSlice& slice : plan.create) {
    auto made = co_await deps_.client.create<EndpointSlice>(ctx, std::move(slice));
    if (!made && pods::is_namespace_terminating(made.error())) co_return Unit{};
    if (!made) co_return Unexpected(std::move(made).error());
    written_.remember(std::move(*made));
    metrics_.changes.with({"create"}).add();
  }
  for (EndpointSlice& slice : plan.update) {
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

rt::Task<Result<Unit>> MirrorController::sync(rt::Context ctx, std::string key) {
  const rt::TimePoint began = deps_.runtime.clock().now();
  auto done = co_await mirror(std::move(ctx), std::move(key));
  duration_.with({}).observe(rt::seconds(deps_.runtime.clock().now() - began));
  co_return std::move(done);
}

rt::Task<Result<Unit>> MirrorController::mirror(rt::Context ctx, std::string key) {
  const EndpointsPtr endpoints = endpoints_.get(key);
  const auto service = services_.get(key);
  std::vector<SlicePtr> slices = slices_.by_index("mirrored", key);
  for (SlicePtr& slice : slices) slice = written_.newest(slice);
  for (const SlicePtr& slice : written_.unseen(client::split_key(key).namespace_name))
    if (const std::string* name = slice->metadata.labels.get(service_name_label); name != nullptr && *name == client::split_key(key).name)
      slices.push_back(slice);
  MirrorPlan plan;
  if (endpoints == nullptr || service == nullptr || !service->spec.selector.empty() || !is_mirrored(*endpoints)) {
    plan.remove = slices;
    metrics_.forget(key);
  } else {
    CO_TRY_ASSIGN(plan, contained([&] { return plan_mirror(*endpoints, slices, deps_.options.mirroring_max_endpoints_per_subset); }));
    metrics_.planned(key, plan.census);
    updated_.with({}).observe(static_cast<double>(plan.census.updated));
    skipped_.with({}).observe(plan.invalid_addresses + plan.skipped_addresses);
    if (plan.invalid_addresses > 0)
      deps_.events.warning(*endpoints, "InvalidIPAddress",
                           "Skipped " + std::to_string(plan.invalid_addresses) + " invalid IP addresses when mirroring to EndpointSlices");
    if (plan.skipped_addresses > 0)
      deps_.events.warning(*endpoints, "TooManyAddressesToMirror",
                           "A max of " + std::to_string(deps_.options.mirroring_max_endpoints_per_subset) +
                               " addresses can be mirrored to EndpointSlices per Endpoints subset. " + std::to_string(plan.skipped_addresses) +
                               " addresses were skipped");
  }
  co_return co_await apply(std::move(ctx), std::move(plan));
}

}  // namespace

std::unique_ptr<Controller> make_endpointslice_mirroring_controller(ControllerDeps deps) {
  return std::make_unique<MirrorController>(std::move(deps));
}

}  // namespace pintle::controller::endpoints

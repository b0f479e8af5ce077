#include "controller/horizontal_pod_autoscaler/controller.h"

#include <map>
#include <optional>
#include <set>

#include "api/codec.h"
#include "client/work_queue.h"
#include "component/log.h"
#include "controller/horizontal_pod_autoscaler/metrics.h"
#include "controller/horizontal_pod_autoscaler/metrics_client.h"
#include "controller/horizontal_pod_autoscaler/plan.h"
#include "controller/horizontal_pod_autoscaler/scale_target.h"
#include "controller/horizontal_pod_autoscaler/selectors.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_store.h"
#include "rt/far_time.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace log = component::log;
using apimachinery::LabelSelector;
using AutoscalerPtr = std::shared_ptr<const HorizontalPodAutoscaler>;

namespace {

constexpr std::size_t usual_workers = 5;

Settings settings_of(const ControllerOptions& options) {
  Settings out;
  out.tolerance = options.horizontal_pod_autoscaler_tolerance;
  out.downscale_window = rt::bounded(options.horizontal_pod_autoscaler_downscale_stabilization);
  out.cpu_initialization_period = rt::bounded(options.horizontal_pod_autoscaler_cpu_initialization_period);
  out.initial_readiness_delay = rt::bounded(options.horizontal_pod_autoscaler_initial_readiness_delay);
  out.configurable_tolerance = options.feature_gates.enabled("HPAConfigurableTolerance");
  out.scale_to_zero = options.feature_gates.enabled("HPAScaleToZero");
  out.pod_level_resources = options.feature_gates.enabled("PodLevelResources");
  return out;
}

// The pods that a target's selector picks.
struct Selection {
  LabelSelector selector;
  std::vector<pods::PodPtr> pods;
  std::optional<Refusal> refusal;
};

// Answers of one look: the pods' use of resources is asked for once, however many metrics are made of it.
using SharedUsage = std::optional<Result<std::vector<PodUsage>>>;

class AutoscalerController final : public Controller {
 public:
  explicit AutoscalerController(ControllerDeps deps)
      : deps_(deps),
        settings_(settings_of(deps.options)),
        period_(deps.options.horizontal_pod_autoscaler_sync_period),
        autoscalers_(deps.informers.of<HorizontalPodAutoscaler>()),
        written_(autoscalers_),
        kinds_(deps.client),
        metrics_(deps.client, kinds_),
        loop_(deps.loop("horizontalpodautoscaler"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<HorizontalPodAutoscaler>::Handler handler;
    handler.on_add = [this](const AutoscalerPtr& autoscaler, bool) {
      told_.appeared(key_of(*autoscaler));
      look_later(key_of(*autoscaler));
    };
    handler.on_update = [this](const AutoscalerPtr&, const AutoscalerPtr& autoscaler) { look_later(key_of(*autoscaler)); };
    handler.on_delete = [this](const AutoscalerPtr& autoscaler) {
      selectors_.remove(key_of(*autoscaler));
      memories_.erase(key_of(*autoscaler));
      told_.gone(key_of(*autoscaler));
    };
    autoscalers_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(deps_.workers(usual_workers)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  static std::string key_of(const HorizontalPodAutoscaler& autoscaler) {
    return client::object_key(autoscaler.metadata.namespace_, autoscaler.metadata.name);
  }
  // At the next period: changes do not hasten it, as each look remembers a recommendation.
  void look_later(std::string key) { loop_.queue().add_after(std::move(key), period_); }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> look(rt::Context ctx, std::string key, AutoscalerPtr autoscaler);
  Selection select(const std::string& key, const std::string& namespace_name, const std::string& selector);
  rt::Task<Result<Measured>> measure(rt::Context ctx, std::string namespace_name, LabelSelector selector, const MetricSpec* spec, SharedUsage& usage);
  History history_of(const std::string& key, const std::string& uid);
  rt::Task<void> tell(rt::Context ctx, AutoscalerPtr autoscaler, Plan plan);

  // What is remembered of an autoscaler, and of no other of its name.
  struct Memory {
    std::string uid;
    History history;
  };

  ControllerDeps deps_;
  const Settings settings_;
  const rt::Duration period_;
  client::Informer<HorizontalPodAutoscaler> autoscalers_;
  objects::Written<HorizontalPodAutoscaler> written_;
  Kinds kinds_;
  MetricsClient metrics_;
  Metrics told_{deps_.families};  // of our own work
  Selectors selectors_;           // of targets that were looked at
  std::map<std::string, Memory> memories_;
  client::ControlLoop loop_;
};

// Of pods with the same labels one is asked about.
Selection AutoscalerController::select(const std::string& key, const std::string& namespace_name, const std::string& selector) {
  Selection out;
  if (selector.empty()) {
    out.refusal = no_selector();
    return out;
  }
  auto parsed = LabelSelector::parse(selector);
  if (!parsed) {
    out.refusal = bad_selector(parsed.error());
    return out;
  }
  out.selector = std::move(*parsed);
  if (autoscalers_.get(key) != nullptr) selectors_.put(key, out.selector);
  std::set<std::string> keys;
  for (pods::PodPtr& pod : deps_.pods.selected(namespace_name, out.selector)) {
    if (out.pods.empty() || out.pods.back()->metadata.labels != pod->metadata.labels)
      selectors_.add_picking(namespace_name, pod->metadata.labels, keys);
    out.pods.push_back(std::move(pod));
  }
  if (keys.size() > 1) out.refusal = shared_selector(selector, std::vector<std::string>(keys.begin(), keys.end()));
  return out;
}

rt::Task<Result<Measured>> AutoscalerController::measure(rt::Context ctx, std::string namespace_name, LabelSelector selector, const MetricSpec* spec,
                                                         SharedUsage& usage) {
  Measured out;
  if (spec->resource || spec->container_resource) {
    if (!usage) usage = co_await metrics_.pod_usage(std::move(ctx), std::move(namespace_name), std::move(selector));
    if (!*usage) co_return Unexpected(usage->error());
    const std::string container = spec->container_resource ? spec->container_resource->container : "";
    out.pods = resource_samples(**usage, spec->container_resource ? spec->container_resource->name : spec->resource->name, container);
  } else if (spec->pods) {
    CO_TRY_ASSIGN(out.pods, co_await metrics_.pods_metric(std::move(ctx), std::move(namespace_name), std::move(selector), spec->pods->metric));
  } else if (spec->object) {
    auto value = co_await metrics_.object_metric(std::move(ctx), std::move(namespace_name), spec->object->described_object, spec->object->metric);
    if (!value) co_return Unexpected(std::move(value).error());
    out.values.push_back(*value);
  } else if (spec->external) {
    CO_TRY_ASSIGN(out.values, co_await metrics_.external_metric(std::move(ctx), std::move(namespace_name), spec->external->metric));
  }
  co_return std::move(out);
}

History AutoscalerController::history_of(const std::string& key, const std::string& uid) {
  const auto memory = memories_.find(key);
  return memory != memories_.end() && memory->second.uid == uid ? memory->second.history : History();
}

rt::Task<void> AutoscalerController::tell(rt::Context ctx, AutoscalerPtr autoscaler, Plan plan) {
  for (Event& event : plan.events) {
    if (event.warning)
      deps_.events.warning(*autoscaler, event.reason, std::move(event.message));
    else
      deps_.events.normal(*autoscaler, event.reason, std::move(event.message));
  }
  if (api::equal(api::type_of<HorizontalPodAutoscalerStatus>(), &plan.status, &autoscaler->status)) co_return;
  HorizontalPodAutoscaler copy = *autoscaler;
  copy.status = std::move(plan.status);
  auto written = co_await deps_.client.update_status<HorizontalPodAutoscaler>(std::move(ctx), std::move(copy));
  if (written) {
    written_.remember(std::move(*written));
  } else if (written.error().reason != Reason::NotFound && written.error().reason != Reason::Cancelled) {
    deps_.events.warning(*autoscaler, "FailedUpdateStatus", written.error().message);
    log::info(2, "The status of an autoscaler is not written", {{"autoscaler", key_of(*autoscaler)}, {"err", written.error().message}});
  }
}

rt::Task<Result<Unit>> AutoscalerController::look(rt::Context ctx, std::string key, AutoscalerPtr autoscaler) {
  const std::string& namespace_name = autoscaler->metadata.namespace_;
  const rt::TimePoint began = deps_.runtime.clock().now();
  std::vector<rt::Duration> measuring;
  auto scale = co_await get_scale(deps_.client, kinds_, ctx, namespace_name, autoscaler->spec.scale_target_ref);
  if (ctx.done()) co_return Unit{};
  if (!scale) {
    CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_unreachable(*autoscaler, scale.error(), deps_.runtime.clock().wall_now()); }));
    told_.looked(key, *autoscaler, plan, measuring, deps_.runtime.clock().now() - began);
    co_await tell(std::move(ctx), autoscaler, std::move(plan));
    co_return Unit{};
  }
  Selection selection;
  std::vector<Result<Measured>> measured;
  if (needs_metrics(*autoscaler, scale->wanted, settings_)) {
    CO_TRY_ASSIGN(selection, contained([&] { return select(key, namespace_name, scale->selector); }));
    SharedUsage usage;
    if (!selection.refusal)
      for (const MetricSpec& spec : autoscaler->spec.metrics) {
        const rt::TimePoint asked = deps_.runtime.clock().now();
        auto one = co_await measure(ctx, namespace_name, selection.selector, &spec, usage);
        measuring.push_back(deps_.runtime.clock().now() - asked);
        measured.push_back(std::move(one));
      }
    if (ctx.done()) co_return Unit{};
  }
  const Workload workload{selection.pods, scale->wanted, scale->actual};
  const Refusal* refusal = selection.refusal ? &*selection.refusal : nullptr;
  const Observed seen{*autoscaler, workload, refusal, measured, settings_, deps_.runtime.clock().now(), deps_.runtime.clock().wall_now()};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_autoscaler(seen, history_of(key, autoscaler->metadata.uid)); }));
  if (plan.rescale) {
    const auto outcome = co_await put_scale(deps_.client, ctx, std::move(*scale), plan.rescale->to);
    if (!outcome && ctx.done()) co_return Unit{};
    CO_TRY_ASSIGN(plan, contained([&] { return conclude_rescale(std::move(plan), seen, outcome); }));
  }
  if (autoscalers_.get(key) != nullptr) {
    memories_[key] = {autoscaler->metadata.uid, plan.history};
    told_.looked(key, *autoscaler, plan, measuring, deps_.runtime.clock().now() - began);
  }
  co_await tell(std::move(ctx), autoscaler, std::move(plan));
  co_return Unit{};
}

rt::Task<Result<Unit>> AutoscalerController::sync(rt::Context ctx, std::string key) {
  const AutoscalerPtr autoscaler = autoscalers_.get(key);
  if (autoscaler == nullptr) co_return Unit{};
  auto done = co_await look(std::move(ctx), key, written_.newest(autoscaler));
  if (autoscalers_.get(key) != nullptr) look_later(key);
  co_return std::move(done);
}

}  // namespace

std::unique_ptr<Controller> make_horizontal_pod_autoscaler(ControllerDeps deps) { return std::make_unique<AutoscalerController>(std::move(deps)); }

}  // namespace pintle::controller::horizontal_pod_autoscaler

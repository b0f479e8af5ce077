#include "controller/root_ca/controller.h"

#include "client/work_queue.h"
#include "controller/pods/pod_control.h"
#include "rt/seconds.h"

namespace pintle::controller::root_ca {

using api::core_v1::ConfigMap;
using api::core_v1::Namespace;

namespace {

constexpr std::string_view map_name = "kube-root-ca.crt";
constexpr std::string_view data_key = "ca.crt";
constexpr std::string_view description_annotation = "kubernetes.io/description";
constexpr std::string_view description =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or "
    "kubernetes.default.svc. "
    "No other usage is guaranteed across distributions of Kubernetes clusters.";

client::InformerOptions only_root_ca() {
  client::InformerOptions options;
  options.field_selector = "metadata.name=" + std::string(map_name);
  return options;
}

constexpr auto sync_bounds = growing_bounds<15>(0.001, 2);  // seconds

class RootCaPublisher final : public Controller {
 public:
  explicit RootCaPublisher(ControllerDeps deps)
      : deps_(deps),
        namespaces_(deps.informers.of<Namespace>()),
        maps_(deps.informers.of<ConfigMap>(std::string(map_name), only_root_ca())),
        loop_(deps.loop("root_ca_cert_publisher"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Namespace>::Handler handler;
    handler.on_add = [this](const std::shared_ptr<const Namespace>& ns, bool) { loop_.queue().add(ns->metadata.name); };
    handler.on_update = [this](const auto&, const std::shared_ptr<const Namespace>& ns) { loop_.queue().add(ns->metadata.name); };
    namespaces_.add_handler(std::move(handler));
    client::Informer<ConfigMap>::Handler maps;
    maps.on_update = [this](const auto&, const std::shared_ptr<const ConfigMap>& map) { loop_.queue().add(map->metadata.namespace_); };
    maps.on_delete = [this](const std::shared_ptr<const ConfigMap>& map) { loop_.queue().add(map->metadata.namespace_); };
    maps_.add_handler(std::move(maps));
  }
  void start() override {
    if (!deps_.options.root_ca_pem.empty()) loop_.start(deps_.workers(1));
  }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> publish(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> create(rt::Context ctx, std::string namespace_name);

  ControllerDeps deps_;
  client::Informer<Namespace> namespaces_;
  client::Informer<ConfigMap> maps_;
  component::metrics::CounterVec& syncs_ = deps_.families.counters("root_ca_cert_publisher_sync_total", "Namespaces that were looked at.", {"code"});
  component::metrics::HistogramVec& sync_duration_ =
      deps_.families.histograms("root_ca_cert_publisher_sync_duration_seconds", "Time that a look at a namespace took.", sync_bounds, {"code"});
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> RootCaPublisher::create(rt::Context ctx, std::string namespace_name) {
  ConfigMap map;
  map.metadata.namespace_ = std::move(namespace_name);
  map.metadata.name = map_name;
  map.metadata.annotations[description_annotation] = description;
  map.data[data_key] = deps_.options.root_ca_pem;
  auto made = co_await deps_.client.create<ConfigMap>(std::move(ctx), std::move(map));
  if (made || made.error().reason == Reason::AlreadyExists || made.error().reason == Reason::NotFound || pods::is_namespace_terminating(made.error()))
    co_return Unit{};
  co_return Unexpected(std::move(made).error());
}

rt::Task<Result<Unit>> RootCaPublisher::sync(rt::Context ctx, std::string key) {
  const rt::TimePoint began = deps_.runtime.clock().now();
  auto done = co_await publish(std::move(ctx), std::move(key));
  const std::string code = std::to_string(done ? 200 : done.error().http());
  sync_duration_.with({code}).observe(rt::seconds(deps_.runtime.clock().now() - began));
  syncs_.with({code}).add();
  co_return std::move(done);
}

rt::Task<Result<Unit>> RootCaPublisher::publish(rt::Context ctx, std::string key) {
  const auto ns = namespaces_.get(key);
  if (ns == nullptr || ns->status.phase == "Terminating" || ns->metadata.deletion_timestamp) co_return Unit{};
  const auto map = maps_.get(key, map_name);
  if (map == nullptr) co_return co_await create(std::move(ctx), std::move(key));
  const std::string* said = map->metadata.annotations.get(description_annotation);
  const std::string* data = map->data.get(data_key);
  if (data != nullptr && *data == deps_.options.root_ca_pem && map->data.size() == 1 && said != nullptr && !said->empty()) co_return Unit{};
  ConfigMap copy = *map;
  copy.data.clear();
  copy.data[data_key] = deps_.options.root_ca_pem;
  if (said == nullptr || said->empty()) copy.metadata.annotations[description_annotation] = description;
  auto written = co_await deps_.client.update<ConfigMap>(std::move(ctx), std::move(copy));
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_root_ca_publisher(ControllerDeps deps) { return std::make_unique<RootCaPublisher>(std::move(deps)); }

}  // namespace pintle::controller::root_ca

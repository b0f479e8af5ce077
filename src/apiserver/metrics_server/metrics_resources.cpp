#include "apiserver/metrics_server/metrics_resources.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/gen/core_v1.h"
#include "apimachinery/clock_time.h"
#include "apiserver/types/errors.h"
#include "apiserver/types/registry.h"
#include "base/check.h"

namespace pintle::apiserver::metrics_server {

namespace {

namespace metrics = api::metrics_v1beta1;
using metrics::NodeMetrics;
using metrics::PodMetrics;
using registry::TableCells;

const GroupResource measured_nodes{"", "nodes"};
const GroupResource measured_pods{"", "pods"};

constexpr int64_t millis_of_second = 1000, nanos_of_milli = 1'000'000;
constexpr std::string_view usage_names[] = {"cpu", "memory", "swap"};

api::Quantity quantity(const std::string& text) {
  auto parsed = api::Quantity::parse(text);
  CHECK(parsed, "a number is a quantity");
  return std::move(*parsed);
}

// By the largest power of 1024 that divides it.
api::Quantity byte_quantity(uint64_t bytes) {
  constexpr std::string_view suffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  std::size_t power = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && power + 1 < std::size(suffixes); ++power) bytes /= 1024;
  return quantity(fmt::format("{}{}", bytes, suffixes[power]));
}

api::Time time_of(int64_t ms) { return api::time_from_unix(ms / millis_of_second, static_cast<int32_t>(ms % millis_of_second * nanos_of_milli)); }

void add_usage(const FlatMap<api::Quantity>& usage, api::Duration window, TableCells& cells) {
  for (const std::string_view name : usage_names) {
    const api::Quantity* value = usage.get(name);
    cells.emplace_back(value ? value->text() : "0");
  }
  cells.emplace_back(api::format_duration(window));
}

class NodeMetricsStrategy final : public registry::TypedStrategy<NodeMetrics> {
 public:
  void table_cells(const NodeMetrics& object, TableCells& cells) const override {
    cells.emplace_back(object.metadata.name);
    add_usage(object.usage, object.window, cells);
  }
};

class PodMetricsStrategy final : public registry::TypedStrategy<PodMetrics> {
 public:
  void table_cells(const PodMetrics& object, TableCells& cells) const override {
    cells.emplace_back(object.metadata.name);
    FlatMap<api::Quantity> sums;
    for (const auto& container : object.containers)
      for (const auto& [name, value] : container.usage) sums[name] = sums[name] + value;
    add_usage(sums, object.window, cells);
  }
};

// Name, labels and the moment of asking, of an object that is measured.
template <class Labels>
api::meta_v1::ObjectMeta metadata_of(const RequestScope& scope, std::string_view ns, std::string_view name, const Labels& labels) {
  api::meta_v1::ObjectMeta out;
  out.namespace_ = ns;
  out.name = name;
  out.creation_timestamp = apimachinery::to_api_time(scope.now);
  for (const auto& [key, value] : labels) out.labels[key] = value;
  return out;
}

class NodeMetricsResource final : public registry::VirtualResource {
 public:
  explicit NodeMetricsResource(std::shared_ptr<Readings> readings) : readings_(std::move(readings)) {}

  rt::Task<Result<api::Object>> get(RequestScope& scope, std::string name) override {
    readings_->note_asked();
    CO_TRY_ASSIGN(const api::Object node, scope.registry->reader().get(measured_nodes, "", name));
    const auto samples = readings_->present(name);
    const auto used = samples ? samples->node() : std::nullopt;
    if (!used) co_return Unexpected(errors::not_found({std::string(group), "nodemetrics"}, name));
    NodeMetrics out;
    out.metadata = metadata_of(scope, "", name, node.as<api::core_v1::Node>().metadata.labels);
    fill(out, *used);
    co_return api::Object::of(std::move(out));
  }
  rt::Task<Result<std::vector<api::Object>>> list(RequestScope& scope, apimachinery::LabelSelector labels) override {
    readings_->note_asked();
    std::vector<api::Object> out;
    for (const auto& node : scope.registry->reader().list(measured_nodes, "")) {
      const auto& header = node->header();
      if (!labels.matches(header.labels)) continue;
      const auto samples = readings_->present(header.name);
      const auto used = samples ? samples->node() : std::nullopt;
      if (!used) continue;
      NodeMetrics one;
      one.metadata = metadata_of(scope, "", header.name, header.labels);
      fill(one, *used);
      out.push_back(api::Object::of(std::move(one)));
    }
    co_return out;
  }

 private:
  const std::shared_ptr<Readings> readings_;
};

class PodMetricsResource final : public registry::VirtualResource {
 public:
  explicit PodMetricsResource(std::shared_ptr<Readings> readings) : readings_(std::move(readings)) {}

  rt::Task<Result<api::Object>> get(RequestScope& scope, std::string name) override {
    readings_->note_asked();
    CO_TRY_ASSIGN(const api::Object found, scope.registry->reader().get(measured_pods, scope.ns, name));
    const auto& pod = found.as<api::core_v1::Pod>();
    const auto samples = pod.status.phase == "Running" ? readings_->present(pod.spec.node_name) : nullptr;
    const auto containers = samples ? samples->pod(scope.ns, name) : std::vector<NodeSamples::Container>();
    if (containers.empty()) co_return Unexpected(errors::not_found({std::string(group), "podmetrics"}, scope.ns + "/" + name));
    PodMetrics out;
    out.metadata = metadata_of(scope, scope.ns, name, pod.metadata.labels);
    fill(out, containers);
    co_return api::Object::of(std::move(out));
  }
  rt::Task<Result<std::vector<api::Object>>> list(RequestScope& scope, apimachinery::LabelSelector labels) override {
    readings_->note_asked();
    std::vector<api::Object> out;
    for (const auto& pod : scope.registry->reader().list(measured_pods, scope.ns)) {
      const auto& header = pod->header();
      const std::string_view *phase = header.fields.get("status.phase"), *node = header.fields.get("spec.nodeName");
      if (phase == nullptr || *phase != "Running" || node == nullptr || !labels.matches(header.labels)) continue;
      const auto samples = readings_->present(*node);
      const auto containers = samples ? samples->pod(header.ns, header.name) : std::vector<NodeSamples::Container>();
      if (containers.empty()) continue;
      PodMetrics one;
      one.metadata = metadata_of(scope, header.ns, header.name, header.labels);
      fill(one, containers);
      out.push_back(api::Object::of(std::move(one)));
    }
    co_return out;
  }

 private:
  const std::shared_ptr<Readings> readings_;
};

registry::ResourceDefinition definition(std::string resource, std::shared_ptr<const registry::Strategy> strategy,
                                        std::shared_ptr<registry::VirtualResource> source) {
  registry::ResourceDefinition out;
  out.resource = {std::string(group), std::move(resource)};
  out.storage_version = version;
  out.versions = {{group, version}};
  out.strategy = std::move(strategy);
  out.virtual_resource = std::move(source);
  return out;
}

}  // namespace

FlatMap<api::Quantity> usage_of(const Usage& usage) {
  FlatMap<api::Quantity> out;
  out["cpu"] = quantity(fmt::format("{}n", usage.cpu_nanocores));
  out["memory"] = byte_quantity(usage.memory_bytes);
  out["swap"] = byte_quantity(usage.swap_bytes);
  return out;
}

void fill(PodMetrics& out, const std::vector<NodeSamples::Container>& containers) {
  const auto& first = std::ranges::min(containers, {}, [](const auto& one) { return one.usage.time_ms; });
  out.timestamp = time_of(first.usage.time_ms);
  out.window = {first.usage.window_ms * nanos_of_milli};
  for (const auto& [name, usage] : containers) {
    auto& container = out.containers.emplace_back();
    container.name = name;
    container.usage = usage_of(usage);
  }
}

void fill(NodeMetrics& out, const Usage& usage) {
  out.timestamp = time_of(usage.time_ms);
  out.window = {usage.window_ms * nanos_of_milli};
  out.usage = usage_of(usage);
}

std::vector<registry::ResourceDefinition> metrics_resources(std::shared_ptr<Readings> readings) {
  std::vector<registry::ResourceDefinition> out;
  out.push_back(definition("nodes", std::make_shared<NodeMetricsStrategy>(), std::make_shared<NodeMetricsResource>(readings)));
  out.push_back(definition("pods", std::make_shared<PodMetricsStrategy>(), std::make_shared<PodMetricsResource>(std::move(readings))));
  return out;
}

}  // namespace pintle::apiserver::metrics_server

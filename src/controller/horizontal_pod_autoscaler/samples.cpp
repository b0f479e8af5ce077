#include "controller/horizontal_pod_autoscaler/samples.h"

#include <limits>

#include "api/values.h"
#include "apimachinery/clock_time.h"
#include "codec/json.h"
#include "rt/far_time.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

constexpr rt::Duration usual_window = std::chrono::minutes(1);  // of a custom metric that states none

Unexpected<Status> malformed(std::string_view what, const Status& why) { return bad_request(std::string(what) + ": " + why.message); }

Result<int64_t> read_milli(const codec::Value* value) {
  if (value == nullptr || value->is_null()) return 0;
  if (!value->is_string() && !value->is_number()) return bad_request("a quantity is a text or a number");
  TRY_ASSIGN(const api::Quantity quantity, api::Quantity::parse(value->is_string() ? value->as_string() : codec::to_json(*value)));
  return quantity.milli_value();
}

Result<rt::WallTime> read_time(const codec::Value& item) {
  const codec::Value* value = item.find("timestamp");
  if (value == nullptr || value->is_null()) return rt::WallTime();
  if (!value->is_string()) return bad_request("timestamp: a time is a text");
  auto time = api::parse_time(value->as_string());
  if (!time) return malformed("timestamp", time.error());
  return apimachinery::to_wall_time(*time);
}

// Every element of the list, each an object.
Result<const codec::Value::Array*> items_of(const codec::Value& list, std::string_view key, std::size_t most) {
  static const codec::Value::Array none;
  if (!list.is_object()) return bad_request("no list");
  const codec::Value* items = list.find(key);
  if (items == nullptr || items->is_null()) return &none;
  if (!items->is_array()) return bad_request(std::string(key) + ": no list");
  if (items->as_array().size() > most)
    return error(Reason::RequestEntityTooLarge, std::string(key) + ": more than " + std::to_string(most) + " elements");
  for (const codec::Value& item : items->as_array())
    if (!item.is_object()) return bad_request(std::string(key) + ": an element is no object");
  return &items->as_array();
}

Result<ContainerUsage> read_container(const codec::Value& value) {
  ContainerUsage out;
  out.name = value.string_at("name");
  const codec::Value* usage = value.find("usage");
  if (usage == nullptr || usage->is_null()) return out;
  if (!usage->is_object()) return bad_request("usage: no object");
  if (usage->as_object().size() > container_values_max)
    return error(Reason::RequestEntityTooLarge, "usage: more than " + std::to_string(container_values_max) + " resources");
  for (const auto& [resource, amount] : usage->as_object()) {
    auto milli = read_milli(&amount);
    if (!milli) return malformed("usage." + resource, milli.error());
    out.milli[resource] = *milli;
  }
  return out;
}

Result<PodUsage> read_pod(const codec::Value& item) {
  PodUsage out;
  if (const codec::Value* metadata = item.find("metadata")) out.pod = metadata->string_at("name");
  TRY_ASSIGN(out.time, read_time(item));
  if (const std::string_view window = item.string_at("window"); !window.empty()) {
    auto read = api::parse_duration(window);
    if (!read) return malformed("window", read.error());
    out.window = rt::bounded(rt::Duration(read->nanos));
  }
  TRY_ASSIGN(const codec::Value::Array* containers, items_of(item, "containers", containers_max));
  for (const codec::Value& container : *containers) {
    auto read = read_container(container);
    if (!read) return malformed("containers", read.error());
    out.containers.push_back(std::move(*read));
  }
  return out;
}

Result<MetricValue> read_value(const codec::Value& item) {
  MetricValue out;
  if (const codec::Value* described = item.find("describedObject")) out.object = described->string_at("name");
  TRY_ASSIGN(out.time, read_time(item));
  const codec::Value* window = item.find("windowSeconds");
  if (window == nullptr) window = item.find("window");
  if (window != nullptr && window->is_int()) out.window = rt::seconds_of(window->as_int());
  auto milli = read_milli(item.find("value"));
  if (!milli) return malformed("value", milli.error());
  out.milli = *milli;
  return out;
}

}  // namespace

int64_t saturated_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

Result<std::vector<PodUsage>> read_pod_usage(const codec::Value& list) {
  TRY_ASSIGN(const codec::Value::Array* items, items_of(list, "items", samples_max));
  std::vector<PodUsage> out;
  out.reserve(items->size());
  for (const codec::Value& item : *items) {
    auto read = read_pod(item);
    if (!read) return malformed("items[" + std::to_string(out.size()) + "]", read.error());
    out.push_back(std::move(*read));
  }
  return out;
}

Result<std::vector<MetricValue>> read_metric_values(const codec::Value& list) {
  TRY_ASSIGN(const codec::Value::Array* items, items_of(list, "items", samples_max));
  std::vector<MetricValue> out;
  out.reserve(items->size());
  for (const codec::Value& item : *items) {
    auto read = read_value(item);
    if (!read) return malformed("items[" + std::to_string(out.size()) + "]", read.error());
    out.push_back(std::move(*read));
  }
  return out;
}

PodSamples resource_samples(const std::vector<PodUsage>& usage, std::string_view resource, std::string_view container) {
  PodSamples out;
  for (const PodUsage& pod : usage) {
    std::optional<int64_t> sum;
    for (const ContainerUsage& one : pod.containers) {
      if (!container.empty() && one.name != container) continue;
      const auto found = one.milli.find(resource);
      if (found == one.milli.end()) {
        sum.reset();
        break;
      }
      sum = saturated_sum(sum.value_or(0), found->second);
      if (!container.empty()) break;
    }
    if (sum) out[pod.pod] = {pod.time, pod.window, *sum};
  }
  return out;
}

PodSamples pod_samples(const std::vector<MetricValue>& values) {
  PodSamples out;
  for (const MetricValue& value : values) out[value.object] = {value.time, value.window.value_or(usual_window), value.milli};
  return out;
}

}  // namespace pintle::controller::horizontal_pod_autoscaler

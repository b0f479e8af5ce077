#include <algorithm>
#include <set>

#include <re2/re2.h>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resource/resource.h"

namespace pintle::apiserver::resources::device {
namespace {

constexpr std::size_t devices_max = 128;
constexpr std::size_t advanced_devices_max = 64;  // with taints, counters or lists
constexpr std::size_t counter_sets_max = 8;
constexpr std::size_t counters_max = 32;
constexpr std::size_t consumptions_max = 2;
constexpr std::size_t attributes_and_capacities_max = 32;
constexpr std::size_t attribute_values_max = 48;
constexpr std::size_t attribute_bytes_max = 64;
constexpr std::size_t taints_max = 16;
constexpr std::size_t valid_values_max = 10;

void validate_version(const std::string& text, const FieldPath& path, FieldErrors& errors) {
  static const re2::RE2 semver(
      R"(^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$)");
  if (!re2::RE2::FullMatch(text, semver)) errors.invalid(path, text, "must be a version of semver.org 2.0.0");
  if (text.size() > attribute_bytes_max) errors.too_long(path, attribute_bytes_max);
}

void validate_attribute(const v1::DeviceAttribute& attribute, const FieldPath& path, FieldErrors& errors) {
  int values = 0;
  values += attribute.bool_.has_value() + attribute.int_.has_value() + attribute.string.has_value() + attribute.version.has_value();
  values += !attribute.bools.empty() + !attribute.ints.empty() + !attribute.strings.empty() + !attribute.versions.empty();
  if (attribute.string && attribute.string->size() > attribute_bytes_max) errors.too_long(path.child("string"), attribute_bytes_max);
  if (attribute.version) validate_version(*attribute.version, path.child("version"), errors);
  for (std::size_t i = 0; i < attribute.strings.size(); ++i)
    if (attribute.strings[i].size() > attribute_bytes_max) errors.too_long(path.child("strings").index(i), attribute_bytes_max);
  for (std::size_t i = 0; i < attribute.versions.size(); ++i) validate_version(attribute.versions[i], path.child("versions").index(i), errors);
  if (values != 1) errors.invalid(path, "", "exactly one value must be given");
}

void validate_valid_values(const v1::CapacityRequestPolicy& policy, const api::Quantity& capacity, const FieldPath& path, FieldErrors& errors) {
  const auto& values = policy.valid_values;
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i - 1].compare(values[i]) > 0) errors.invalid(path.index(i), values[i].text(), "values must ascend");
  if (values.size() > valid_values_max) {
    errors.too_many(path, values.size(), valid_values_max);
  } else {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i].compare(capacity) > 0) errors.invalid(path.index(i), values[i].text(), "is larger than the capacity " + capacity.text());
    for (std::size_t i = 1; i < values.size(); ++i)
      if (std::find(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(i), values[i]) != values.begin() + static_cast<std::ptrdiff_t>(i))
        errors.duplicate(path.index(i), values[i].text());
  }
  if (std::find(values.begin(), values.end(), *policy.default_) == values.end())
    errors.invalid(path, policy.default_->text(), "the default must be one of the values");
}

void validate_range(const v1::CapacityRequestPolicy& policy, const api::Quantity& capacity, const FieldPath& path, FieldErrors& errors) {
  const auto& range = *policy.valid_range;
  const api::Quantity& by_default = *policy.default_;
  if (!range.min) {
    errors.required(path.child("min"), "required when validRange is given");
    return;
  }
  if (range.min->compare(capacity) > 0) errors.invalid(path.child("min"), range.min->text(), "is larger than the capacity " + capacity.text());
  if (by_default.compare(*range.min) < 0) errors.invalid(path.child("min"), by_default.text(), "the default is less than the minimum");
  if (range.max) {
    if (range.min->compare(*range.max) > 0) errors.invalid(path.child("max"), range.min->text(), "the minimum is larger than the maximum");
    if (range.max->compare(capacity) > 0) errors.invalid(path.child("max"), range.max->text(), "is larger than the capacity " + capacity.text());
    if (by_default.compare(*range.max) > 0) errors.invalid(path.child("max"), by_default.text(), "the default is more than the maximum");
  }
  if (!range.step) return;
  const FieldPath at = path.child("step");
  if ((*range.min + *range.step).compare(capacity) > 0)
    errors.invalid(at, range.step->text(), "one step from the minimum is larger than the capacity " + capacity.text());
  const int64_t step = range.step->value();
  const auto check = [&](const api::Quantity& value) {
    if (step == 0 || (value.value() - range.min->value()) % step != 0)
      errors.invalid(at, value.text(), "is no whole number of steps from the minimum");
  };
  check(by_default);
  if (range.max) check(*range.max);
}

void validate_capacity(const v1::DeviceCapacity& capacity, bool shared, const FieldPath& path, FieldErrors& errors) {
  if (!capacity.request_policy) return;
  const auto& policy = *capacity.request_policy;
  const FieldPath at = path.child("requestPolicy");
  if (!shared) {
    errors.forbidden(at, "allowMultipleAllocations must be true");
  } else if (!policy.valid_values.empty() && policy.valid_range) {
    errors.forbidden(at, "validValues and validRange exclude each other");
  } else if (!policy.default_ && (!policy.valid_values.empty() || policy.valid_range)) {
    errors.required(at.child("default"), "required when validValues or validRange is given");
  } else if (!policy.valid_values.empty()) {
    validate_valid_values(policy, capacity.value, at.child("validValues"), errors);
  } else if (policy.valid_range) {
    validate_range(policy, capacity.value, at.child("validRange"), errors);
  }
}

void validate_taints(const std::vector<v1::DeviceTaint>& taints, const FieldPath& path, FieldErrors& errors) {
  if (taints.size() > taints_max) {
    errors.too_many(path, taints.size(), taints_max);
    return;
  }
  for (std::size_t i = 0; i < taints.size(); ++i) {
    if (!taints[i].key.empty()) errors.invalid_all(path.index(i).child("key"), taints[i].key, apimachinery::check_qualified_name(taints[i].key));
    errors.invalid_all(path.index(i).child("value"), taints[i].value, apimachinery::check_label_value(taints[i].value));
  }
}

void validate_counters(const FlatMap<v1::Counter>& counters, const FieldPath& path, FieldErrors& errors) {
  if (counters.size() > counters_max) {
    errors.too_many(path, counters.size(), counters_max);
    return;
  }
  for (const auto& [name, counter] : counters) errors.invalid_all(path, name, apimachinery::check_dns_label(name));
}

// Of the nodes that reach a device, each way at most once: {ways given}.
template <class Placed>
int validate_placement(const Placed& placed, const FieldPath& path, FieldErrors& errors) {
  int ways = 0;
  if (placed.node_name) {
    if (placed.node_name->empty()) {
      errors.invalid(path.child("nodeName"), "", "must be left out or not empty");
    } else {
      ++ways;
      errors.invalid_all(path.child("nodeName"), *placed.node_name, apimachinery::check_dns_subdomain(*placed.node_name));
    }
  }
  if (placed.node_selector) {
    ++ways;
    validate_node_selector(*placed.node_selector, path.child("nodeSelector"), errors);
  }
  if (placed.all_nodes) {
    if (!*placed.all_nodes) errors.invalid(path.child("allNodes"), false, "must be left out or true");
    ways += *placed.all_nodes;
  }
  return ways;
}

void validate_device(const v1::Device& device, bool per_device, const FieldPath& path, FieldErrors& errors) {
  validate_label(device.name, path.child("name"), errors);
  const std::size_t held = device.attributes.size() + device.capacity.size();
  if (held > attributes_and_capacities_max) errors.invalid(path, static_cast<int64_t>(held), "attributes and capacities together must not exceed 32");
  std::size_t values = 0;
  for (const auto& [name, attribute] : device.attributes)
    values += std::max<std::size_t>(1, attribute.bools.size() + attribute.ints.size() + attribute.strings.size() + attribute.versions.size());
  if (values > attribute_values_max) errors.invalid(path, static_cast<int64_t>(values), "the values of all attributes together must not exceed 48");
  for (const auto& [name, attribute] : device.attributes) {
    validate_qualified_name(name, path.child("attributes"), errors);
    validate_attribute(attribute, path.child("attributes").key(name), errors);
  }
  for (const auto& [name, capacity] : device.capacity) {
    validate_qualified_name(name, path.child("capacity"), errors);
    validate_capacity(capacity, device.allow_multiple_allocations.value_or(false), path.child("capacity").key(name), errors);
  }
  validate_taints(device.taints, path.child("taints"), errors);
  if (device.consumes_counters.size() > consumptions_max) {
    errors.too_many(path.child("consumesCounters"), device.consumes_counters.size(), consumptions_max);
  } else {
    std::set<std::string_view> sets;
    for (std::size_t i = 0; i < device.consumes_counters.size(); ++i) {
      const FieldPath at = path.child("consumesCounters").index(i);
      validate_label(device.consumes_counters[i].counter_set, at.child("counterSet"), errors);
      validate_counters(device.consumes_counters[i].counters, at.child("counters"), errors);
      if (!sets.insert(device.consumes_counters[i].counter_set).second) errors.duplicate(at, device.consumes_counters[i].counter_set);
    }
  }
  if (per_device) {
    const int ways = validate_placement(device, path, errors);
    if (ways == 0) errors.required(path, "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required with perDeviceNodeSelection");
    if (ways > 1) errors.invalid(path, nullptr, "only one of `nodeName`, `nodeSelector`, or `allNodes` may be given");
  } else if (device.node_name || device.node_selector || device.all_nodes) {
    errors.invalid(path, nullptr, "`nodeName`, `nodeSelector` and `allNodes` need perDeviceNodeSelection in the slice's spec");
  }
  validate_binding_conditions(device.binding_conditions, device.binding_failure_conditions, path, errors);
}

bool is_advanced(const v1::Device& device) {
  return !device.taints.empty() || !device.consumes_counters.empty() ||
         std::any_of(device.attributes.begin(), device.attributes.end(), [](const auto& entry) {
           return !entry.second.bools.empty() || !entry.second.ints.empty() || !entry.second.strings.empty() || !entry.second.versions.empty();
         });
}

void validate_devices(const v1::ResourceSliceSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const std::size_t max = std::any_of(spec.devices.begin(), spec.devices.end(), is_advanced) ? advanced_devices_max : devices_max;
  if (spec.devices.size() > max) {
    errors.too_many(path, spec.devices.size(), max);
    return;
  }
  for (std::size_t i = 0; i < spec.devices.size(); ++i)
    validate_device(spec.devices[i], spec.per_device_node_selection.value_or(false), path.index(i), errors);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.devices.size(); ++i)
    if (!names.insert(spec.devices[i].name).second) errors.duplicate(path.index(i), spec.devices[i].name);
}

void validate_shared_counters(const std::vector<v1::CounterSet>& sets, const FieldPath& path, FieldErrors& errors) {
  if (sets.size() > counter_sets_max) {
    errors.too_many(path, sets.size(), counter_sets_max);
    return;
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    validate_label(sets[i].name, path.index(i).child("name"), errors);
    validate_counters(sets[i].counters, path.index(i).child("counters"), errors);
    if (!names.insert(sets[i].name).second) errors.duplicate(path.index(i), sets[i].name);
  }
}

}  // namespace

void validate_slice(const v1::ResourceSliceSpec& spec, const v1::ResourceSliceSpec* old, FieldErrors& errors) {
  const FieldPath path("spec"), pool = path.child("pool");
  validate_driver_name(spec.driver, path.child("driver"), errors);
  validate_pool_name(spec.pool.name, pool.child("name"), errors);
  if (spec.pool.resource_slice_count <= 0)
    errors.invalid(pool.child("resourceSliceCount"), spec.pool.resource_slice_count, "must be greater than zero");
  if (spec.pool.generation < 0) errors.invalid(pool.child("generation"), spec.pool.generation, "must be 0 or more");
  if (old != nullptr) {
    if (spec.pool.name != old->pool.name) errors.invalid(pool.child("name"), spec.pool.name, "field is immutable");
    if (spec.driver != old->driver) errors.invalid(path.child("driver"), spec.driver, "field is immutable");
    if (spec.node_name != old->node_name) errors.invalid(path.child("nodeName"), spec.node_name.value_or(""), "field is immutable");
  }
  int ways = validate_placement(spec, path, errors);
  if (spec.node_selector && spec.node_selector->node_selector_terms.size() != 1)
    errors.invalid(path.child("nodeSelector", "nodeSelectorTerms"), nullptr, "must hold exactly one term");
  if (spec.per_device_node_selection) {
    if (!*spec.per_device_node_selection) errors.invalid(path.child("perDeviceNodeSelection"), false, "must be left out or true");
    ways += *spec.per_device_node_selection;
  }
  if (ways == 0) errors.required(path, "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required");
  if (ways > 1) errors.invalid(path, nullptr, "only one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` may be given");
  if (!spec.shared_counters.empty() && !spec.devices.empty()) errors.invalid(path, "", "only one of `sharedCounters` or `devices` may be given");
  validate_devices(spec, path.child("devices"), errors);
  validate_shared_counters(spec.shared_counters, path.child("sharedCounters"), errors);
}

}  // namespace pintle::apiserver::resources::device

#include "scheduler/devices/capacity.h"

#include <algorithm>

namespace pintle::scheduler::devices {

namespace {

// Whole steps from `min` to `wanted`, rounded up; nullopt: the step is none.
std::optional<int64_t> stepped_up(int64_t wanted, int64_t min, int64_t step) {
  if (step <= 0) return std::nullopt;
  const __int128 added = static_cast<__int128>(wanted) - min;
  const __int128 rounded = min + (added + step - 1) / step * step;
  return rounded > INT64_MAX ? INT64_MAX : static_cast<int64_t>(rounded);
}

bool breaks(const api::Quantity& amount, const v1::CapacityRequestPolicy* policy) {
  if (policy == nullptr || (policy->default_ && amount == *policy->default_)) return false;
  if (policy->valid_range) {
    const auto& range = *policy->valid_range;
    if (range.max && amount.compare(*range.max) > 0) return true;
    if (!range.step) return false;
    const int64_t min = range.min ? range.min->value() : 0;
    return stepped_up(amount.value(), min, range.step->value()) != amount.value();
  }
  return !policy->valid_values.empty() && std::ranges::find(policy->valid_values, amount) == policy->valid_values.end();
}

const api::Quantity* requested_of(const v1::CapacityRequirements* wanted, std::string_view name) {
  return wanted == nullptr ? nullptr : wanted->requests.get(name);
}

}  // namespace

api::Quantity consumed_of(const api::Quantity* requested, const v1::DeviceCapacity& capacity) {
  const v1::CapacityRequestPolicy* policy = capacity.request_policy.get();
  if (requested == nullptr) return policy != nullptr && policy->default_ ? *policy->default_ : capacity.value;
  if (policy == nullptr) return *requested;
  if (policy->valid_range && policy->valid_range->min) {
    const auto& range = *policy->valid_range;
    if (requested->compare(*range.min) < 0) return *range.min;
    if (!range.step) return *requested;
    const auto value = stepped_up(requested->value(), range.min->value(), range.step->value());
    if (!value) return *requested;
    static const api::Quantity binary = *api::Quantity::parse("1Ki");  // as upstream writes it: "4Mi"
    return binary + api::Quantity::from_int(*value) - binary;
  }
  for (const api::Quantity& value : policy->valid_values)  // ascending
    if (requested->compare(value) <= 0) return value;
  return *requested;
}

Amounts consumed_by(const v1::CapacityRequirements* wanted, const v1::Device& device) {
  Amounts out;
  for (const auto& [name, capacity] : device.capacity) out[name] = consumed_of(requested_of(wanted, name), capacity);
  return out;
}

bool fits_capacity(const v1::CapacityRequirements* wanted, const v1::Device& device, const Amounts* consumed, const Amounts* consuming) {
  if (wanted != nullptr)
    for (const auto& [name, amount] : wanted->requests)
      if (!device.capacity.contains(name)) return false;
  for (const auto& [name, capacity] : device.capacity) {
    api::Quantity sum = consumed_of(requested_of(wanted, name), capacity);
    if (breaks(sum, capacity.request_policy.get())) return false;
    for (const Amounts* taken : {consumed, consuming})
      if (const api::Quantity* amount = taken == nullptr ? nullptr : taken->get(name)) sum = sum + *amount;
    if (sum.compare(capacity.value) > 0) return false;
  }
  return true;
}

}  // namespace pintle::scheduler::devices

#include "scheduler/devices/constraints.h"

#include <algorithm>

namespace pintle::scheduler::devices {

namespace {

// "domain/id": under that name, or under "id" where the domain is the driver. nullptr: there is none, or none of a value known here.
const v1::DeviceAttribute* attribute_of(std::string_view driver, const v1::Device& device, std::string_view name) {
  const v1::DeviceAttribute* found = device.attributes.get(name);
  const std::size_t slash = name.find('/');
  if (found == nullptr && slash != std::string_view::npos && name.substr(0, slash) == driver) found = device.attributes.get(name.substr(slash + 1));
  return found != nullptr && (found->int_ || found->bool_ || found->string || found->version) ? found : nullptr;
}

// Versions have one form each, so their texts tell.
bool same_value(const v1::DeviceAttribute& a, const v1::DeviceAttribute& b) {
  return a.int_ == b.int_ && a.bool_ == b.bool_ && a.string == b.string && a.version == b.version;
}

}  // namespace

bool Constraint::concerns(std::string_view request, std::string_view full_name) const {
  return requests_.empty() || std::ranges::find(requests_, request) != requests_.end() || std::ranges::find(requests_, full_name) != requests_.end();
}

bool Constraint::add(std::string_view driver, const v1::Device& device) {
  const v1::DeviceAttribute* attribute = attribute_of(driver, device, attribute_);
  if (attribute == nullptr) return false;
  const auto equals = [&](const v1::DeviceAttribute* other) { return same_value(*attribute, *other); };
  const bool good = kind_ == Kind::Match ? taken_.empty() || equals(taken_.front()) : std::ranges::none_of(taken_, equals);
  if (good) taken_.push_back(attribute);
  return good;
}

}  // namespace pintle::scheduler::devices

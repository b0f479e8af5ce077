// For tests: a cluster's slices and classes in text, and what claims get in it, as text.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/testing/from_yaml.h"
#include "base/split.h"
#include "scheduler/devices/allocator.h"

namespace pintle::scheduler::devices::testing {

using api::testing::from_yaml;

// "driver/pool node=n1 generation=2 count=3 all per-device": count is of the pool's slices, 1 unless said. `devices`: YAML of a list; `rest`:
// YAML of what else the spec has.
inline v1::ResourceSlice slice_of(const std::string& name, const std::string& text, std::string_view devices, std::string_view rest = "") {
  v1::ResourceSlice out;
  out.metadata.name = name;
  out.spec = from_yaml<v1::ResourceSliceSpec>(std::string(rest.empty() ? "{" : std::string(rest.substr(0, rest.size() - 1)) + ", ") +
                                              "devices: " + std::string(devices) + "}");
  out.spec.pool.generation = 1;
  out.spec.pool.resource_slice_count = 1;
  for (const std::string_view word : split_words(text, ' ')) {
    const std::string key(word.substr(0, word.find('='))), value(word.substr(std::min(key.size() + 1, word.size())));
    if (key == "node") {
      out.spec.node_name = value;
    } else if (key == "generation") {
      out.spec.pool.generation = std::stoll(value);
    } else if (key == "count") {
      out.spec.pool.resource_slice_count = std::stoll(value);
    } else if (key == "all") {
      out.spec.all_nodes = true;
    } else if (key == "per-device") {
      out.spec.per_device_node_selection = true;
    } else {
      out.spec.driver = key.substr(0, key.find('/'));
      out.spec.pool.name = key.substr(key.find('/') + 1);
    }
  }
  return out;
}

class Devices {
 public:
  Devices() { device_class("any"); }
  Devices& slice(const std::string& name, const std::string& text, std::string_view devices, std::string_view rest = "") {
    pools_.change(nullptr, std::make_shared<const v1::ResourceSlice>(slice_of(name, text, devices, rest)));
    return *this;
  }
  Devices& device_class(const std::string& name, std::string_view spec = "") {
    v1::DeviceClass made;
    made.metadata.name = name;
    made.spec = from_yaml<v1::DeviceClassSpec>(spec);
    classes_[name] = std::make_shared<const v1::DeviceClass>(std::move(made));
    return *this;
  }
  // Somebody has it: "driver/pool/device", with more of the result in YAML.
  Devices& taken(const std::string& device, std::string_view more = "") {
    v1::AllocationResult allocation;
    auto& result = allocation.devices.results.emplace_back(from_yaml<v1::DeviceRequestAllocationResult>(more));
    const auto parts = split_words(device, '/');
    result.driver = parts[0];
    result.pool = parts[1];
    result.device = parts[2];
    allocated_.add(allocation);
    return *this;
  }
  Devices& node(const std::string& name, std::string_view labels) {
    nodes_[name] = from_yaml<api::core_v1::Node>("{metadata: {name: " + name + ", labels: " + std::string(labels) + "}}");
    return *this;
  }
  Features features;
  std::function<bool()> interrupted;

  // `claims`: YAML of the specs' `devices`. What was found, whole.
  Allocation allocate(const std::vector<std::string>& claims, const std::string& node) {
    rules::DeviceSelectors selectors(features.consumable_capacity);
    int shares = 0;
    Allocator allocator({features, pools_, allocated_,
                         [this](const std::string& name) {
                           const auto found = classes_.find(name);
                           return found == classes_.end() ? nullptr : found->second;
                         },
                         selectors, [&] { return "share-" + std::to_string(++shares); }});
    std::vector<v1::ResourceClaim> made;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      auto& claim = made.emplace_back();
      claim.metadata.namespace_ = "default";
      claim.metadata.name = "c" + std::to_string(i);
      claim.spec.devices = from_yaml<v1::DeviceClaim>(claims[i]);
      for (auto& request : claim.spec.devices.requests) {  // the API's defaults
        if (request.exactly) set_defaults(*request.exactly);
        for (auto& alternative : request.first_available) set_defaults(alternative);
      }
    }
    std::vector<const v1::ResourceClaim*> wanted;
    for (const auto& claim : made) wanted.push_back(&claim);
    api::core_v1::Node plain;
    plain.metadata.name = node;
    return allocator.allocate(nodes_.contains(node) ? nodes_[node] : plain, wanted, interrupted);
  }
  // "request=driver/pool/device ...", claims separated by "; ". "none": not there. Else what went wrong.
  std::string get_all(const std::vector<std::string>& claims, const std::string& node = "n1") { return text(allocate(claims, node)); }
  std::string get(const std::string& claim, const std::string& node = "n1") { return get_all({claim}, node); }

  static std::string text(const Allocation& allocation) {
    switch (allocation.kind) {
      case Allocation::Kind::Impossible: return "none";
      case Allocation::Kind::InvalidPools: return "none: " + allocation.message;
      case Allocation::Kind::TimedOut: return "timed out";
      case Allocation::Kind::Failed: return "error: " + allocation.message;
      case Allocation::Kind::Allocated: break;
    }
    std::string out;
    for (const auto& result : allocation.results) {
      if (&result != &allocation.results.front()) out += "; ";
      for (const auto& device : result.devices.results)
        out += (&device == &result.devices.results.front() ? "" : " ") + device.request + "=" + device_key(device.driver, device.pool, device.device);
    }
    return out;
  }

 private:
  template <class Request>
  static void set_defaults(Request& request) {
    if (request.device_class_name.empty()) request.device_class_name = "any";
    if (request.allocation_mode.empty()) request.allocation_mode = "ExactCount";
    if (request.allocation_mode == "ExactCount" && request.count == 0) request.count = 1;
  }
  Pools pools_;
  AllocatedState allocated_;
  std::map<std::string, ClassPtr> classes_;
  std::map<std::string, api::core_v1::Node> nodes_;
};

}  // namespace pintle::scheduler::devices::testing

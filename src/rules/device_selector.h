// CEL selectors of devices, as device classes and requests have them: what they may name (`device`), how they compile, and whether a device
// matches. Source: k8s.io/dynamic-resource-allocation/cel of 1.36.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/gen/resource_v1.h"
#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"

namespace pintle::rules {

constexpr uint64_t device_selector_cost_max = 1'000'000;  // of one evaluation, and of an estimate that the API server accepts

// A compiled selector. Immutable; any number of threads.
class DeviceSelector {
 public:
  DeviceSelector(apimachinery::cel::Program program, bool consumable_capacity)
      : program_(std::move(program)), consumable_capacity_(consumable_capacity) {}
  // An error tells what failed while it ran: "no such key: x", "attribute x: unsupported attribute value", the cost limit.
  Result<bool> matches(std::string_view driver, const api::resource_v1::Device& device) const;
  // The most that it may cost.
  uint64_t cost_max() const;

 private:
  apimachinery::cel::Program program_;
  bool consumable_capacity_;
};

// Compiled, or what is wrong with it in upstream's words: "compilation failed: ERROR: <input>:1:8: ...". `consumable_capacity`:
// device.allowMultipleAllocations is there. Any number of threads.
Result<DeviceSelector> compile_device_selector(std::string_view expression, bool consumable_capacity);

// The selectors used last, compiled. Not thread-safe.
class DeviceSelectors {
 public:
  static constexpr std::size_t kept_max = 64;

  explicit DeviceSelectors(bool consumable_capacity) : consumable_capacity_(consumable_capacity) {}
  DeviceSelectors(const DeviceSelectors&) = delete;
  DeviceSelectors& operator=(const DeviceSelectors&) = delete;

  Result<std::shared_ptr<const DeviceSelector>> compile(const std::string& expression);

 private:
  struct Kept {
    std::string expression;
    Result<std::shared_ptr<const DeviceSelector>> selector;
  };
  bool consumable_capacity_;
  std::list<Kept> kept_;  // the one used last is first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> by_expression_;
};

}  // namespace pintle::rules

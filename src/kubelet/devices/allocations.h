// Allocations: which container has which devices, and what their plugin answered for them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/deviceplugin_v1beta1.h"
#include "kubelet/devices/container_devices.h"
#include "kubelet/devices/device_list.h"

namespace pintle::kubelet::devices {

// Of one resource, to one container.
struct Allocation {
  std::map<int64_t, std::vector<std::string>> by_numa_node;  // a device that is near several stands under each
  api::deviceplugin_v1beta1::ContainerAllocateResponse answer;
  DeviceIds ids() const;
};
// The devices under the nodes that they are near to.
std::map<int64_t, std::vector<std::string>> by_numa_node(const DeviceIds& ids, const Devices& devices);

class Allocations {
 public:
  using OfContainer = std::map<std::string, Allocation, std::less<>>;  // by resource
  using OfPod = std::map<std::string, OfContainer, std::less<>>;       // by container
  using ByPod = std::map<std::string, OfPod, std::less<>>;             // by uid

  void put(const std::string& uid, const std::string& container, const std::string& resource, Allocation allocation);
  // True: it had some.
  bool erase_pod(std::string_view uid);
  const Allocation* find(std::string_view uid, std::string_view container, std::string_view resource) const;
  const OfContainer* of_container(std::string_view uid, std::string_view container) const;
  const ByPod& all() const { return pods_; }

  bool knows(std::string_view resource) const;
  DeviceIds in_use(std::string_view resource) const;
  // Pods that have one of these devices.
  std::vector<std::string> pods_with(std::string_view resource, const DeviceIds& ids) const;
  // All that was answered for the container. What two resources say of the same thing is said by the first, in the order of their names.
  ContainerDevices container_devices(std::string_view uid, std::string_view container) const;

 private:
  ByPod pods_;
};

}  // namespace pintle::kubelet::devices

// Events of the cluster that may make an unschedulable pod schedulable, and the hints of plugins about them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler {

enum class EventResource : uint8_t {
  Pod,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  CSINode,
  CSIDriver,
  CSIStorageCapacity,
  VolumeAttachment,
  Namespace,
  ResourceClaim,
  ResourceSlice,
  DeviceClass,
  Everything
};

using Actions = uint32_t;
namespace action {
constexpr Actions add = 1 << 0;
constexpr Actions remove = 1 << 1;
constexpr Actions update_node_allocatable = 1 << 2;
constexpr Actions update_node_label = 1 << 3;
constexpr Actions update_node_taint = 1 << 4;
constexpr Actions update_node_condition = 1 << 5;
constexpr Actions update_node_annotation = 1 << 6;
constexpr Actions update_pod_label = 1 << 7;
constexpr Actions update_pod_scale_down = 1 << 8;
constexpr Actions update_pod_toleration = 1 << 9;
constexpr Actions update_pod_scheduling_gates_eliminated = 1 << 10;
constexpr Actions update_pod_generated_resource_claim = 1 << 11;
constexpr Actions update_node_declared_feature = 1 << 12;
constexpr Actions update_other = 1 << 13;
constexpr Actions update = update_node_allocatable | update_node_label | update_node_taint | update_node_condition | update_node_annotation |
                           update_node_declared_feature | update_pod_label | update_pod_scale_down | update_pod_toleration |
                           update_pod_scheduling_gates_eliminated | update_pod_generated_resource_claim | update_other;
constexpr Actions all = add | remove | update;
}  // namespace action

struct ClusterEvent {
  EventResource resource = EventResource::Everything;
  Actions actions = action::all;
  std::string_view label;  // as metrics name it: "AssignedPodAdd"
};

// An event with the objects before and after; the one that does not exist is nullptr. Of Pod events, `assigned` tells
// whether the pod has a node.
struct EventInstance {
  ClusterEvent event;
  std::shared_ptr<const void> old_object;
  std::shared_ptr<const void> new_object;

  template <class T>
  const T* before() const {
    return static_cast<const T*>(old_object.get());
  }
  template <class T>
  const T* after() const {
    return static_cast<const T*>(new_object.get());
  }
};

enum class QueueingHint : uint8_t { Skip, Queue };
using HintFunction = std::function<QueueingHint(const PodInfo& pod, const EventInstance& event)>;

// The node that an event is about: of a pod, the one that it has or is nominated to; "": none.
std::string node_of_event(const EventInstance& event);

// What a plugin wants to hear of while it rejects a pod; without a function, each such event queues the pod.
struct EventInterest {
  EventResource resource;
  Actions actions;
  HintFunction hint;
  // The hint says the same of all pods of a shape (PodInfo::shape) that are not nominated to the event's node and that the event is not about:
  // one of them is asked.
  bool alike = false;
};

}  // namespace pintle::scheduler

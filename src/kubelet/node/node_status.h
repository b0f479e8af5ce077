// The status of the node, from what was observed; its first object; what is sent when it changed. Upstream's fields,
// reasons and messages. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/resources/node_resources.h"
#include "kubelet/types/pressure.h"

namespace pintle::kubelet::node {

// What does not change while the kubelet runs.
struct NodeIdentity {
  std::string name;
  std::string hostname;                     // --hostname-override, or the machine's
  std::vector<std::string> ips;             // --node-ip: one, or one of each family; not empty
  FlatMap<std::string> labels;              // --node-labels
  std::vector<api::core_v1::Taint> taints;  // registerWithTaints
  std::string provider_id;
  bool external_cloud_provider = false;
  bool controller_attach_detach = true;  // enableControllerAttachDetach
  int32_t kubelet_port = 10250;
  std::vector<std::string> declared_features;  // of this kubelet, in order; status.declaredFeatures
  int32_t status_images_max = 50;              // nodeStatusMaxImages; -1: no limit
};

struct RuntimeCondition {
  bool known = false;  // the runtime told about it
  bool status = false;
  std::string reason;
  std::string message;
};
// What the container runtime says about itself.
struct RuntimeObservation {
  std::string name;  // "containerd"
  std::string version;
  RuntimeCondition runtime_ready;
  RuntimeCondition network_ready;
  std::vector<api::core_v1::NodeRuntimeHandler> handlers;
  std::optional<bool> supplemental_groups_policy;  // the runtime states its features
};

struct NodeObservation {
  rules::ResourceList capacity;
  rules::ResourceList allocatable;
  os::MachineFacts machine;
  // nullopt: it has not answered yet, or not for too long (`runtime_silent`).
  std::optional<RuntimeObservation> runtime;
  bool runtime_silent = false;
  std::vector<std::string> other_errors;             // why the node is not ready besides ("node is shutting down")
  std::vector<api::core_v1::ContainerImage> images;  // the largest first
  Pressure pressure;
  std::optional<std::vector<std::string>> volumes_in_use;  // nullopt: not known, what the node says stays
};

// An event about the node.
struct NodeEvent {
  bool warning = false;
  std::string reason;
  std::string message;
};

// The node with its status brought up to date; `events` gets what has to be said about the change.
api::core_v1::Node update_node(const api::core_v1::Node& node, const NodeIdentity& identity, const NodeObservation& seen, api::Time now,
                               std::vector<NodeEvent>& events);
// What is created when the API server does not know the node.
api::core_v1::Node initial_node(const NodeIdentity& identity, const os::MachineFacts& machine);
// Labels, annotations and resources of a node that was registered before, as this kubelet has them. True: something changed.
bool reconcile_node(api::core_v1::Node& existing, const api::core_v1::Node& initial);

// True if the two differ in more than heartbeats.
bool status_changed(const api::core_v1::NodeStatus& before, const api::core_v1::NodeStatus& after);
// The strategic merge patch (for nodes/status) from one to the other: status, labels and annotations.
std::string node_patch(const api::core_v1::Node& before, const api::core_v1::Node& after);

// Largest first, names as upstream shows them: digests, then tags, five at most.
std::vector<api::core_v1::ContainerImage> status_images(std::vector<api::core_v1::ContainerImage> images, int32_t images_max);

bool is_ready(const api::core_v1::Node& node);

// The runtime's version as upstream shows it: a semantic version as it is, else the numbers that it begins with ("1.6.20~ds1": "1.6.20").
std::string shown_runtime_version(std::string_view told);

}  // namespace pintle::kubelet::node

// NodeAgent: the node's own object: registers it, keeps its status true (sent when it changed, and every few minutes), its
// Lease fresh, and follows it for what others set: pod CIDRs, labels, taints. Belongs to one executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "kubelet/devices/node_devices.h"
#include "kubelet/node/node_status.h"
#include "kubelet/node/runtime_observer.h"
#include "rt/runtime.h"

namespace pintle::kubelet::node {

struct NodeTiming {
  rt::Duration status_update = std::chrono::seconds(10);  // nodeStatusUpdateFrequency
  rt::Duration status_report = std::chrono::minutes(5);   // nodeStatusReportFrequency
  int32_t lease_seconds = 40;                             // nodeLeaseDurationSeconds; renewed at a quarter of it
};
NodeTiming node_timing(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

struct NodeAgentDeps {
  rt::Runtime& runtime;
  client::Client& client;
  // Shared with the rest of the kubelet; the agent adds the informer of its own Node to it.
  client::Informers& informers;
  client::EventRecorder& events;
  RuntimeObserver& container_runtime;
  // Each may be empty. Asked whenever the status is made.
  std::function<Pressure()> pressure;
  std::function<std::vector<std::string>()> other_errors;
  // What plugins bring beside the machine.
  std::function<devices::NodeDevices()> devices;
  // nullopt: what the Node says stays.
  std::function<std::optional<std::vector<std::string>>()> volumes_in_use;
  // The Node was registered, or has changed.
  std::function<void()> on_node;
  // The node's pod CIDRs were set or changed; also once at the start if they are there.
  std::function<void(const std::vector<std::string>& pod_cidrs)> on_pod_cidrs;
};

struct NodeAgentOptions {
  NodeIdentity identity;
  NodeTiming timing;
  rules::ResourceList capacity;
  rules::ResourceList allocatable;
  os::MachineFacts machine;
  bool register_node = true;
};

// The node as its events name it.
api::core_v1::ObjectReference node_reference(const std::string& node_name);

// The name of the Node's informer in Informers: of<Node>(own_node_informer, own_node_options(name)).
inline constexpr const char* own_node_informer = "own";
client::InformerOptions own_node_options(const std::string& node_name);

class NodeAgent {
 public:
  NodeAgent(NodeAgentDeps deps, NodeAgentOptions options);
  ~NodeAgent();
  NodeAgent(const NodeAgent&) = delete;
  NodeAgent& operator=(const NodeAgent&) = delete;

  // Registers the node in the background, again until it works; then status and Lease.
  void start();
  rt::Task<void> stop();

  // Something that the status tells has changed (pressure, errors, the network's configuration): look now.
  void poke();
  // The set of images has changed.
  void images_changed();
  // The node as the API server has it; nullptr before it is registered.
  std::shared_ptr<const api::core_v1::Node> node() const;
  bool registered() const;
  bool ready() const;
  // Waits until the status was reported as ready.
  rt::Task<Result<Unit>> wait_ready(rt::Context ctx);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pintle::kubelet::node

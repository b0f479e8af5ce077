#include "kubelet/node_life.h"

#include <algorithm>

namespace pintle::kubelet {

NodeLife::NodeLife(NodeLifeDeps deps_in)
    : deps(deps_in),
      image_collector(collector_deps(), deps.facts.image_rules),
      eviction(eviction_deps(), eviction_options()),
      duties(duties_deps(), duties_options()),
      agent(make_agent()) {}

images::ImageCollectorDeps NodeLife::collector_deps() {
  images::ImageCollectorDeps out{deps.runtime, deps.cri};
  out.warn = [this](std::string_view reason, std::string message) { deps.cluster.warn_of_node(reason, std::move(message)); };
  out.volume_images = [this] { return deps.pods.workers.volume_images(); };
  out.pod_changes = [this] { return deps.pods.workers.changes().value(); };
  out.access = &deps.node.image_access;
  out.changed = [this] { deps.changes.images(); };
  return out;
}

eviction::EvictionDeps NodeLife::eviction_deps() {
  eviction::EvictionDeps out{deps.runtime,    deps.cri,   deps.pods.workers,           deps.cluster.events,
                             image_collector, deps.paths, deps.node.cgroups.pods.get()};
  out.warn = [this](std::string_view reason, std::string message) { deps.cluster.warn_of_node(reason, std::move(message)); };
  out.changed = [this] { deps.changes.node_status(); };
  return out;
}

eviction::EvictionOptions NodeLife::eviction_options() {
  const auto& configuration = deps.options.configuration;
  eviction::EvictionOptions out;
  out.thresholds = deps.facts.thresholds;
  if (configuration.eviction_pressure_transition_period.nanos > 0) out.hold = rt::Duration(configuration.eviction_pressure_transition_period.nanos);
  out.max_grace_seconds = configuration.eviction_max_pod_grace_period;
  out.storage_limits = configuration.local_storage_capacity_isolation.value_or(true);
  // Who asks for faster updates of the node's status means what they tell too.
  out.look_every = std::min(out.look_every, node::node_timing(configuration).status_update);
  out.memory_for_pods_bytes = resources::resource_value(deps.facts.for_pods, "memory");
  return out;
}

node::NodeDutiesDeps NodeLife::duties_deps() {
  node::NodeDutiesDeps out{deps.runtime, deps.cluster.client, deps.options.configuration, deps.pods.config, deps.pods.workers, deps.cluster.events};
  out.pressure = [this] { return eviction.pressure(); };
  out.node = [this] { return known(); };
  out.device_resources = [this] { return deps.node.deps.plugins.devices.resources(); };
  out.status_changed = [this] { deps.changes.node_status(); };
  return out;
}

node::NodeDutiesOptions NodeLife::duties_options() { return {deps.facts.identity, deps.facts.machine, deps.facts.allocatable}; }

std::unique_ptr<node::NodeAgent> NodeLife::make_agent() {
  ClusterAccess& cluster = deps.cluster;
  if (!cluster.client) return nullptr;
  node::NodeAgentDeps out{deps.runtime, *cluster.client, *cluster.informers, *cluster.recorder, deps.node.observer};
  out.pressure = [this] { return eviction.pressure(); };
  out.other_errors = [this] {
    std::vector<std::string> errors = duties.not_ready();
    if (std::string pleg = deps.pods.pleg.unhealthy(); !pleg.empty()) errors.push_back(std::move(pleg));
    return errors;
  };
  out.devices = [this] { return deps.node.deps.plugins.devices.on_node(); };
  out.volumes_in_use = [this] { return deps.node.volumes->volumes_in_use(); };
  out.on_pod_cidrs = [this](const std::vector<std::string>& cidrs) {
    if (!cidrs.empty()) deps.changes.pod_range(cidrs.front());
  };
  out.on_node = [this] { deps.changes.node(); };
  node::NodeAgentOptions options{deps.facts.identity, node::node_timing(deps.options.configuration), deps.facts.capacity, deps.facts.allocatable,
                                 deps.facts.machine};
  options.register_node = deps.options.configuration.register_node.value_or(true);
  return std::make_unique<node::NodeAgent>(std::move(out), std::move(options));
}

Result<Unit> NodeLife::start() {
  TRY(duties.start());
  eviction.start();
  return Unit{};
}

void NodeLife::start_agent() {
  if (agent) agent->start();
}

void NodeLife::images_changed() {
  if (agent) agent->images_changed();
}

void NodeLife::status_changed() {
  if (agent) agent->poke();
}

rt::Task<void> NodeLife::stop() {
  if (agent) co_await agent->stop();
  co_await duties.stop();
  co_await eviction.stop();
}

}  // namespace pintle::kubelet

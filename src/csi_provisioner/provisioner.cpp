#include "csi_provisioner/provisioner.h"

namespace pintle::csi_provisioner {

namespace {

constexpr rt::Duration removal_retry = std::chrono::seconds(5);

template <class T>
typename client::Informer<T>::Handler each_change(std::function<void(const std::shared_ptr<const T>&)> changed) {
  typename client::Informer<T>::Handler out;
  out.on_add = [changed](const auto& object, bool) { changed(object); };
  out.on_update = [changed](const auto&, const auto& object) { changed(object); };
  return out;
}

}  // namespace

Provisioner::Provisioner(ProvisionerDeps deps, std::string driver, std::string topology_key)
    : deps_(std::move(deps)), cluster_(deps_.client, std::move(driver), std::move(topology_key)) {
  follow_claims();
  follow_volumes();
  follow_classes();
  follow_nodes();
}

NodeProvisioner* Provisioner::at(const std::string& node) {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : found->second.get();
}

void Provisioner::follow_claims() {
  cluster_.claims.add_handler(each_change<ClusterState::Claim>([this](const auto& claim) {
    const std::string key = client::object_key(claim->metadata.namespace_, claim->metadata.name);
    std::optional<std::string> node;
    if (const auto volume = claim->spec.volume_name.empty() ? nullptr : cluster_.volumes.get(claim->spec.volume_name))
      node = node_of(*volume, cluster_.driver, cluster_.topology_key);
    else if (is_asked_for(*claim, cluster_.driver) && chosen_node(*claim) != nullptr)
      node = *chosen_node(*claim);
    if (NodeProvisioner* there = node ? at(*node) : nullptr) there->claim_changed(key);
  }));
}

void Provisioner::follow_volumes() {
  cluster_.volumes.add_handler(each_change<ClusterState::Volume>([this](const auto& volume) {
    const auto node = node_of(*volume, cluster_.driver, cluster_.topology_key);
    NodeProvisioner* there = node ? at(*node) : nullptr;
    if (there == nullptr) return;
    there->volume_changed(volume->metadata.name);
    const auto& claimed = volume->spec.claim_ref;
    if (claimed) there->claim_changed(client::object_key(claimed->namespace_, claimed->name));
  }));
}

void Provisioner::follow_classes() {
  const auto changed = [this](const std::shared_ptr<const ClusterState::Class>& found) {
    for (const auto& [node, there] : nodes_) there->class_changed(found->metadata.name);
  };
  auto handler = each_change<ClusterState::Class>(changed);
  handler.on_delete = changed;
  cluster_.classes.add_handler(std::move(handler));
}

void Provisioner::follow_nodes() {
  const auto changed = [this](const std::shared_ptr<const CsiNode>& node) { look_at(node->metadata.name); };
  auto handler = each_change<CsiNode>(changed);
  handler.on_delete = changed;
  cluster_.csi_nodes.add_handler(std::move(handler));
}

// A provisioner for each node that has the driver.
void Provisioner::look_at(const std::string& node) {
  if (!running_) return;
  const auto found = cluster_.csi_nodes.get(node);
  const bool wanted = found && has_driver(*found, cluster_.driver);
  const auto there = nodes_.find(node);
  if (wanted && there == nodes_.end()) {
    Place place{cluster_.driver, node, cluster_.topology_key};
    NodeProvisionerDeps deps{deps_.runtime, deps_.client, cluster_, deps_.driver_of(node)};
    nodes_.emplace(node, std::make_shared<NodeProvisioner>(std::move(deps), std::move(place))).first->second->start();
  } else if (!wanted && there != nodes_.end()) {
    auto gone = std::move(there->second);
    nodes_.erase(there);
    tasks_.spawn(end(std::move(gone)));
    forget_capacity(node);
  }
}

// No volume is made on a node without its driver.
void Provisioner::forget_capacity(const std::string& node) {
  for (const std::string& name : cluster_.classes_of_driver()) {
    ClusterState::Class named;
    named.metadata.name = name;
    const auto capacity = storage_capacity(named, {cluster_.driver, node, cluster_.topology_key}, {});
    if (cluster_.capacities.get(capacity.metadata.namespace_, capacity.metadata.name))
      tasks_.spawn(remove_capacity(tasks_.context(), node, capacity.metadata.namespace_, capacity.metadata.name));
  }
}

rt::Task<void> Provisioner::remove_capacity(rt::Context ctx, std::string node, std::string name_space, std::string name) {
  while (at(node) == nullptr) {
    const auto gone = co_await deps_.client.remove<ClusterState::Capacity>(ctx, name_space, name);
    if (gone || gone.error().reason == Reason::NotFound) co_return;
    const auto slept = co_await rt::sleep_for(ctx, removal_retry);
    if (!slept) co_return;
  }
}

rt::Task<void> Provisioner::end(std::shared_ptr<NodeProvisioner> gone) { co_await gone->stop(); }

void Provisioner::start() {
  cluster_.informers.start();
  tasks_.spawn(run(tasks_.context()));
}

rt::Task<void> Provisioner::run(rt::Context ctx) {
  const auto synced = co_await cluster_.informers.wait_synced(ctx);
  if (!synced) co_return;
  running_ = true;
  for (const auto& node : cluster_.csi_nodes.list()) look_at(node->metadata.name);
}

rt::Task<void> Provisioner::stop() {
  running_ = false;
  for (const auto& [node, there] : nodes_) co_await there->stop();
  nodes_.clear();
  co_await tasks_.close();
  co_await cluster_.informers.stop();
}

}  // namespace pintle::csi_provisioner

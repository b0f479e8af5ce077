#include "csi_provisioner/provisioner.h"

namespace pintle::csi_provisioner {

namespace {

constexpr rt::Duration removal_retry = std::chrono::seconds(5);
constexpr rt::Duration choice_early_retry = std::chrono::seconds(2);  // while no node has told its room
constexpr rt::Duration choice_retry = std::chrono::seconds(15);
constexpr std::size_t choices_at_once = 4;

template <class T>
typename client::Informer<T>::Handler each_change(std::function<void(const std::shared_ptr<const T>&)> changed) {
  typename client::Informer<T>::Handler out;
  out.on_add = [changed](const auto& object, bool) { changed(object); };
  out.on_update = [changed](const auto&, const auto& object) { changed(object); };
  return out;
}

}  // namespace

Provisioner::Provisioner(ProvisionerDeps deps, std::string driver, std::string topology_key)
    : deps_(std::move(deps)),
      cluster_(deps_.client, std::move(driver), std::move(topology_key)),
      events_(deps_.client, {cluster_.driver, ""}),
      choice_loop_(deps_.runtime, "csi_placement", [this](rt::Context ctx, std::string key) { return choose_node(std::move(ctx), std::move(key)); }) {
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
    else if (is_asked_for(*claim, cluster_.driver))
      choice_loop_.queue().add(key);
    if (NodeProvisioner* there = node ? at(*node) : nullptr) there->claim_changed(key);
  }));
}

// Of the nodes that have told theirs.
std::vector<Room> Provisioner::rooms_for(const ClusterState::Claim& claim, const ClusterState::Class& by) const {
  std::string of_source;  // a clone lies where its source does
  if (claim.spec.data_source) {
    const auto source = cluster_.claims.get(claim.metadata.namespace_, claim.spec.data_source->name);
    const auto volume = source ? cluster_.volumes.get(source->spec.volume_name) : nullptr;
    if (!volume) return {};
    of_source = node_of(*volume, cluster_.driver, cluster_.topology_key).value_or("");
  }
  std::vector<Room> rooms;
  for (const auto& [node, there] : nodes_) {
    if (claim.spec.data_source && node != of_source) continue;
    const auto named = storage_capacity(by, {cluster_.driver, node, cluster_.topology_key}, {});
    const auto found = cluster_.capacities.get(named.metadata.namespace_, named.metadata.name);
    if (!found || !found->capacity) continue;
    const int64_t bytes = found->capacity->value();
    rooms.push_back({node, bytes, found->maximum_volume_size ? found->maximum_volume_size->value() : bytes});
  }
  return rooms;
}

rt::Task<Result<Unit>> Provisioner::choose_node(rt::Context ctx, std::string key) {
  const auto claim = cluster_.claims.get(key);
  if (!claim || !is_asked_for(*claim, cluster_.driver) || chosen_node(*claim) != nullptr) co_return Unit{};
  const auto by = cluster_.classes.get(claim->spec.storage_class_name.value_or(""));
  if (!by || !is_immediate(*by)) co_return Unit{};
  const std::vector<Room> rooms = rooms_for(*claim, *by);
  const std::string node = roomiest_node(*claim, *by, cluster_.topology_key, rooms);
  if (!node.empty()) {
    CO_TRY(co_await deps_.client.patch<ClusterState::Claim>(std::move(ctx), claim->metadata.namespace_, claim->metadata.name,
                                                            client::PatchType::Merge, choice_patch(*claim, node)));
    co_return Unit{};
  }
  if (rooms.empty()) {
    choice_loop_.queue().add_after(std::move(key), choice_early_retry);
    co_return Unit{};
  }
  events_.warning(*claim, "ProvisioningFailed",
                  "failed to provision volume with StorageClass \"" + by->metadata.name + "\": no node with the driver has room for it");
  choice_loop_.queue().add_after(std::move(key), choice_retry);
  co_return Unit{};
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
  choice_loop_.start(choices_at_once);
  for (const auto& node : cluster_.csi_nodes.list()) look_at(node->metadata.name);
}

rt::Task<void> Provisioner::stop() {
  running_ = false;
  co_await choice_loop_.stop();
  for (const auto& [node, there] : nodes_) co_await there->stop();
  nodes_.clear();
  co_await tasks_.close();
  co_await cluster_.informers.stop();
  co_await events_.stop();
}

}  // namespace pintle::csi_provisioner

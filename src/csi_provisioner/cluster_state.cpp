#include "csi_provisioner/cluster_state.h"

#include "csi_provisioner/provision_plan.h"

namespace pintle::csi_provisioner {

ClusterState::ClusterState(client::Client& client, std::string driver_name, std::string key)
    : driver(std::move(driver_name)),
      topology_key(std::move(key)),
      informers(client, {"persistentvolumeclaims", "persistentvolumes"}),
      claims(informers.of<Claim>()),
      volumes(informers.of<Volume>()),
      classes(informers.of<Class>()),
      capacities(informers.of<Capacity>()),
      csi_nodes(informers.of<CsiNode>()) {
  claims.add_index(node_index, [](const Claim& claim) {
    const std::string* node = chosen_node(claim);
    return node == nullptr ? std::vector<std::string>() : std::vector<std::string>{*node};
  });
  volumes.add_index(node_index, [this](const Volume& volume) {
    const auto node = node_of(volume, driver, topology_key);
    return node ? std::vector<std::string>{*node} : std::vector<std::string>();
  });
}

std::vector<std::string> ClusterState::classes_of_driver() const {
  std::vector<std::string> out;
  for (const auto& found : classes.list())
    if (found->provisioner == driver) out.push_back(found->metadata.name);
  return out;
}

}  // namespace pintle::csi_provisioner

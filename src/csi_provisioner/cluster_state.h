// ClusterState: what provisioners know of the cluster, held once for all nodes.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/storage_v1.h"
#include "client/client.h"
#include "client/informers.h"

namespace pintle::csi_provisioner {

class ClusterState {
 public:
  using Claim = api::core_v1::PersistentVolumeClaim;
  using Volume = api::core_v1::PersistentVolume;
  using Class = api::storage_v1::StorageClass;
  using Capacity = api::storage_v1::CSIStorageCapacity;
  using CsiNode = api::storage_v1::CSINode;

  // A node is known by the value that `topology_key` has in its volumes.
  ClusterState(client::Client& client, std::string driver, std::string topology_key);

  // The claims that a node was chosen for, and the driver's volumes on it.
  std::vector<std::shared_ptr<const Claim>> claims_of(std::string_view node) const { return claims.by_index(node_index, node); }
  std::vector<std::shared_ptr<const Volume>> volumes_of(std::string_view node) const { return volumes.by_index(node_index, node); }
  // The driver's classes.
  std::vector<std::string> classes_of_driver() const;

  const std::string driver;
  const std::string topology_key;
  client::Informers informers;
  client::Informer<Claim> claims;
  client::Informer<Volume> volumes;
  client::Informer<Class> classes;
  client::Informer<Capacity> capacities;
  client::Informer<CsiNode> csi_nodes;

 private:
  static constexpr const char* node_index = "node";
};

}  // namespace pintle::csi_provisioner

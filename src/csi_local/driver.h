// LocalDriver: the CSI driver of this node's own disks, served on a unix socket, and registered with the kubelet.
// Belongs to the executor that it was started on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "csi_local/controller_service.h"
#include "csi_local/node_service.h"
#include "csi_local/node_volumes.h"
#include "csi_local/operations.h"
#include "csi_local/volume_store.h"
#include "net/grpc/server.h"
#include "rt/runtime.h"

namespace pintle::csi_local {

struct LocalDriverOptions {
  std::string endpoint;      // the socket's absolute path
  std::string registration;  // the path of a socket in the kubelet's plugins_registry; "": somebody else registers it
  std::string node_name;
  std::vector<Pool> pools;  // at least one
};
// "name=/directory", in the flags' order, and "name=100Gi" of those. The flags are called --PREFIXpath and --PREFIXcapacity, for messages.
Result<std::vector<Pool>> parse_pools(std::string_view prefix, const std::vector<std::string>& paths, const std::vector<std::string>& capacities);

class Registration;

class LocalDriver {
 public:
  LocalDriver(rt::Runtime& runtime, LocalDriverOptions options);
  ~LocalDriver();
  // Finds its volumes, then serves.
  rt::Task<Result<Unit>> start();
  // After a start() that failed too. Mounts stay.
  rt::Task<void> stop();

 private:
  rt::Runtime& runtime_;
  const LocalDriverOptions options_;
  VolumeStore store_;
  Operations operations_;
  NodeVolumes node_volumes_;
  ControllerService controller_;
  NodeService node_;
  net::grpc::Server server_;
  std::unique_ptr<Registration> registration_;
};

}  // namespace pintle::csi_local

// LocalStorage: the storage in the box of a cluster: volumes for claims on every node that serves the driver of local volumes. The driver of this
// process's node is called by its socket, those of agents through their kubelets' servers, as this server asks kubelets for logs.
#pragma once

#include <memory>
#include <string>

#include "apiserver/connect/kubelet_client.h"
#include "apiserver/types/options.h"
#include "client/client.h"
#include "csi/driver.h"
#include "csi_provisioner/provisioner.h"
#include "rt/runtime.h"

namespace pintle::cmd {

struct LocalStorageSetup {
  rt::Runtime& runtime;
  client::Client& client;  // as the account of the storage in the box
  const apiserver::ApiServerOptions& api_server;
  std::string own_node;      // "": this process has none
  std::string own_endpoint;  // of its driver
};

class LocalStorage {
 public:
  // An error names the certificate file at fault.
  static Result<std::unique_ptr<LocalStorage>> make(LocalStorageSetup setup);
  void start();
  rt::Task<void> stop();

 private:
  LocalStorage(client::Client& client, std::vector<std::string> address_types) : client_(client), address_types_(std::move(address_types)) {}

  client::Client& client_;
  const std::vector<std::string> address_types_;
  std::unique_ptr<apiserver::connect::KubeletClient> kubelets_;
  std::shared_ptr<csi::Driver> own_driver_;
  std::unique_ptr<csi_provisioner::Provisioner> provisioner_;
};

// Where the driver of a node of ours is served, below its kubelet's root. Short: a socket's path has 107 bytes at most.
std::string local_storage_endpoint(const std::string& kubelet_root_dir);

}  // namespace pintle::cmd
